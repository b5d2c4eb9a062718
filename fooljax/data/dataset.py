"""Labelled images, split into those that a network learns from and those that it is tested on."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown

MAX_CLASSES = 2**16
"""A stray huge label must not become as many class names."""

logger = logging.getLogger("fooljax")


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images in a fixed order, split in two. `load` and `from_arrays` make one.

    Attributes:
      name: a short name, as "mnist-embedded".
      train_images: `[N, H, W, K]` uint8, read-only; K is 1 or 3.
      train_labels: `[N]` int32 in `[0, num_classes)`, read-only.
      test_images: `[M, H, W, K]` uint8, read-only.
      test_labels: `[M]` int32, read-only.
      class_names: one name for each class.
      source: one sentence that says where the images came from.
    """

    name: str
    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int32]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int32]
    class_names: tuple[str, ...]
    source: str

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the names, shapes, dtypes and bytes of the four arrays.

        The name of the dataset, its source and its class names do not count: the same images with the same
        labels in the same order have the same digest wherever they came from.
        """
        digest = hashlib.sha256()
        for field in ("train_images", "train_labels", "test_images", "test_labels"):
            array = getattr(self, field)
            array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            digest.update(f"{field} {array.shape} {array.dtype.str}\n".encode())
            digest.update(array.data)
        return digest.hexdigest()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(H, W, K)` of every image."""
        _, height, width, channels = self.train_images.shape
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """The number of classes, at least 2."""
        return len(self.class_names)


def from_arrays(
    train_images: npt.ArrayLike,
    train_labels: npt.ArrayLike,
    test_images: npt.ArrayLike,
    test_labels: npt.ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    source: str = "Arrays given by the caller.",
) -> Dataset:
    """Makes a dataset of arrays, which are checked and copied.

    Args:
      train_images: `[N, H, W]` or `[N, H, W, K]` with K 1 or 3; uint8, or floats in [0, 1], which are rounded
        to 8 bits.
      train_labels: `[N]` integers in `[0, C)`.
      test_images: `[M, H, W]` or `[M, H, W, K]`, as above and of the same H, W and K.
      test_labels: `[M]` integers in `[0, C)`.
      class_names: C different names; the numbers up to the highest label if not given.
      name: a short name of the dataset.
      source: one sentence that says where the images came from.
    Returns:
      The dataset.
    Raises:
      InputError: an argument has a wrong shape, dtype, range or length; the message names it.
    """
    for argument, text in (("name", name), ("source", source)):
        if not isinstance(text, str) or not text:
            raise InputError(f"{argument}: expected a non-empty string, got {shown(repr(text), 80)}")
    train_x, test_x = _images("train_images", train_images), _images("test_images", test_images)
    train_y = _labels("train_labels", train_labels, len(train_x))
    test_y = _labels("test_labels", test_labels, len(test_x))
    if train_x.shape[1:] != test_x.shape[1:]:
        raise InputError(
            f"test_images: expected images of shape {train_x.shape[1:]} as in train_images, "
            f"got {test_x.shape[1:]}"
        )
    names = _class_names(class_names, int(max(train_y.max(), test_y.max())) + 1)
    for argument, labels in (("train_labels", train_y), ("test_labels", test_y)):
        if labels.max() >= len(names):
            raise InputError(
                f"{argument}: expected labels in [0, {len(names)}), one per class name, got {labels.max()}"
            )
    if lowest := int(min(train_y.min(), test_y.min())):
        logger.warning(
            "labels: the lowest label is %d; labels count from 0, so class %s has no image",
            lowest,
            shown(names[0], 40),
        )
    for array in (train_x, train_y, test_x, test_y):
        array.flags.writeable = False  # else the cached digest could become untrue
    return Dataset(name, train_x, train_y, test_x, test_y, names, source)


def _as_array(argument: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:  # e.g. rows of different lengths
        raise InputError(f"{argument}: expected an array, got {type(value).__name__}: {error}") from error


def _images(argument: str, value: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """A new `[N, H, W, K]` uint8 copy of `value`; an InputError names `argument`."""
    images = _as_array(argument, value)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise InputError(
            f"{argument}: expected shape [N, H, W] or [N, H, W, K] with K 1 or 3, got {np.shape(value)}"
        )
    if not images.size:
        raise InputError(f"{argument}: expected at least one image and one pixel, got {np.shape(value)}")
    if images.dtype == np.uint8:
        return np.array(images, order="C")
    if images.dtype.kind != "f":
        raise InputError(f"{argument}: expected uint8 or floats in [0, 1], got dtype {images.dtype}")
    low, high = images.min(), images.max()
    if np.isnan(low):
        raise InputError(f"{argument}: expected floats in [0, 1], got NaN")
    if low < 0 or high > 1:
        raise InputError(f"{argument}: expected floats in [0, 1], got [{low:g}, {high:g}]")
    return np.ascontiguousarray(np.rint(np.multiply(images, 255, dtype=np.float32)).astype(np.uint8))


def _labels(argument: str, value: npt.ArrayLike, length: int) -> npt.NDArray[np.int32]:
    """A new `[length]` int32 copy of `value`; an InputError names `argument`."""
    labels = _as_array(argument, value)
    if labels.shape != (length,):
        raise InputError(f"{argument}: expected shape ({length},), one label per image, got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise InputError(f"{argument}: expected integers, got dtype {labels.dtype}")
    if labels.min() < 0 or labels.max() >= MAX_CLASSES:
        raise InputError(
            f"{argument}: expected labels in [0, {MAX_CLASSES}), got [{labels.min()}, {labels.max()}]"
        )
    return np.array(labels, np.int32, order="C")


def _class_names(value: Sequence[str] | None, labelled: int) -> tuple[str, ...]:
    """The names in `value`, or the numbers below `labelled` if it is None."""
    names: tuple[str, ...] = tuple(map(str, range(labelled))) if value is None else tuple(value)
    if isinstance(value, str) or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"class_names: expected a sequence of non-empty strings, got {value!r:.80}")
    if not 2 <= len(names) <= MAX_CLASSES:
        raise InputError(f"class_names: expected 2 to {MAX_CLASSES} classes, got {len(names)}")
    if len(set(names)) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise InputError(f"class_names: expected different names, got {twice!r} twice")
    return names
