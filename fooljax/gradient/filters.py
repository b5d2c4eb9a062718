"""What rules do to whole images: a Gaussian blur, a percentile, and the total variation."""

import math

import jax
import jax.numpy as jnp
import numpy as np

BLUR_REACH = 4.0
"""Radii after which the Gaussian is cut off. Source: SciPy's `gaussian_filter`, which the authors use."""
SOFT = 1.0 / 255.0
"""Differences smaller than about one 8-bit level count by their squares, so that the total variation has a
gradient where two neighbours are equal."""


def blur(image: jax.Array, radius: float) -> jax.Array:
    """Blurs each channel with a Gaussian, as SciPy's `gaussian_filter` does with its defaults.

    Args:
      image: `[H, W, K]`; it is continued beyond its edges by its mirror image.
      radius: the standard deviation in pixels.
    """
    reach = int(BLUR_REACH * radius + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / radius) ** 2)
    weights /= weights.sum()
    # A sum of shifted images: convolutions of single channels are slow on CPUs.
    for axis in (0, 1):
        edges = [(reach, reach) if each == axis else (0, 0) for each in range(3)]
        padded, size = jnp.pad(image, edges, mode="symmetric"), image.shape[axis]
        shifted = [jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in range(2 * reach + 1)]
        image = sum(float(weight) * part for weight, part in zip(weights, shifted, strict=True))  # type: ignore[assignment]
    return image


def below_percentile(values: jax.Array, percentile: float) -> jax.Array:
    """Says which values are below a percentile of all of them, interpolated linearly as NumPy's is.

    It does not sort, which makes it 8 times faster on a CPU for 784 values. The value at the percentile's
    lower rank is put together bit by bit, by counting how many values are below.

    Args:
      values: any shape, float32, without NaN.
      percentile: 0 to 100.
    Returns:
      bool, shaped as `values`.
    """
    position = (values.size - 1) * percentile / 100.0
    rank = math.floor(position)
    bits = jax.lax.bitcast_convert_type(jnp.where(values == 0.0, 0.0, values), jnp.uint32)
    sign = jnp.uint32(1 << 31)
    keys = jnp.where(bits >= sign, ~bits, bits | sign)  # ordered as the values are

    def next_bit(index: jax.Array, found: jax.Array) -> jax.Array:
        tried = found | (sign >> index.astype(jnp.uint32))
        return jnp.where(jnp.sum(keys < tried) <= rank, tried, found)

    lower = jax.lax.fori_loop(0, 32, next_bit, jnp.uint32(0))
    # Between two ranks the percentile is above the lower of them, unless both have the same value.
    between = (position > rank) & (jnp.sum(keys <= lower) == rank + 1)
    return (keys < lower) | (between & (keys == lower))


def variation(image: jax.Array) -> jax.Array:
    """The total variation of an image `[H, W, K]`: the sum over neighbours of sqrt(d^2 + s^2) - s.

    d is the difference between two neighbours, one beside or below the other, and s is `SOFT`.
    """
    down, beside = jnp.diff(image, axis=0), jnp.diff(image, axis=1)
    return jnp.sum(jnp.sqrt(down**2 + SOFT**2) - SOFT) + jnp.sum(jnp.sqrt(beside**2 + SOFT**2) - SOFT)
