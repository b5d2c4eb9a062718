"""Photographs of ImageNet's classes as arrays, at the size of a network."""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data.image_folders import find_images
from fooljax.data.imagenet import synsets
from fooljax.data.photographs import read_photograph
from fooljax.errors import InputError
from fooljax.storage.reading import name_of

HELP = (
    "A folder that holds a folder of photographs for each of ImageNet's classes, named by its synset, as "
    "n01440764, or by its number from 0."
)
"""What `--help` says of `--imagefolder`."""
NAMED = 20
"""Images passed over that notices name; the others are counted."""

logger = logging.getLogger("fooljax")


class Photographs(NamedTuple):
    """Photographs with their classes.

    Attributes:
      images: `[N, side, side, 3]` uint8.
      labels: `[N]` int32, the index of the class of each among ImageNet's 1,000.
      passed_over: how many more there were that could not be read.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    passed_over: int


def first_photographs(
    folder: Path, side: int, *, per_class: int = 1, classes: Collection[int] | None = None
) -> Photographs:
    """The first photographs of each class by name, as clean images for experiments.

    Each is scaled so that its shorter side has `side` pixels, and its centre is cut out. One that cannot be
    read is passed over; a notice names it.

    Args:
      folder: holds a folder for each class, see `find_images`.
      side: height and width of the images, as a network takes them.
      per_class: the most that are taken of a class.
      classes: whose photographs are read; all by default.
    Returns:
      The photographs in the order of the folders.
    Raises:
      InputError: the folder is not as described, or none of the photographs can be read.
    """
    wanted, taken = [], Counter[int]()
    for path, label in find_images(folder, synsets()):
        if (classes is None or label in classes) and taken[label] < per_class:
            taken[label] += 1
            wanted.append((path, label))
    if not wanted:
        raise InputError(
            f"--imagefolder: expected images of the classes asked for, found none in {name_of(folder)}"
        )
    read = [one for one in read_labelled(wanted, side) if one is not None]
    images, labels = zip(*read, strict=True)
    return Photographs(np.stack(images), np.array(labels, np.int32), len(wanted) - len(read))


def read_labelled(
    images: Sequence[tuple[Path, int]], side: int, *, argument: str = "--imagefolder"
) -> Iterator[tuple[npt.NDArray[np.uint8], int] | None]:
    """Reads photographs one after the other; one that cannot be read is passed over.

    Args:
      images: paths and classes, as `find_images` gives them.
      side: height and width of the images.
      argument: that names the images, for errors.
    Yields:
      The image `[side, side, 3]` and its class; None for one that was passed over. Notices name the first
      few of these.
    Raises:
      InputError: none of the images can be read.
    """
    passed_over = 0
    for path, label in images:
        try:
            image = read_photograph(path, side)
        except InputError as error:
            passed_over += 1
            if passed_over <= NAMED:
                logger.warning("passed over: %s", error)
            if passed_over == len(images):
                raise InputError(f"{argument}: no image could be read; the last: {error}") from error
            yield None
        else:
            yield image, label
