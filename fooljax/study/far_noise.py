"""Noise of several kinds, on which it is measured whether a network is sure of noise; 8-bit images."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Apply, Params, Target
from fooljax.study.generators import NOISE
from fooljax.study.random_pictures import pictures
from fooljax.targets.losses import UnsureOfNoise
from fooljax.targets.noise import noise_like

NOISES = {
    "uniform_noise": "uniform noise",
    "gaussian_noise": "Gaussian noise",
    "smooth_noise": "blurred noise, as in training",
    "adversarial_noise": "blurred noise made to fool",
}
"""By name; for people."""
STEPS = 40
"""Gradient steps of the noise that is made to fool, ten times as many as in training."""


def noise_images(kind: str, target: Target, dataset: Dataset, count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Images of noise.

    Args:
      kind: out of `NOISES`.
      target: the network that noise of the last kind is made against, from blurred noise by `STEPS` steps of
        `UnsureOfNoise` with its default radius.
      dataset: its training images are shuffled to make blurred noise.
      count: how many.
      seed: of the draws.
    Returns:
      `[count, H, W, K]` uint8.
    """
    if kind in NOISE:
        return pictures(kind, dataset, count, seed)
    noise_key, start_key = jax.random.split(jax.random.key(seed))
    chosen = np.random.default_rng(seed).permutation(len(dataset.train_images))[:count]
    images = jnp.asarray(dataset.train_images[np.resize(chosen, count)], jnp.float32) / 255.0
    noise = noise_like(noise_key, images)
    if kind == "adversarial_noise":
        noise = _maximised(target.apply, target.params, noise, start_key)
    return np.asarray(np.rint(255.0 * np.asarray(noise, np.float64)), np.uint8)


@functools.partial(jax.jit, static_argnums=0)
def _maximised(apply: Apply, params: Params, noise: jax.Array, key: jax.Array) -> jax.Array:
    return UnsureOfNoise(steps=STEPS).maximised(apply, params, noise, key)
