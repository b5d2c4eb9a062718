"""How far images lie from the nearest training image, measured against clean images that were held out.

A picture of a class is about as near to the training images as other pictures of its kind. So the distance of
an image is told as a percentile of the distances of clean held-out images to the same training images. It is
measured in pixels, and in the features of a network, where a shifted or a thicker stroke moves an image less.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

BLOCK = 2**24
"""Distances that are in memory at a time, 64 MiB."""


class Nearest(NamedTuple):
    """The nearest of some vectors to each of others.

    Attributes:
      distances: `[B]` float64, Euclidean.
      indices: `[B]`, which vector it is.
    """

    distances: npt.NDArray[np.float64]
    indices: npt.NDArray[np.int64]


def pixels(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Images `[B, H, W, K]` as vectors `[B, H W K]` of values in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255.0)


def nearest(vectors: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> Nearest:
    """Finds the nearest of `others` to each of `vectors`, by comparing all pairs.

    Squared distances come from one matrix product in single precision. Where two vectors are equally near up
    to its rounding, either may be found. The distance to the one that is found is worked out again from the
    difference, so it is exact: 0 for a vector that is among the others.

    Args:
      vectors: `[B, F]`.
      others: `[N, F]`, one or more.
    Raises:
      InputError: the arrays do not fit together, or there are no others.
    """
    if vectors.ndim != 2 or others.ndim != 2 or vectors.shape[1:] != others.shape[1:] or not len(others):
        raise InputError(
            f"others: expected [N, {vectors.shape[-1]}], as the vectors have, and N at least 1, got "
            f"{list(others.shape)}"
        )
    # Moved to the middle of the others: sums of squares are small then, and lose few digits.
    middle = others.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred, halves = others - middle, np.zeros(len(others), np.float32)
    np.einsum("nf,nf->n", centred, centred, out=halves)
    halves /= 2.0
    indices = np.zeros(len(vectors), np.int64)
    step = max(1, BLOCK // len(others))
    for start in range(0, len(vectors), step):
        part = slice(start, start + step)
        indices[part] = np.argmax((vectors[part] - middle) @ centred.T - halves, axis=1)
    apart = vectors.astype(np.float64) - others[indices]
    return Nearest(np.linalg.norm(apart, axis=1), indices)


def percentiles(values: npt.NDArray[np.floating], clean: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The percentage of clean values below each value; of those that equal it, half.

    Args:
      values: `[B]`.
      clean: `[N]`, one or more.
    Returns:
      `[B]`, in [0, 100]: 100 is more than any clean value.
    Raises:
      InputError: there are no clean values.
    """
    if not len(clean):
        raise InputError("clean: expected at least one value, got none")
    # SciPy's `percentileofscore` of the kind "mean"; importing scipy.stats takes longer than a whole panel.
    ordered = np.sort(clean)
    sides = [np.searchsorted(ordered, values, side) for side in ("left", "right")]
    return 50.0 * (sides[0] + sides[1]) / len(ordered)
