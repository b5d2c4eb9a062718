"""Images that differ: a few out of many, each as far as can be from those that were taken before it."""

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError


def spread(images: npt.NDArray[np.uint8], count: int) -> list[int]:
    """Chooses images that differ from one another.

    The first image is taken. Then again and again the one is taken whose distance to the nearest of those
    that were taken is largest; of equal ones the first.

    Args:
      images: `[N, H, W, K]`, the best first.
      count: how many are wanted, at most.
    Returns:
      Their places, in the order in which they were taken.
    Raises:
      InputError: no image is wanted.
    Source: Gonzalez 1985, "Clustering to minimize the maximum intercluster distance".
    """
    if count < 1:
        raise InputError(f"count: expected 1 or more, got {count}")
    points = images.reshape(len(images), -1).astype(np.float32)
    taken: list[int] = []
    nearest = np.full(len(points), np.inf, np.float32)
    while len(taken) < min(count, len(points)):
        place = int(np.argmax(nearest))
        taken.append(place)
        nearest = np.minimum(nearest, np.linalg.norm(points - points[place], axis=1))
        nearest[taken] = -1.0
    return taken
