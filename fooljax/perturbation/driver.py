"""`fooljax.perturb`: the smallest change of given images that a network takes for another class."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.checks import check_counts, check_switches, check_within, is_whole
from fooljax.engine.log_odds import to_log_odds
from fooljax.engine.placement import gathered, place_of
from fooljax.engine.precision import as_float32, in_full_precision
from fooljax.engine.types import Target, as_target
from fooljax.errors import InputError, nearest, shown
from fooljax.host_targets import HostFunction
from fooljax.own_settings import with_own_settings
from fooljax.perturbation._lbfgs import lbfgs
from fooljax.perturbation._pgd import pgd
from fooljax.perturbation.attempt import Method, SearchGoal, SmallestChanges
from fooljax.perturbation.norms import NORMS
from fooljax.perturbation.smallest import Program, count_passes, smallest_changes
from fooljax.probe import count_classes, probe
from fooljax.scoring import score
from fooljax.targets.class_named import class_index

METHODS: Mapping[str, Callable[[int], Method]] = MappingProxyType({"pgd": pgd, "lbfgs": lbfgs})
"""By name: what makes a method of a number of steps."""
LARGEST = 2.0**20
"""A length that no change of an image in the box has."""


@dataclass(frozen=True, eq=False)
class Perturbed:
    """Images with the smallest changes that were found.

    Attributes:
      images: `[N, H, W, K]` float32 in [0, 1]; the original where no change was found.
      classes: `[N]`, the class that each was to be named as.
      found: `[N]` bool, whether the network names the image as wanted: the image itself with `rounded`, which
        is then of 8 bits, and its file too.
      length: `[N]` of the change in its norm, in units of the range of values; NaN where none was found.
      log_odds: `[N]`, of the 8-bit images for their classes.
      survives: `[N]` bool, whether the 8-bit image is named as wanted; with `rounded` the same as `found`.
      passes: network passes that the search made; a gradient counts as two.
    """

    images: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    found: npt.NDArray[np.bool_]
    length: npt.NDArray[np.float32]
    log_odds: npt.NDArray[np.float32]
    survives: npt.NDArray[np.bool_]
    passes: int

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The images as files hold them, `[N, H, W, K]`."""
        return _pixels_of(self.images)


