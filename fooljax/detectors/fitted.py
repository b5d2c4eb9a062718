"""A detector fitted to one network, and its scores of images.

    fitted = fit("energy", target, seen_of_clean(target, train_images, train_labels))
    fitted.scores(images)  # higher is more suspicious

Clean images that fit a detector, those that give its thresholds and those that it is measured on are three
different parts, none of which is used twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.detectors.detector import Clean, Detector, Seen
from fooljax.detectors.registry import DETECTORS, find_detector
from fooljax.engine.objective import Objective
from fooljax.engine.types import Apply, Params, Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.host_targets import HostFunction
from fooljax.scoring import score
from fooljax.targets.features import FEATURES, Look, look_of
from fooljax.targets.last_layer import OUTPUTS

TRIED = 3
"""Images for which a user's own detector is tried: a count that no axis is likely to have by chance."""


@dataclass(frozen=True)
class _Plain:
    """How to look at a network that does not tell its features."""

    apply: Apply

    def __call__(self, params: Params, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jnp.zeros((images.shape[0], 0), jnp.float32), self.apply(params, images)


def _looking(target: Target) -> Look:
    return look_of(target) or _Plain(target.apply)


@dataclass(frozen=True)
class Watching:
    """A detector beside the network that it watches, as one function; equal for equal ones.

    Attributes:
      detector: the detector.
      look: gives the network's features and logits.
    """

    detector: Detector
    look: Look

    def seen_and_score(self, params: Params, images: jax.Array) -> tuple[Seen, jax.Array]:
        """What the network makes of images `[B, H, W, K]` in [0, 1], and the detector's score `[B]`.

        Args:
          params: `network` and `detector`, the parameters of each.
          images: the images.
        """
        seen = _seen(self.look, params["network"], images)
        return seen, self.detector.score(params["detector"], seen).astype(jnp.float32)


def _seen(look: Look, params: Params, images: jax.Array) -> Seen:
    """What a network of these parameters makes of images `[B, H, W, K]` in [0, 1]."""
    features, logits = look(params, images)
    return Seen(
        images,
        features.astype(jnp.float32),
        logits.astype(jnp.float32),
        lambda changed: look(params, changed)[1].astype(jnp.float32),
    )


@dataclass(frozen=True, eq=False)
class Fitted:
    """A detector fitted to a network.

    Attributes:
      target: the network.
      watching: the detector, and how it looks at the network.
      params: what the detector has learnt from clean images.
    """

    target: Target
    watching: Watching
    params: Params

    @property
    def both(self) -> dict[str, Params]:
        """The parameters of network and detector."""
        return {"network": self.target.params, "detector": self.params}

    def scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """How suspicious images `[N, H, W, K]` uint8 are, `[N]`; higher is more so. See `scores_of`."""
        return scores_of([self], images)[:, 0]


@dataclass(frozen=True)
class _Scores:
    """The scores of several detectors, `[B, D]`, from one look of the network at each image."""

    each: tuple[Watching, ...]

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        seen = _seen(self.each[0].look, params["network"], images)
        pairs = zip(self.each, params["detectors"], strict=True)
        found = [one.detector.score(own, seen).astype(jnp.float32) for one, own in pairs]
        return jnp.stack(found, axis=-1)


def scores_of(fitted: Sequence[Fitted], images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """How suspicious several detectors find images; higher is more so.

    Args:
      fitted: one or more, all of one network.
      images: `[N, H, W, K]` uint8.
    Returns:
      `[N, D]`, a column for each detector.
    Raises:
      InputError: they are of several networks, or as `fooljax.score`.
    """
    network = fitted[0].target
    if any(one.target is not network for one in fitted):
        raise InputError("fitted: expected detectors of one network, got some of several")
    if isinstance(network.apply, HostFunction):
        logits = jnp.asarray(score(network, images, objective=OUTPUTS))
        return np.stack([np.asarray(score_of_logits(one, logits)) for one in fitted], axis=-1)
    params = {"network": network.params, "detectors": tuple(one.params for one in fitted)}
    watched = Target(params, _Scores(tuple(one.watching for one in fitted)))
    return score(watched, images, objective=OUTPUTS)


def score_of_logits(fitted: Fitted, logits: jax.Array) -> jax.Array:
    """The scores `[B]` of images by their logits `[B, C]`, for a network that is asked on the host."""
    no_images = jnp.zeros((len(logits), 0, 0, 0), jnp.float32)
    seen = Seen(no_images, jnp.zeros((len(logits), 0), jnp.float32), logits, _asked_again)
    return fitted.watching.detector.score(fitted.params, seen).astype(jnp.float32)


def _asked_again(images: jax.Array) -> jax.Array:
    del images
    raise InputError("detector: expected one that looks at logits alone; the network is no JAX function")


_LOGITS = Objective("logits", lambda both: both[1])


def seen_of_clean(target: Target, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> Clean:
    """What a network makes of clean images; detectors are fitted to it.

    Args:
      target: the network.
      images: `[N, H, W, K]` uint8.
      labels: `[N]`, their classes.
    Raises:
      InputError: there are not as many labels as images, or see `fooljax.score`.
    """
    labels = np.asarray(labels)
    if labels.shape != np.shape(images)[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels: expected [{len(images)}] whole numbers, got {list(labels.shape)}")
    if isinstance(target.apply, HostFunction):
        logits = np.asarray(score(target, images, objective=OUTPUTS), np.float64)
        return Clean(images, np.zeros((len(images), 0)), logits, labels)
    asked = Target(target.params, _looking(target))
    features, logits = (
        np.asarray(score(asked, images, objective=one), np.float64) for one in (FEATURES, _LOGITS)
    )
    return Clean(images, features, logits, labels)


def fit(detector: Detector | str, target: Target, clean: Clean) -> Fitted:
    """Fits a detector to a network.

    Args:
      detector: a `Detector`, its name in `DETECTORS`, or MODULE:NAME.
      target: the network. Of one that is asked on the host, detectors see the logits alone.
      clean: what it makes of clean images, see `seen_of_clean`. Best are those that it has learnt from.
    Raises:
      InputError: an argument is not as above, the network does not tell the features that the detector wants,
        the images are too few, or a detector of the user's own fails or gives something else than a score of
        each image.
    """
    chosen = find_detector(detector) if isinstance(detector, str) else detector
    for name, value, kind in (
        ("detector", chosen, Detector),
        ("target", target, Target),
        ("clean", clean, Clean),
    ):
        if not isinstance(value, kind):
            raise InputError(f"{name}: expected a {kind.__name__}, got {type(value).__name__}")
    if chosen.needs_features and not clean.features.shape[1]:
        raise InputError(
            f"detector: {chosen.name} looks at a network's features, which {target.name} does not tell"
        )
    if chosen in DETECTORS.values():
        return _fit(chosen, target, clean)
    try:
        own = _fit(chosen, target, clean)
        scores = _shape_of_scores(own, clean)
    except (InputError, FaultError):
        raise
    except Exception as error:  # whatever the user's own functions raise
        raise InputError(
            f"detector: expected {shown(chosen.name)} to fit and to score images, got "
            f"{type(error).__name__}: {shown(error)}"
        ) from error
    if scores != (TRIED,):
        raise InputError(
            f"detector: expected {shown(chosen.name)} to give a score of each image, [{TRIED}] of {TRIED}, "
            f"got {list(scores)}"
        )
    return own


def _fit(detector: Detector, target: Target, clean: Clean) -> Fitted:
    return Fitted(target, Watching(detector, _looking(target)), jax.device_put(detector.fit(clean)))


def _shape_of_scores(fitted: Fitted, clean: Clean) -> tuple[int, ...]:
    """What shape a detector's scores of `TRIED` images have; nothing is computed."""
    if isinstance(fitted.target.apply, HostFunction):
        logits = jax.ShapeDtypeStruct((TRIED, clean.logits.shape[1]), jnp.float32)
        return jax.eval_shape(partial(score_of_logits, fitted), logits).shape
    images = jax.ShapeDtypeStruct((TRIED, *clean.images.shape[1:]), jnp.float32)
    return jax.eval_shape(lambda some: fitted.watching.seen_and_score(fitted.both, some)[1], images).shape
