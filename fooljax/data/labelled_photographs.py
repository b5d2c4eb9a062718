"""Photographs of ImageNet's classes as arrays, at the size of a network."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data.image_folders import find_images
from fooljax.data.imagenet import NUM_CLASSES, synsets
from fooljax.data.photographs import Packed, read_photograph
from fooljax.data.prepared_photographs import copy_in, prepared_photographs
from fooljax.errors import InputError
from fooljax.storage.reading import name_of

HELP = (
    "A folder that holds a folder of photographs for each of ImageNet's classes, named by its synset, as "
    "n01440764, or by its number from 0. Or the folder of a copy of imagenet2012 that TensorFlow Datasets "
    "prepared as array_record, whose validation photographs are taken."
)
"""What `--help` says of `--imagefolder`."""
Labelled = tuple[Path | Packed, int]
"""A photograph, in a file or in memory, and the index of its class."""
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


def labelled_images(folder: Path, synsets: Sequence[str]) -> Iterable[Labelled]:
    """The photographs that `--imagefolder` names, with the index of their class, in a fixed order.

    Args:
      folder: see `find_images`; or that of a copy, see `fooljax.data.prepared_photographs`.
      synsets: of all classes.
    Raises:
      InputError: the folder is not as described. Of a copy, the records are read later, one after the other.
    """
    copy = copy_in(folder)
    return find_images(folder, synsets) if copy is None else prepared_photographs(copy, synsets)


def first_photographs(
    folder: Path, side: int, *, per_class: int = 1, classes: Collection[int] | None = None
) -> Photographs:
    """The first photographs of each class, by name or in the order of a copy, as clean images.

    Each is scaled so that its shorter side has `side` pixels, and its centre is cut out. One that cannot be
    read is passed over; a notice names it. Nothing is read after the last one that is wanted.

    Args:
      folder: as for `labelled_images`.
      side: height and width of the images, as a network takes them.
      per_class: the most that are taken of a class.
      classes: whose photographs are read; all by default.
    Returns:
      The photographs in the order of the folders or of the copy.
    Raises:
      InputError: the folder is not as described, or none of the photographs can be read.
    """
    left = dict.fromkeys(range(NUM_CLASSES) if classes is None else classes, per_class)
    wanted = list(read_labelled(_first(labelled_images(folder, synsets()), left), side))
    if not wanted:
        raise InputError(
            f"--imagefolder: expected images of the classes asked for, found none in {name_of(folder)}"
        )
    read = [one for one in wanted if one is not None]
    images, labels = zip(*read, strict=True)
    return Photographs(np.stack(images), np.array(labels, np.int32), len(wanted) - len(read))


def _first(images: Iterable[Labelled], left: dict[int, int]) -> Iterator[Labelled]:
    """The first images of each class, so many as are `left` of it; then no more is read."""
    for image, label in images:
        if label in left:
            yield image, label
            left[label] -= 1
            if not left[label]:
                del left[label]
        if not left:
            return


def read_labelled(
    images: Iterable[Labelled], side: int, *, argument: str = "--imagefolder"
) -> Iterator[tuple[npt.NDArray[np.uint8], int] | None]:
    """Reads photographs one after the other; one that cannot be read is passed over.

    Args:
      images: with their classes, as `labelled_images` gives them.
      side: height and width of the images.
      argument: that names the images, for errors.
    Yields:
      The image `[side, side, 3]` and its class; None for one that was passed over. Notices name the first
      few of these.
    Raises:
      InputError: none of the images can be read.
    """
    passed_over, any_read, last = 0, False, None
    for photograph, label in images:
        try:
            image = read_photograph(photograph, side)
        except InputError as error:
            passed_over, last = passed_over + 1, error
            if passed_over <= NAMED:
                logger.warning("passed over: %s", error)
            yield None
        else:
            any_read = True
            yield image, label
    if last is not None and not any_read:
        raise InputError(f"{argument}: no image could be read; the last: {last}") from last
