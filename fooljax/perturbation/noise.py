"""The control of every change that a search found: noise of the same length, which saw no network."""

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.perturbation.sizes import LENGTHS

NOISES = ("uniform", "gaussian")
HALVINGS = 30


def noise_of_length(
    images: npt.NDArray[np.uint8], lengths: npt.NDArray[np.floating], norm: str, noise: str, seed: int
) -> npt.NDArray[np.uint8]:
    """Images with noise whose length, after clipping and rounding to 8 bits, is at least the one asked for.

    So the control is never smaller than what it is compared with, and larger by as little as rounding allows.

    Args:
      images: `[N, H, W, K]`, the originals.
      lengths: `[N]`, of the change, in units of the range of values; 0 or more.
      norm: "l2" or "linf".
      noise: "uniform", each value between equal ends, or "gaussian".
      seed: decides the noise.
    Returns:
      The images with noise. Where even the largest noise is shorter, with that.
    Raises:
      InputError: there is no such norm or noise.
    """
    if noise not in NOISES or norm not in LENGTHS:
        raise InputError(
            f"norm, noise: expected one of {', '.join(LENGTHS)} and one of {', '.join(NOISES)}, "
            f"got {shown(norm)} and {shown(noise)}"
        )
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(-1.0, 1.0, images.shape) if noise == "uniform" else rng.normal(size=images.shape)
    least = lengths - 1e-6
    low, high = np.zeros(len(images)), np.full(len(images), 512.0)  # by this, every value is at an end
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        length = LENGTHS[norm](_with(images, middle, drawn), images)
        enough = length.astype(least.dtype) >= least  # as precise as the lengths that were given
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return _with(images, high, drawn)


def _with(
    images: npt.NDArray[np.uint8], scale: npt.NDArray[np.float64], noise: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    return np.clip(np.rint(images + scale[:, None, None, None] * noise), 0, 255).astype(np.uint8)
