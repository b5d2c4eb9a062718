"""What an attempt to change images knows and finds, whatever its method."""

from collections.abc import Callable
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from fooljax.engine.fitness import quantise
from fooljax.engine.types import Apply, Params
from fooljax.perturbation.norms import Norm


class SearchGoal(NamedTuple):
    """What is looked for; fixed while a search is compiled.

    Attributes:
      apply: the network's.
      norm: how a change is measured.
      least: log-odds that the class must have; None for a class that need only be the arg-max.
      rounded: whether the network is shown 8-bit images, so that what is found holds for files.
    """

    apply: Apply
    norm: Norm
    least: float | None
    rounded: bool

    def shown(self, images: jax.Array) -> jax.Array:
        """The images that the network sees, in the box."""
        return quantise(images) if self.rounded else jnp.clip(images, 0.0, 1.0)

    def is_named(self, odds: jax.Array, is_top: jax.Array) -> jax.Array:
        """Whether images are named as wanted, `[B]`."""
        return is_top if self.least is None else odds >= self.least


class SearchInputs(NamedTuple):
    """The network and the images, which a search never changes.

    Attributes:
      params: the network's.
      originals: `[B, H, W, K]` in [0, 1].
      classes: `[B]`, the class that each shall be named as.
    """

    params: Params
    originals: jax.Array
    classes: jax.Array


@flax.struct.dataclass
class SmallestChanges:
    """The smallest changes so far.

    Attributes:
      here: `[B, H, W, K]`, where the next attempt begins.
      images: `[B, H, W, K]` in [0, 1], those with the smallest change that were named as wanted; the
        originals where there is none.
      length: `[B]` of their change. Without one it is the length from which on changes do not count.
      log_odds: `[B]` of them for their class; of the original where there is none.
      named: `[B]`, whether there is one.
    """

    here: jax.Array
    images: jax.Array
    length: jax.Array
    log_odds: jax.Array
    named: jax.Array


def keep_smallest(
    wanted: SearchGoal,
    given: SearchInputs,
    found: SmallestChanges,
    images: jax.Array,
    odds: jax.Array,
    is_top: jax.Array,
) -> tuple[SmallestChanges, jax.Array]:
    """Keeps images that the network named as wanted and that are nearer to their originals than others were.

    Args:
      wanted: what is looked for.
      given: the originals.
      found: until now.
      images: `[B, H, W, K]`, as they were shown.
      odds: `[B]`, of their class.
      is_top: `[B]`, whether the class is the arg-max.
    Returns:
      What is found now, and which of the images were named as wanted, `[B]`.
    """
    length = wanted.norm.length(images - given.originals)
    named = wanted.is_named(odds, is_top)
    better = named & ((length < found.length) | ((length <= found.length) & ~found.named))
    return (
        found.replace(  # type: ignore[attr-defined]
            images=jnp.where(better[:, None, None, None], images, found.images),
            length=jnp.where(better, length, found.length),
            log_odds=jnp.where(better, odds, found.log_odds),
            named=found.named | better,
        ),
        named,
    )


class Method(NamedTuple):
    """A way to look for a change of limited size. Equal methods share compiled programs.

    Attributes:
      attempt: `attempt(wanted, given, found, strength [B]) -> (found, named [B])`: looks for a change, the
        larger the strength the larger, and says of which images there was one that the network named as
        wanted.
      first: `first(norm)`, the strength to begin with.
      factor: by what the strength grows until a change is found.
      passes: network passes for an image in one attempt; those of its line search not counted where its
        length is not fixed.
    """

    attempt: Callable[
        [SearchGoal, SearchInputs, SmallestChanges, jax.Array], tuple[SmallestChanges, jax.Array]
    ]
    first: Callable[[Norm], float]
    factor: float
    passes: int
