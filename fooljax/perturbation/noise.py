"""The control of every change that a search found: noise of the same length, which saw no network."""

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown

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
    changed = np.empty_like(images)
    for place, (image, length) in enumerate(zip(images, lengths, strict=True)):
        low, high = 0.0, 512.0  # by this, every value is at an end of its range
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            enough = LENGTHS[norm](_with(image, middle * drawn[place]), image) >= length - 1e-6
            low, high = (low, middle) if enough else (middle, high)
        changed[place] = _with(image, high * drawn[place])
    return changed


def _with(image: npt.NDArray[np.uint8], noise: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def _euclidean(changed: npt.NDArray[np.uint8], image: npt.NDArray[np.uint8]) -> float:
    return float(np.linalg.norm((changed - image.astype(np.float64)).ravel()) / 255.0)


def _greatest(changed: npt.NDArray[np.uint8], image: npt.NDArray[np.uint8]) -> float:
    return float(np.max(np.abs(changed - image.astype(np.float64))) / 255.0)


LENGTHS = {"l2": _euclidean, "linf": _greatest}
"""The length of the change of an 8-bit image, by the name of the norm."""
