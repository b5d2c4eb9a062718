"""Clean images in three parts, none of which is used twice.

Training images fit detectors, a half of the test images gives all thresholds, and the other half is what
other images are told apart from.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset
from fooljax.data.labelled_photographs import first_photographs
from fooljax.engine.types import Target, checked_shape
from fooljax.study.measured_sets import SetSettings, dataset_of
from fooljax.targets.fitting import check_data

MOST = 5000
"""Clean images of a part, at most."""


class Part(NamedTuple):
    """Some clean images `[N, H, W, K]` uint8 and their classes `[N]`; -1 where they are not known."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.integer]


def split_clean_images(config: SetSettings, target: Target) -> tuple[Part, Part, Part]:
    """Splits clean images: those that fit detectors, those that give thresholds, and those for tests.

    Photographs are dealt by chance, half of them to the first part. So are test images to the two others.

    Raises:
      InputError: the network takes other images than those of the data, or has other classes.
    """
    if config.imagefolder is not None:
        side = checked_shape(target.image_shape)[0]
        images, labels, _ = first_photographs(Path(config.imagefolder), side, per_class=1)
        order = np.random.default_rng(0).permutation(len(images))
        first, rest = np.split(order, [len(order) // 2])
        return (Part(images[first], labels[first]), *_halves(images, labels, rest))
    data = dataset_of(config.data)
    check_data(target, data)
    return split_dataset(data)


def split_dataset(data: Dataset) -> tuple[Part, Part, Part]:
    """Splits a data set: some training images, and two halves of the test images; always the same ones."""
    rng = np.random.default_rng(0)
    train = rng.permutation(len(data.train_labels))[:MOST]
    test = rng.permutation(len(data.test_labels))[: 2 * MOST]
    return (
        Part(data.train_images[train], data.train_labels[train]),
        *_halves(data.test_images, data.test_labels, test),
    )


def _halves(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], order: npt.NDArray[np.int64]
) -> tuple[Part, Part]:
    first, second = np.split(order, [len(order) // 2])
    return Part(images[first], labels[first]), Part(images[second], labels[second])
