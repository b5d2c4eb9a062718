"""What a gradient ascent gives: the images, their log-odds, and when each level of confidence was reached."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.fitness import quantise
from fooljax.engine.log_odds import to_log_odds

LEVELS = ("top-1", "99 %", "99.9 %", "99.99 %")
"""The levels whose first iteration is noted: the class is the arg-max, or its confidence is above this."""
_THRESHOLDS = tuple(to_log_odds(level) for level in (0.99, 0.999, 0.9999))


@flax.struct.dataclass
class FirstReached:
    """When each image first reached each of `LEVELS`, and what the image was like then.

    X is the image minus the mean. Lengths times 255 are in the authors' unit, pixels from 0 to 255.

    Attributes:
      iteration: `[B, 4]` int32; -1 where the level was never reached.
      norm: `[B, 4]`, the norm of X; NaN where the level was never reached, as for the two below.
      distance: `[B, 4]`, the distance from the start image.
      deviation: `[B, 4]`, the standard deviation of X.
    """

    iteration: jax.Array
    norm: jax.Array
    distance: jax.Array
    deviation: jax.Array


@flax.struct.dataclass
class Ascent:
    """What a gradient ascent found for a batch of `B` images.

    Attributes:
      images: `[B, H, W, K]` in [0, 1], after the last iteration.
      log_odds: `[B]`, of these images for their classes.
      log_odds_8_bit: `[B]`, of the images rounded to 8 bits, which is what files hold.
      history: `[ceil(iterations / record_every), B]`, log-odds at iterations 0, k, 2 k, ...
      reached: the first iterations at which levels of confidence were reached.
      queries: `[]` int32, network passes. Each iteration takes a forward and a backward pass for every image;
        the last takes a forward pass alone; one more forward pass gives `log_odds_8_bit`.
    """

    images: jax.Array
    log_odds: jax.Array
    log_odds_8_bit: jax.Array
    history: jax.Array
    reached: FirstReached
    queries: jax.Array

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The images as files hold them, `[B, H, W, K]` uint8."""
        return np.asarray(jnp.round(quantise(self.images) * 255.0), np.uint8)


def nothing_reached(batch: int) -> FirstReached:
    """What `note_reached` begins with.

    Lengths are 0, which `never_as_nan` makes NaN on the host: under JAX_DEBUG_NANS no program may return NaN.
    """
    shape = (batch, len(LEVELS))
    return FirstReached(jnp.full(shape, -1, jnp.int32), *jnp.zeros((3, *shape), jnp.float32))


def note_reached(
    reached: FirstReached,
    iteration: jax.Array,
    images: jax.Array,
    start: jax.Array,
    mean: jax.Array,
    odds: jax.Array,
    is_top: jax.Array,
) -> FirstReached:
    """Adds the levels that images reach for the first time in this iteration.

    Args:
      reached: until now.
      iteration: `[]` int32.
      images: `[B, H, W, K]`.
      start: `[B, H, W, K]`, the start images.
      mean: `[H, W, K]`.
      odds: `[B]`, log-odds of each image's class.
      is_top: `[B]` bool, whether the class is the arg-max.
    """
    there = jnp.stack([is_top, *(odds > threshold for threshold in _THRESHOLDS)], axis=-1)
    new = there & (reached.iteration < 0)
    x, axes = images - mean[None], (1, 2, 3)

    def first(before: jax.Array, now: jax.Array) -> jax.Array:
        return jnp.where(new, now[:, None], before)

    return FirstReached(
        iteration=jnp.where(new, iteration, reached.iteration),
        norm=first(reached.norm, jnp.sqrt(jnp.sum(x**2, axes))),
        distance=first(reached.distance, jnp.sqrt(jnp.sum((images - start) ** 2, axes))),
        deviation=first(reached.deviation, jnp.std(x, axes)),
    )


def never_as_nan(reached: FirstReached) -> FirstReached:
    """On the host: lengths are NaN where a level was never reached."""
    reached = jax.device_get(reached)
    never = reached.iteration < 0

    def without_zeros(length: Any) -> Any:
        return np.where(never, np.float32(np.nan), length)

    return FirstReached(
        reached.iteration,
        without_zeros(reached.norm),
        without_zeros(reached.distance),
        without_zeros(reached.deviation),
    )
