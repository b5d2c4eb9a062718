"""Which images test, where data came in one piece: a stated rule, so that everybody splits it alike."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

EVERY = 5
"""Of each class, every fifth image tests."""


class Split(NamedTuple):
    """Images and labels to learn from, and those to test on, in the order of `from_arrays`."""

    train_images: npt.NDArray[Any]
    train_labels: npt.NDArray[Any]
    test_images: npt.NDArray[Any]
    test_labels: npt.NDArray[Any]


def split(images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Split:
    """Splits images by `held_out`; both parts keep their order.

    Args:
      images: `[N, ...]`.
      labels: `[N]` integers.
    Raises:
      InputError: there is not one whole number for each image, or no class has five images.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) != len(images):
        raise InputError(
            f"labels: expected {len(images)} whole numbers, one for each image, got {labels.dtype} of shape "
            f"{labels.shape}"
        )
    tests = held_out(labels)
    if not tests.any():
        raise InputError(
            f"labels: expected a class with {EVERY} images or more, since every {EVERY}th of a class is held "
            "out for tests, got none"
        )
    return Split(images[~tests], labels[~tests], images[tests], labels[tests])


def held_out(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which images are held out: of each class every fifth one, in the order of the data.

    Args:
      labels: `[N]` integers.
    Returns:
      `[N]`, true where an image is to test and not to learn from.
    """
    order = np.argsort(labels, kind="stable")
    by_class = labels[order]
    place_in_class = np.arange(len(labels)) - np.searchsorted(by_class, by_class)
    tests = np.empty(len(labels), np.bool_)
    tests[order] = place_in_class % EVERY == EVERY - 1
    return tests
