"""The probe: a few fixed images that a target is shown before a search, to see whether it can be trusted.

A search believes whatever a target says. A network whose answer depends on the other images of its batch
(batch norm in training mode) or on chance (dropout) looks fooled during the search, and is not when it is
asked again. A network that gives probabilities instead of logits looks robust, and is not. So the target is
shown the same images in several arrangements first, by one small compiled program.
"""

import functools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import log_odds
from fooljax.engine.objective import LOG_ODDS, Logits, Objective
from fooljax.engine.types import Apply, Params, Target
from fooljax.errors import InputError, first_line, shown
from fooljax.host_targets import HostFunction
from fooljax.joint_targets import SeveralNetworks

IMAGES = 8
"""Images of the probe, which are shown together."""
TOLERANCE = 0.1
"""By how much log-odds may differ from batch to batch, beside what the rounding of logits explains."""
SUMS_TO_ONE = 1e-3
"""By how much the sum of probabilities may differ from 1, beside what their rounding explains."""
SMALL = 64 * 64 * 3
"""Most values of an image that is shown alone, too. A batch of another size needs another program, and it
would take too long to compile a large network twice."""
LARGE = 2.0**17
"""Float32 logits of this size are 1/64 apart, so that log-odds are no longer told apart well."""

logger = logging.getLogger("fooljax")


class Fault(NamedTuple):
    """Why a network's answers cannot be trusted as they are.

    Attributes:
      kind: "infinite", "nan" or "probabilities"; or, where an image's log-odds are not always the same,
        "chance" (asked twice the same), "place" (in another place of the batch), "company" (among other
        images) or "alone" (in a batch of its own).
      words: what was expected and what came, as the rest of a line.
    """

    kind: str
    words: str


class Doubt(NamedTuple):
    """What is odd about a network's answers, which are used all the same.

    Attributes:
      kind: "nan" (for a few images), "unit" (all outputs lie in [0, 1]), "alike" (the same for all images) or
        "large".
      words: what came, as the rest of a line.
    """

    kind: str
    words: str


