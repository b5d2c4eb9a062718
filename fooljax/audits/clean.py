"""The user's clean images, and the three parts that none of them is in twice.

The first part fits what is fitted: detectors, and the guess of the input's range. The second gives the
thresholds. The third is what everything is measured on.
"""

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.study.clean_parts import MOST, Part, split_dataset

LEAST_OF_THREE = 300
"""Images, so that there are three parts; with fewer nothing is fitted."""
LEAST = 2


class CleanParts(NamedTuple):
    """Clean images in three parts.

    Attributes:
      fit: for what is fitted; may be empty.
      thresholds: for thresholds.
      test: for the numbers.
      labelled: whether the classes are known.
      described: what they are, in words.
      digest: SHA-256 (hex) of images and labels.
    """

    fit: Part
    thresholds: Part
    test: Part
    labelled: bool
    described: str
    digest: str

    @property
    def total(self) -> int:
        """How many images there are."""
        return sum(len(part.labels) for part in (self.fit, self.thresholds, self.test))


def of_dataset(data: Dataset) -> CleanParts:
    """Images that come in two halves: those to learn from fit, those to test give thresholds and numbers."""
    if len(data.test_labels) < LEAST:
        raise InputError(f"images: expected {LEAST} test images or more, got {len(data.test_labels)}")
    return _parts(*split_dataset(data), labelled=True, described=data.source)


def of_arrays(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer] | None, described: str
) -> CleanParts:
    """Images without halves, dealt by chance, always the same way.

    Args:
      images: `[N, H, W, K]`, 2 or more.
      labels: `[N]`, or None.
      described: what they are.
    """
    order = np.random.default_rng(0).permutation(len(images))[: 3 * MOST]
    if len(order) < LEAST:
        raise InputError(f"images: expected {LEAST} clean images or more, got {len(order)}")
    third = len(order) // 3 if len(order) >= LEAST_OF_THREE else 0
    places = np.split(order, [third, third + (len(order) - third) // 2])
    known = np.full(len(images), -1) if labels is None else np.asarray(labels)
    parts = [Part(images[part], known[part].astype(np.int64)) for part in places]
    return _parts(*parts, labelled=labels is not None, described=described)


def _parts(fit: Part, thresholds: Part, test: Part, *, labelled: bool, described: str) -> CleanParts:
    digest = hashlib.sha256()
    for part in (fit, thresholds, test):
        digest.update(f"{part.images.shape} ".encode())
        digest.update(np.ascontiguousarray(part.images).data)
        digest.update(part.labels.astype("<i8").tobytes())
    return CleanParts(fit, thresholds, test, labelled, described, digest.hexdigest())


def checked_images(images: object, labels: object, target: Target) -> CleanParts:
    """The clean images of a call from Python.

    Args:
      images: `[N, H, W, K]` or `[N, H, W]` uint8, or floats in [0, 1]; or a `Dataset`.
      labels: `[N]` whole numbers; None where they are not known, and with a data set.
      target: the network, with its shape and class names.
    Raises:
      InputError: they are not as above, or do not fit the network.
    """
    shape, classes = checked_shape(target.image_shape), len(target.class_names)
    if isinstance(images, Dataset):
        if images.image_shape != shape:
            raise InputError(
                f"images: expected {list(shape)}, as the network takes, got {list(images.image_shape)}"
            )
        if images.num_classes > classes:
            raise InputError(
                f"images: expected at most the network's {classes:,} classes, got {images.num_classes:,}"
            )
        return of_dataset(images)
    found = _pixels(images, shape)
    if labels is None:
        return of_arrays(found, None, f"{len(found):,} images without labels")
    known = np.asarray(labels)
    if known.shape != (len(found),) or not np.issubdtype(known.dtype, np.integer):
        raise InputError(
            f"labels: expected [{len(found)}] whole numbers, one for each image, got {known.dtype} "
            f"{list(known.shape)}"
        )
    if known.size and not (known.min() >= 0 and known.max() < classes):
        wrong = int(known.min() if known.min() < 0 else known.max())
        raise InputError(f"labels: expected classes from 0 to {classes - 1}, got {wrong}")
    return of_arrays(found, known, f"{len(found):,} labelled images")


def shape_of(images: object) -> tuple[int, int, int] | None:
    """The shape `(H, W, K)` of each clean image; None where the images are named by a text or are none."""
    if isinstance(images, Dataset):
        return images.image_shape
    sides = np.shape(images) if hasattr(images, "shape") else ()
    if len(sides) == 3:
        sides = (*sides, 1)
    return (sides[1], sides[2], sides[3]) if len(sides) == 4 and min(sides) else None


def _pixels(images: object, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    try:
        found = np.asarray(images)
    except ValueError as error:
        raise InputError(f"images: expected [N, H, W, K], got {shown(error)}") from error
    if found.ndim == 3 and shape[2] == 1:
        found = found[..., None]
    if found.ndim != 4 or found.shape[1:] != shape or not len(found):
        raise InputError(
            f"images: expected [N, {shape[0]}, {shape[1]}, {shape[2]}], as the network takes, got "
            f"{list(found.shape)}"
        )
    if found.dtype == np.uint8:
        return found
    if not np.issubdtype(found.dtype, np.floating):
        raise InputError(f"images: expected uint8, or floats in [0, 1], got {found.dtype}")
    low, high = float(found.min()), float(found.max())  # NaN, where one is NaN
    if not (low >= 0.0 and high <= 1.0):
        came = (
            "NaN" if np.isnan(low) else f"values up to {high:g}" if high > 1.0 else f"values from {low:g} on"
        )
        raise InputError(f"images: expected uint8, or floats in [0, 1], got {came}")
    return np.rint(found * 255.0).astype(np.uint8)
