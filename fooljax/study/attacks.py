"""Attacks on one network: image sets that are made against it at a stated budget, and what a row says of it.

    specs = attacks.specs("defended", attacks.FRESH, runs=range(5), passes=5_000)
    for found, figures in attacks.make_and_measure(ImageSets(folder), specs, target, thresholds):
        ...

Every network is met in the same way, so that a defended one and the one before it can be compared. A network
with a class for rejected images is met with the other classes as `cells`; its log-odds count that class among
the others. What the sets cost is counted in network passes. All measurements are those of saved 8-bit images.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.analysis.attack_strength import (
    ABOUT_GRADIENTS,
    Attempt,
    Strength,
    are_probabilities,
    attack_strength,
)
from fooljax.analysis.statistics import median
from fooljax.analysis.thresholds import Thresholds
from fooljax.engine.log_odds import log_odds, rounded
from fooljax.engine.types import Apply, Params, Target
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.study.image_sets import ImageSet, ImageSets, SetSpec
from fooljax.study.task import Row

FRESH = ("direct", "cppn", "gradient")
"""Generators that make new images against a network."""
CONTROLS = (
    *("random_search_direct", "random_search_cppn", "random_cppn"),
    *("uniform_noise", "gaussian_noise"),
)
"""Generators without evolution: the best of as many random images, random CPPNs, and noise."""
SYMPTOM_IMAGES = 16


def specs(
    network: str,
    generators: Iterable[str],
    *,
    runs: Iterable[int],
    passes: int,
    cells: Sequence[int] | None = None,
) -> list[SetSpec]:
    """Names the sets of some generators and runs against one network.

    Args:
      network: a name for the network, with letters, digits and `_.-`. Another network needs another name.
      generators: out of `fooljax.study.generators.GENERATORS`.
      runs: indices of the runs.
      passes: network passes of each set, at most.
      cells: the classes that images are made for; None for all.
    Raises:
      InputError: see `SetSpec`.
    """
    classes = None if cells is None else tuple(cells)
    return [
        SetSpec(network, generator, run, passes, classes) for generator in generators for run in tuple(runs)
    ]


def sees_network(generator: str) -> bool:
    """Whether a generator is one of `FRESH` or random search; noise and random CPPNs see nothing of it."""
    return generator in FRESH or generator.startswith("random_search")


def make_and_measure(
    sets: ImageSets, specs: Sequence[SetSpec], target: Target, thresholds: Thresholds
) -> Iterator[tuple[ImageSet, dict[str, Any]]]:
    """Makes the sets that are missing and measures each against the network they were made for.

    Args:
      sets: the folder of sets.
      specs: which, all of this network.
      target: the network.
      thresholds: of the network, see `fooljax.analysis.thresholds.clean_thresholds`.
    Yields:
      For each spec, in order, the set and its measurements, see `figures`.
    Raises:
      InputError, FaultError: see `ImageSets.get`.
    """
    for found in sets.get_many(specs, target):
        yield found, figures(found, target, thresholds)


def figures(found: ImageSet, target: Target, thresholds: Thresholds) -> dict[str, Any]:
    """What a row says of an attack.

    Args:
      found: the set.
      target: the network that it was made for.
      thresholds: of that network.
    Returns:
      `images_digest` and `passes` of the set. `log_odds`: of each image for its class. `shares`: of images
      that reach each threshold, as `Thresholds.shares` gives them. `passes_of_classes`: the passes of the
      whole set by which each class first had 99.99 %, None where it never had by the end (a censored run);
      None in place of the list where the generator does not search. `passes_to_median` and `passes_to_all`:
      the same for half of the classes and for all of them.
    """
    odds = score(target, found.images)
    reached = found.reached
    return {
        "images_digest": found.digest,
        "passes": found.passes,
        "log_odds": rounded(found.log_odds),
        "shares": thresholds.shares(odds, found.classes),
        "passes_of_classes": None if reached is None else list(reached),
        "passes_to_median": passes_to_share(reached, 0.5),
        "passes_to_all": passes_to_share(reached, 1.0),
    }


def passes_to_share(reached: Sequence[int | None] | None, share: float) -> int | None:
    """The passes by which a share of the classes had it; None where fewer ever had.

    Args:
      reached: for each class the passes by which it had it, None where it never had; None for no search.
      share: in (0, 1].
    """
    if not reached:
        return None
    in_order = sorted(one for one in reached if one is not None)
    needed = int(np.ceil(share * len(reached)))
    return in_order[needed - 1] if needed <= len(in_order) else None


def attempts(rows: Iterable[Row]) -> list[Attempt]:
    """The attempts of some rows, for `fooljax.analysis.attack_strength`.

    Args:
      rows: on one defence, with `generator`, `log_odds` and `budget`, the passes that a run might cost. Rows
        of noise and of random CPPNs are left out, since they see nothing of the network.
    """
    groups: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        if sees_network(row["generator"]):
            groups.setdefault((row["generator"], row["budget"]), []).append(median(row["log_odds"]))
    return [Attempt(name, name == "gradient", passes, odds) for (name, passes), odds in groups.items()]


def strength(rows: Iterable[Row], seen: Sequence[Mapping[str, Any]]) -> Strength:
    """What the attacks on one defence say of their own strength.

    Args:
      rows: as for `attempts`, with one attack at least.
      seen: what `symptoms` gave of each network that was attacked; may be empty.
    Raises:
      InputError: no row is of an attack.
    """
    return attack_strength(
        attempts(rows),
        zero_gradients=max((one["zero_gradients"] for one in seen), default=None),
        probabilities=any(one["probabilities"] for one in seen) if seen else None,
    )


def strength_alone(rows: Iterable[Row], seen: Sequence[Mapping[str, Any]], generator: str) -> Strength | None:
    """What the attacks of one generator say of their own strength, whatever others reached.

    A number about evolved CPPNs needs this: that gradient ascent overcame the network does not tell whether
    evolution was tried hard. Flags about gradients are left out where the generator sees none.

    Args:
      rows: as for `attempts`.
      seen: as for `strength`.
      generator: whose rows are looked at.
    Returns:
      None where it did not attack, or sees nothing of the network.
    """
    own = [row for row in rows if row["generator"] == generator]
    tried = attempts(own)
    if not tried:
        return None
    found = strength(own, seen)
    if any(one.uses_gradients for one in tried):
        return found
    return found._replace(
        flags={name: flag for name, flag in found.flags.items() if name not in ABOUT_GRADIENTS}
    )


def symptoms_on_noise(target: Target, shape: tuple[int, int, int], classes: Sequence[int]) -> dict[str, Any]:
    """What `symptoms` finds on images of noise, half of them nearly black, as an ascent begins with.

    Args:
      target: the network, a JAX function.
      shape: `(H, W, K)` of its images.
      classes: to aim at, in turn.
    """
    noise = np.random.default_rng(0).integers(0, 256, (SYMPTOM_IMAGES, *shape), dtype=np.uint8)
    noise[::2] //= 32
    return symptoms(target, noise, np.resize(classes, SYMPTOM_IMAGES))


def symptoms(
    target: Target, images: npt.NDArray[np.uint8], classes: npt.NDArray[np.integer]
) -> dict[str, Any]:
    """What `attack_strength` wants to know of the network itself.

    Args:
      target: the network, a JAX function.
      images: `[N, H, W, K]` uint8, some that an ascent would begin with or come by.
      classes: `[N]`, a class to aim at for each.
    Returns:
      `zero_gradients`: the share of images at which the gradient of the log-odds is zero or not finite.
      `probabilities`: whether the network gives probabilities in place of logits.
    Raises:
      InputError: there are no images, or not as many classes.
    """
    if not len(images) or np.shape(classes) != (len(images),):
        raise InputError(f"classes: expected [{len(images)}], got {list(np.shape(classes))}")
    pixels = jnp.asarray(images, jnp.float32) / 255.0
    logits, slopes = _slopes(target.apply)(target.params, pixels, jnp.asarray(classes, jnp.int32))
    steep = np.asarray(slopes)
    return {
        "zero_gradients": float(np.mean(~(np.isfinite(steep) & (steep > 0.0)))),
        "probabilities": are_probabilities(np.asarray(logits)),
    }


@functools.lru_cache(maxsize=8)
def _slopes(apply: Apply) -> Callable[[Params, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    """The compiled `(params, images, classes) -> (logits, largest slope of each image)`."""

    def aimed(images: jax.Array, params: Params, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = apply(params, images)
        own = jnp.take_along_axis(log_odds(logits), classes[:, None], axis=1)
        return jnp.sum(own), logits

    def slopes(params: Params, images: jax.Array, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
        gradient, logits = jax.grad(aimed, has_aux=True)(images, params, classes)
        return logits, jnp.max(jnp.abs(gradient), axis=(1, 2, 3))

    return jax.jit(slopes)