class Probe(NamedTuple):
    """What a target said of the probe's images.

    Attributes:
      logits: `[8, C]` float32, of the images in one batch; of a joint target, a pytree of such arrays.
      faults: what is wrong with its answers, the first of a kind for each network.
      doubts: what is odd about them, of each network.
    """

    logits: Any
    faults: tuple[Fault, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def log_odds(self) -> Any:
        """As `logits`: tells one network from another, whatever the platform, up to rounding."""
        return jax.tree.map(lambda logits: np.asarray(_log_odds(logits)), self.logits)


def logits_of_two(target: Target, image_shape: tuple[int, ...]) -> Logits:
    """The shapes `[2, C]` and types of a target's logits for two images, a tuple where it is a joint target.

    Args:
      target: a JAX function is traced, not run; a host target is asked.
      image_shape: `(H, W, K)`.
    Raises:
      InputError: the target refuses images of this shape, or does not give floating-point logits `[B, C]`.
    """
    if isinstance(target.apply, HostFunction):
        logits: Any = target.apply(target.params, probe_images(image_shape)[:2])
        return jax.tree.map(lambda part: jax.ShapeDtypeStruct(part.shape, part.dtype), logits)
    images = jax.ShapeDtypeStruct((2, *image_shape), jnp.float32)
    try:
        logits = jax.eval_shape(target.apply, target.params, images)
    except Exception as error:  # A network may raise whatever its library has: Flax has some twenty kinds.
        raise InputError(f"target: refused images {list(images.shape)}: {first_line(error)}") from error
    is_joint = isinstance(target.apply, SeveralNetworks)
    if isinstance(logits, tuple) and not is_joint:
        raise InputError(f"target: expected logits as one array, got a tuple of {len(logits)}")
    for leaf in logits if is_joint else (logits,):
        shape = getattr(leaf, "shape", None)
        if shape == (2, 1):
            raise InputError("target: expected logits [B, C] of at least 2 classes, got 1")
        if shape is None or len(shape) != 2 or shape[0] != 2 or not shape[1]:
            found = type(leaf).__name__ if shape is None else shape or "a number"
            raise InputError(f"target: expected logits [2, C] of 2 images, got {found}")
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise InputError(f"target: expected floating-point logits, got {leaf.dtype}")
    return logits


def count_classes(target: Target, image_shape: tuple[int, ...]) -> int:
    """The number of classes of one network that is a JAX function, found by shapes alone.

    Args:
      target: whose `apply` is traced, not run.
      image_shape: `(H, W, K)`.
    Raises:
      InputError: as `logits_of_two`, or the target is none of one network.
    """
    return count_cells(logits_of_two(target, image_shape), LOG_ODDS)


def count_cells(logits: Logits, objective: Objective) -> int:
    """The number of cells that an archive has with an objective.

    Args:
      logits: shapes, as `logits_of_two` gives them.
      objective: of these logits.
    Raises:
      InputError: the objective does not take these logits, or does not give `[B, N]` float32 values.
    """
    if isinstance(logits, tuple) and objective == LOG_ODDS:
        raise InputError(
            f"objective: log_odds is of one network, and the target has {len(logits)}; choose one of "
            "fooljax.objectives"
        )
    name = shown(objective.name)
    values: Any
    try:
        values = jax.eval_shape(objective.fitness, logits)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"objective: {name} failed on the target's logits: {first_line(error)}") from error
    shape = getattr(values, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != 2 or not shape[1]:
        found = type(values).__name__ if shape is None else shape or "a number"
        raise InputError(f"objective: expected {name} to give values [2, N] of 2 images, got {found}")
    if values.dtype != jnp.float32:
        raise InputError(f"objective: expected {name} to give float32, got {values.dtype}")
    return int(shape[1])


def probe(target: Target, image_shape: tuple[int, ...]) -> Probe:
    """Shows a target a few images and makes sure that its answers can be trusted. Doubts are logged.

    Args:
      target: the network as it will be used. Each network of a joint target is checked.
      image_shape: `(H, W, K)`.
    Returns:
      What it said.
    Raises:
      InputError: the target refuses such images or gives no logits `[B, C]`, its logits are NaN for most
        images or infinite for one, or they are probabilities. Or an image's log-odds depend on chance, on its
        place in the batch or on the other images there, by more than rounding explains.
    """
    found = examine(target, image_shape)
    if found.faults:
        raise InputError(f"target: {found.faults[0].words}")
    for doubt in found.doubts:
        logger.warning("target: %s", doubt.words)
    return found


def examine(target: Target, image_shape: tuple[int, ...]) -> Probe:
    """As `probe`, but a network whose answers cannot be trusted is not refused, and nothing is logged.

    Args:
      target: the network as it will be used. Each network of a joint target is checked.
      image_shape: `(H, W, K)`.
    Raises:
      InputError: the target refuses such images or gives no logits `[B, C]`.
    """
    kinds = logits_of_two(target, image_shape)
    images = probe_images(image_shape)
    ask = functools.partial(_ask, target.apply, target.params)
    try:
        first = ask(images)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"target: failed on images {list(images.shape)}: {first_line(error)}") from error
    answers = {
        "chance": (ask(images), np.arange(IMAGES)),
        "place": (_turned(ask, images), np.arange(IMAGES)),
        "company": (ask(images[[0] * IMAGES]), np.zeros(IMAGES, int)),
    }
    if images[0].size <= SMALL:
        answers["alone"] = (ask(images[:1]), np.zeros(1, int))
    faults: list[Fault] = []
    doubts: list[Doubt] = []
    for number, (logits, kind) in enumerate(zip(jax.tree.leaves(first), jax.tree.leaves(kinds), strict=True)):
        others = {way: (jax.tree.leaves(found)[number], places) for way, (found, places) in answers.items()}
        own = list(_faults(logits, float(jnp.finfo(kind.dtype).eps), others))
        faults += own
        doubts += _doubts(logits, {fault.kind for fault in own})
    return Probe(first, tuple(faults), tuple(doubts))


def _turned(ask: Callable[[Any], Any], images: npt.NDArray[np.float32]) -> Any:
    """The logits of the images when each is asked about in another place of the batch."""
    turned = np.roll(np.arange(IMAGES), 3)
    return jax.tree.map(lambda logits: logits[np.argsort(turned)], ask(images[turned]))


WAYS = {
    "chance": "asked twice the same",
    "place": "in another place of the batch",
    "company": "among copies of itself instead of other images",
    "alone": "in a batch of its own",
}
"""The ways in which an image is asked about again."""


