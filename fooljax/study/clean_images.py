"""Clean images beside evolved ones: of each class one that the network names right."""

import functools
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset
from fooljax.data.imagenet import NUM_CLASSES
from fooljax.data.labelled_photographs import first_photographs
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.scoring import score
from fooljax.targets.fitting import check_data


@functools.lru_cache(maxsize=1)
def photographs(
    folder: Path, side: int, per_class: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Photographs `[N, side, side, 3]` and their classes `[N]`, read once in a process.

    Arguments and errors are those of `fooljax.data.labelled_photographs.first_photographs`.
    """
    return first_photographs(folder, side, per_class=per_class)[:2]


class Clean(NamedTuple):
    """One image of each class.

    Attributes:
      images: `[N, H, W, K]` uint8.
      classes: `[N]`, rising.
      log_odds: `[N]` of the images for their classes.
    """

    images: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.integer]
    log_odds: npt.NDArray[np.float32]


def from_data(target: Target, dataset: Dataset, classes: Collection[int] | None) -> Callable[[int], Clean]:
    """Clean images out of the test images of a data set.

    Args:
      target: the network, which is asked about all of them at once.
      dataset: whose test images they are.
      classes: those that are wanted; None for all.
    Returns:
      `clean(run)`: of each class the run-th image that the network names right. It raises InputError where a
      class has not so many.
    Raises:
      InputError: the network takes other images, or has other classes.
    """
    check_data(target, dataset)
    odds = score(target, dataset.test_images)
    right = odds.argmax(axis=1) == dataset.test_labels

    def clean(run: int) -> Clean:
        chosen = []
        for label, name in enumerate(dataset.class_names):
            if classes is not None and label not in classes:
                continue
            found = np.flatnonzero(right & (dataset.test_labels == label))
            if run >= len(found):
                raise InputError(
                    f"--data: expected {run + 1} test images of class {shown(name, 40)} that the network "
                    f"names right, found {len(found)}"
                )
            chosen.append(found[run])
        labels = dataset.test_labels[chosen]
        return Clean(dataset.test_images[chosen], labels, odds[chosen, labels])

    return clean


def from_photographs(target: Target, folder: Path, classes: Collection[int] | None) -> Clean:
    """The first photograph of each class, without those that the network names wrongly.

    Args:
      target: a network for ImageNet.
      folder: see `fooljax.data.labelled_photographs.labelled_images`.
      classes: those that are wanted; None for all.
    Raises:
      InputError: the network has other classes, the folder is not as described, or no photograph is named
        right.
    """
    if len(target.class_names) != NUM_CLASSES:
        raise InputError(
            f"--imagefolder: expected networks for ImageNet's {NUM_CLASSES:,} classes, "
            f"got {target.name} with {len(target.class_names):,}"
        )
    found = first_photographs(folder, checked_shape(target.image_shape)[0], classes=classes)
    odds = score(target, found.images)
    order = np.argsort(found.labels, kind="stable")
    right = order[odds.argmax(axis=1)[order] == found.labels[order]]
    if not right.size:
        raise InputError(f"--imagefolder: expected photographs that {target.name} names right, found none")
    labels = found.labels[right]
    return Clean(found.images[right], labels, odds[right, labels])
