"""Some images instead of all, from files in random order as from files that are sorted by class."""

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset


def mixed_subset(labels: npt.NDArray[np.integer], count: int) -> npt.NDArray[np.int64]:
    """Chooses images among which the classes have about the shares that they have in all.

    These are the first `count` images where each class has more than half of its share among them, as in the
    files of MNIST, which are in random order. In other files, as in those that are sorted by class, the first
    images say nothing of the later classes. From those, `count` images are drawn at random, without
    replacement, with the fixed key 0 of `numpy.random.default_rng`.

    Args:
      labels: `[N]`, the classes of all images, whole numbers from 0.
      count: images that are wanted; all are taken where there are no more.
    Returns:
      `[min(count, N)]`, the places of the images, each once; the same ones for the same labels.
    """
    first = np.arange(min(count, len(labels)))
    in_all = np.bincount(labels)
    among_first = np.bincount(labels[first], minlength=len(in_all))
    known = in_all > 0
    if np.all(2 * among_first[known] * len(labels) > in_all[known] * len(first)):
        return first
    return np.random.default_rng(0).permutation(len(labels))[:count]


def mixed_test_images(dataset: Dataset, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Some test images of a data set, chosen by `mixed_subset`: `[N, H, W, K]`, and their labels, `[N]`.

    Args:
      dataset: whose images they are.
      count: images that are wanted; all are taken where there are no more.
    """
    chosen = mixed_subset(dataset.test_labels, count)
    return dataset.test_images[chosen], dataset.test_labels[chosen]