def _pixels_of(images: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.rint(images * np.float32(255.0)).astype(np.uint8)


@with_own_settings
def perturb(
    target: Target | Callable[[jax.Array], jax.Array],
    images: npt.ArrayLike,
    to: int | str | Sequence[int | str] | npt.NDArray[np.integer],
    *,
    norm: str = "l2",
    method: str = "pgd",
    confidence: float | None = None,
    within: float | None = None,
    rounded: bool = True,
    rounds: int = 12,
    steps: int = 20,
    check_target: bool = True,
) -> Perturbed:
    """Looks for the smallest change of each image that the network takes for another class.

    All images are changed side by side in one compiled program. A method looks for a change of limited size,
    `rounds` times, and the limit is found by bisection for each image. Of all images that the network was
    shown, the one with the smallest change that was named as wanted is kept. It is the smallest that was
    found, and there may be smaller ones.

    Args:
      target: the network, or any JAX callable `images [B, H, W, K] -> logits [B, C]` that has a gradient.
      images: `[N, H, W, K]`, uint8 or floats in [0, 1].
      to: the class that the images shall be named as, or one for each: an index, or a name of the target's.
      norm: how changes are measured: "l2", the Euclidean length, or "linf", the largest change of a value.
      method: "pgd", projected gradient ascent; or "lbfgs", Szegedy's box-constrained L-BFGS, which minimises
        the Euclidean length and takes some 20 times as long.
      confidence: that the network must have in the class, between 0 and 1; None where the class need only be
        its first choice.
      within: the largest length of a change; None for any.
      rounded: whether the network is shown images rounded to 8 bits during the search, so that what is found
        is a file. A change that was found without may be undone by rounding.
      rounds: attempts.
      steps: of an attempt.
      check_target: whether to show the target some images first; see `fooljax.probe`.
    Returns:
      The images and their changes. An image that is named as wanted from the start stays as it is, with a
      change of length 0.
    Raises:
      InputError: an argument is not as above, or the target has no gradient or does not behave as a
        classifier.
    Source: Szegedy et al. 2014, "Intriguing properties of neural networks", section 4.1; Madry et al. 2018.
    """
    target = as_target(target)
    if isinstance(target.apply, HostFunction) and target.apply.differentiable is None:
        raise InputError(
            f"target: expected a network with gradients, got {shown(target.name, 60)}, a host target"
        )
    for name, value, known in (("norm", norm, NORMS), ("method", method, METHODS)):
        if value not in known:
            raise InputError(
                f"{name}: expected one of {', '.join(known)}, got {shown(value)}{nearest(str(value), known)}"
            )
    if method == "lbfgs" and norm != "l2":
        raise InputError(f"norm: expected l2 with method lbfgs, which minimises it, got {norm}")
    check_counts(rounds=(rounds, 1), steps=(steps, 1))
    check_switches(rounded=rounded, check_target=check_target)
    if within is not None:
        check_within(within=(within, 0.0, LARGEST))
    if confidence is not None:
        check_within(confidence=(confidence, 1e-6, 1.0 - 1e-6))
    originals = _checked_images(images, rounded)
    if target.image_shape not in (None, originals.shape[1:]):
        raise InputError(
            f"images: expected {list(target.image_shape or ())} for {shown(target.name, 60)}, "
            f"got {list(originals.shape[1:])}"
        )
    place = place_of(target.params)
    target = dataclasses.replace(target, params=gathered(as_float32(target.params), place))
    classes = _checked_classes(target, to, originals)
    if check_target:
        probe(target, originals.shape[1:])
    least = None if confidence is None else float(to_log_odds(confidence))
    program = Program(SearchGoal(target.apply, NORMS[norm], least, rounded), METHODS[method](steps), rounds)
    limit = np.float32(LARGEST if within is None else within)
    given = jax.device_put((target.params, originals, classes, limit), place)
    found: SmallestChanges = jax.device_get(_compiled(program)(*given))
    if bad := int(np.sum(np.isnan(found.log_odds))):
        raise InputError(f"target: its log-odds or gradients are NaN for {bad} of {len(classes)} images")
    return _checked_again(target, program, found, classes)


def _checked_again(
    target: Target, program: Program, found: SmallestChanges, classes: npt.NDArray[np.int32]
) -> Perturbed:
    """What was found, with what the network says of the 8-bit images when it is asked once more."""
    pixels = _pixels_of(np.asarray(found.images))
    odds = score(target, pixels)
    own = odds[range(len(classes)), classes]
    is_named = program.wanted.is_named(jnp.asarray(own), jnp.asarray(odds.argmax(axis=1) == classes))
    survives = np.asarray(is_named) & np.asarray(found.named)
    named = survives if program.wanted.rounded else np.asarray(found.named)
    exact = pixels / np.float32(255.0) if program.wanted.rounded else found.images
    return Perturbed(
        images=np.asarray(exact, np.float32),
        classes=classes,
        found=named,
        length=np.where(named, found.length, np.float32(np.nan)),
        log_odds=own,
        survives=survives,
        passes=count_passes(program, len(classes)),
    )


@functools.lru_cache(maxsize=16)
def _compiled(program: Program) -> Callable[..., SmallestChanges]:
    def perturb(*arguments: jax.Array) -> SmallestChanges:
        return smallest_changes(program, *arguments)

    return jax.jit(in_full_precision(perturb))


def _checked_images(images: npt.ArrayLike, rounded: bool) -> npt.NDArray[np.float32]:
    """The images as float32 in [0, 1]; of 8 bits where the search is among such."""
    try:
        found = np.asarray(images)
    except ValueError as error:
        raise InputError(f"images: expected [N, H, W, K], got {shown(error)}") from error
    if found.ndim != 4 or 0 in found.shape:
        raise InputError(f"images: expected [N, H, W, K], got {list(found.shape)}")
    if found.dtype == np.uint8:
        return found.astype(np.float32) / np.float32(255.0)
    floats = jnp.issubdtype(found.dtype, jnp.floating)
    if not floats or not np.all((found >= 0.0) & (found <= 1.0)):
        came = "some outside of it" if floats else found.dtype
        raise InputError(f"images: expected uint8, or floats in [0, 1], got {came}")
    found = found.astype(np.float32)
    levels = found * np.float32(255.0)
    if rounded and not np.allclose(levels, np.rint(levels), rtol=0.0, atol=1e-3):
        raise InputError("images: expected multiples of 1/255, since rounded is True, got others")
    return found


def _checked_classes(target: Target, to: object, originals: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """The index of the class of each image."""
    count, names = count_classes(target, originals.shape[1:]), dict(enumerate(target.class_names))
    if names and len(names) != count:
        raise InputError(
            f"class_names: expected {count} names, as many as the network's logits, got {len(names)}"
        )
    several = isinstance(to, Sequence | np.ndarray) and not isinstance(to, str | bytes)
    asked = list(to) if several else [to] * len(originals)  # type: ignore[call-overload]
    if len(asked) != len(originals):
        raise InputError(f"to: expected one class, or {len(originals)}, one for each image, got {len(asked)}")
    found = []
    for one in asked:
        if isinstance(one, str):
            one = class_index(one, names, argument="to", whose=shown(target.name, 60))
        if not is_whole(one) or not 0 <= one < count:
            raise InputError(
                f"to: expected a class index from 0 to {count - 1} or a name, got {shown(repr(one), 40)}"
            )
        found.append(int(one))
    return np.asarray(found, np.int32)