def _faults(
    first: npt.NDArray[np.float32],
    rounding: float,
    answers: Mapping[str, tuple[npt.NDArray[np.float32], npt.NDArray[Any]]],
) -> Iterator[Fault]:
    """What is wrong with one network's logits `[8, C]`, and where it answers otherwise when asked otherwise.

    Args:
      first: the logits.
      rounding: of the type that the network computes them in.
      answers: by how it was asked: logits `[n, C]`, and which of the images they are of.
    """
    # A logit of minus infinity is a class that is ruled out; the logarithm of a probability of 0 is one.
    if infinite := int(np.sum(np.isposinf(first).any(axis=1) | np.isneginf(first).all(axis=1))):
        yield Fault(
            "infinite", f"its logits are infinite for {infinite} of {IMAGES} images that it was shown"
        )
    nan = np.asarray(np.isnan(first).any(axis=1))
    if nan.sum() > IMAGES / 2:
        yield Fault("nan", f"its logits are NaN for {nan.sum()} of {IMAGES} images that it was shown")
        return
    yield from _fault_of_probabilities(first[~nan], SUMS_TO_ONE + 2.0 * rounding)
    allowed = TOLERANCE + 16.0 * rounding * _largest(first[~nan])
    odds = _odds(first)
    for way, (others, places) in answers.items():
        moved = np.asarray(np.abs(_odds(others) - odds[places]))
        if np.max(moved[~nan[places]], initial=0.0) > allowed:
            image, cell = np.unravel_index(np.nanargmax(np.where(np.isnan(moved), -1.0, moved)), moved.shape)
            before, after = odds[places][image, cell], _odds(others)[image, cell]
            yield Fault(
                way,
                f"an image's log-odds for class {cell} are {after:.2f} {WAYS[way]}, {before:.2f} before; "
                "expected the same: switch batch norm and dropout to inference",
            )


def probe_images(image_shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """The probe's images, `[8, H, W, K]` in [0, 1]: noise and patterns, as a search's images may be."""
    generator = np.random.default_rng(0)
    noise = generator.random((4, *image_shape), np.float32)
    height, width, _ = image_shape
    rows, columns = np.linspace(0, 1, height)[:, None, None], np.linspace(0, 1, width)[None, :, None]
    waves = 0.5 + 0.5 * np.sin(20.0 * rows + 5.0 * columns)
    patterns = [rows, columns, waves]
    flat = [np.broadcast_to(pattern, image_shape) for pattern in patterns]
    images = np.stack(
        [noise[0], noise[1], 0.1 * noise[2], 0.5 + 0.5 * noise[3], *flat, np.zeros(image_shape)]
    )
    return np.round(images * 255.0).astype(np.float32) / np.float32(255.0)


@functools.partial(jax.jit, static_argnums=0)
def _logits(apply: Apply, params: Params, images: jax.Array) -> Any:
    return jax.tree.map(lambda logits: logits.astype(jnp.float32), apply(params, images))


def _ask(apply: Apply, params: Params, images: npt.NDArray[np.float32]) -> Any:
    if isinstance(apply, HostFunction):
        return apply(params, images)
    return jax.tree.map(np.asarray, _logits(apply, params, images))


# One program: operation by operation it would be thirty.
_log_odds = jax.jit(log_odds)


def _odds(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Log-odds cut off where float32 confidences end, so that certainty counts as equal to certainty."""
    with np.errstate(invalid="ignore"):
        return np.clip(np.asarray(_log_odds(logits), np.float64), -40.0, 40.0)


def _largest(logits: npt.NDArray[np.float32]) -> float:
    """The largest finite size of a logit; 0 where there is none."""
    return float(np.max(np.abs(logits), initial=0.0, where=np.isfinite(logits)))


def _fault_of_probabilities(logits: npt.NDArray[np.float32], tolerance: float) -> Iterator[Fault]:
    sums = np.sum(logits, axis=1)
    total, alike = float(np.mean(sums)), _are_alike(logits)
    # In percent, too; but a network that says the same of every image has rows of one sum, whatever it gives.
    even = (
        np.isfinite(total)
        and np.all(np.abs(sums - total) < tolerance * total)
        and (not alike or abs(total - 1.0) < tolerance)
    )
    if np.all(logits >= 0.0) and even:
        yield Fault(
            "probabilities",
            "expected logits, got what look like probabilities (none negative, rows sum to "
            f"{total:.4g}); give the layer before the softmax, or the logarithm of these",
        )


def _doubts(first: npt.NDArray[np.float32], faults: Collection[str]) -> Iterator[Doubt]:
    """What is odd about one network's logits `[8, C]`.

    Args:
      first: the logits.
      faults: the kinds of its faults, which say more.
    """
    if "nan" in faults:
        return
    nan = np.asarray(np.isnan(first).any(axis=1))
    logits = first[~nan]
    if nan.any():
        yield Doubt("nan", f"its logits are NaN for {nan.sum()} of {IMAGES} images that it was shown")
    if "probabilities" not in faults and np.all((logits >= 0.0) & (logits <= 1.0)):
        yield Doubt("unit", "all its outputs lie in [0, 1]; if they are probabilities, give their logits")
    if _are_alike(logits):
        yield Doubt("alike", f"its logits are the same for all {len(logits)} images that it was shown")
    if (largest := _largest(logits)) > LARGE:
        yield Doubt("large", f"its logits reach {largest:.3g}, where float32 no longer tells log-odds apart")


def _are_alike(logits: npt.NDArray[np.float32]) -> bool:
    return bool(np.all(logits == logits[:1]))
