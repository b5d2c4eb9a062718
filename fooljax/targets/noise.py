"""Noise that a training can show to a network so that it does not become sure of noise."""

import jax
import jax.numpy as jnp

BLURS = (1.0, 2.5)
"""Standard deviations of the blur, in pixels: the range from which each image takes its own."""


def noise_like(key: jax.Array, pixels: jax.Array) -> jax.Array:
    """One image of noise for each image of a batch.

    Half of them are uniform noise, the others are images of the batch whose pixels are shuffled, in one order
    for all of them. All are blurred, each by its own width, since networks tell unblurred noise apart too
    easily, and stretched to the range [0, 1].

    Args:
      key: decides all draws.
      pixels: `[B, H, W, K]` in [0, 1].
    Returns:
      `[B, H, W, K]` in [0, 1].
    Source: Hein et al. 2019 (arXiv 1812.05720), section 4, from memory.
    """
    uniform_key, shuffle_key, blur_key = jax.random.split(key, 3)
    batch, height, width, channels = pixels.shape
    uniform = jax.random.uniform(uniform_key, pixels.shape)
    # An order for each image would take longer than a small network's step.
    order = jax.random.permutation(shuffle_key, height * width)
    shuffled = pixels.reshape(batch, height * width, channels)[:, order]
    even = (jnp.arange(batch) % 2 == 0)[:, None, None, None]
    drawn = jnp.where(even, uniform, shuffled.reshape(pixels.shape))
    deviations = jax.random.uniform(blur_key, (batch,), minval=BLURS[0], maxval=BLURS[1])
    blurred = jax.vmap(_blurred)(drawn, deviations)
    low = jnp.min(blurred, axis=(1, 2, 3), keepdims=True)
    high = jnp.max(blurred, axis=(1, 2, 3), keepdims=True)
    # An image of one brightness, such as a black one, has no range to be stretched.
    return (blurred - low) / jnp.maximum(high - low, 1e-6)


def _blurred(image: jax.Array, deviation: jax.Array) -> jax.Array:
    """A Gaussian blur of an image `[H, W, K]`; at the border the weights inside add up to 1."""
    height, width, _ = image.shape
    return jnp.einsum("ij,jwk,wv->ivk", _weights(height, deviation), image, _weights(width, deviation).T)


def _weights(size: int, deviation: jax.Array) -> jax.Array:
    places = jnp.arange(size, dtype=jnp.float32)
    weights = jnp.exp(-0.5 * ((places[:, None] - places[None, :]) / deviation) ** 2)
    return weights / jnp.sum(weights, axis=1, keepdims=True)
