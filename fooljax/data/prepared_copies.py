"""Reads the copies that TensorFlow Datasets prepared as array_record, without TensorFlow Datasets.

Its own reader imports whatever module a copy's `features.json` names, so that a folder of data would decide
what code runs. A copy of labelled images is simple: `dataset_info.json` says how many records each file has,
`features.json` the images' size, and `example_records` reads the records.
"""

import io
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data.example_records import example, pixels, records
from fooljax.errors import InputError, shown
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of, open_regular, read_regular

SPLITS = ("train", "test")
INFO, FEATURES, CLASS_NAMES = "dataset_info.json", "features.json", "label.labels.txt"
"""The files of a copy beside its records."""
FORMAT = "array_record"
VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){2}")
MAX_BYTES = 2**31
"""Of the images of a split, unpacked."""
MAX_CLASSES = 2**16
MAX_SHARDS = 10_000
DEFLATE_RATIO = 1032
"""Bytes that a byte can become. Source: zlib's technical notes."""

_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_MAX_NAMES = 2**20


class Copy(NamedTuple):
    """What a copy holds.

    Attributes:
      images: of train and test, `[N, H, W, K]` uint8.
      labels: of train and test, `[N]` int32.
      class_names: one for each class.
    """

    images: tuple[npt.NDArray[np.uint8], ...]
    labels: tuple[npt.NDArray[np.int32], ...]
    class_names: tuple[str, ...]


def find_copy(root: Path, name: str) -> Path | None:
    """The newest array_record copy of `name` under `root`.

    Raises:
      InputError: there are copies, but damaged, of several configurations, or in other formats only.
    """
    base = root / name
    copies: dict[Path, set[str]] = {}
    for info in (*base.glob(f"*/{INFO}"), *base.glob(f"*/*/{INFO}")):
        # Other names are TFDS's "incomplete." folders, or nothing of TFDS's.
        if VERSION.fullmatch(info.parent.name) and (info.parent / FEATURES).exists():
            copies[info.parent] = formats_of(read_json(info))
    usable = [folder for folder, formats in copies.items() if FORMAT in formats]
    if copies and not usable:
        found = shown(", ".join(sorted(set().union(*copies.values()))))
        raise InputError(
            f"data: expected a copy of {name} in array_record format in {name_of(base)}, got {found}; "
            "prepare it anew in another folder"
        )
    if len(configs := {folder.parent for folder in usable}) > 1:
        raise InputError(
            f"data: expected one configuration of {name} in {name_of(base)}, "
            f"got {shown(', '.join(sorted(folder.name for folder in configs)))}"
        )
    return max(usable, key=version_of, default=None)


def version_of(folder: Path) -> tuple[int, ...]:
    """The version of a copy, whose folder is named for it, to find the newest by."""
    return tuple(map(int, folder.name.split(".")))


def formats_of(facts: Mapping[str, Any]) -> set[str]:
    """The formats in which the files of a copy lie, by its `dataset_info.json`."""
    others = facts.get("alternativeFileFormats")
    return set(map(str, [facts.get("fileFormat"), *(others if isinstance(others, list) else [])]))


def read_copy(folder: Path, name: str) -> Copy:
    """Reads the copy of a dataset of labelled 8-bit images.

    Args:
      folder: named for its version, as `find_copy` gives it.
      name: of the dataset.
    Raises:
      InputError: the dataset is of another kind, or the copy is damaged.
      FaultError: the package array_record is missing.
    """
    shape, classes = _features(read_json(folder / FEATURES), name)
    class_names = class_names_of(folder)
    if class_names is None:
        class_names = tuple(map(str, range(classes)))
    if len(class_names) != classes:
        raise InputError(
            f"{name_of(folder / CLASS_NAMES)}: expected {classes} lines, one for each class, "
            f"got {len(class_names)}"
        )
    splits = splits_of(read_json(folder / INFO), folder)
    if not set(SPLITS) <= splits.keys():
        raise InputError(f"data: expected {name} to have train and test, got {shown(', '.join(splits))}")
    images, labels = zip(*(_read_split(folder, name, of, splits[of], shape) for of in SPLITS), strict=True)
    return Copy(images, labels, class_names)


def _features(features: Mapping[str, Any], name: str) -> tuple[tuple[int, int, int], int]:
    """The images' shape and the number of classes."""
    inner: Any = _at(features, "featuresDict", "features")
    image, classes = _at(inner, "image", "image"), _at(inner, "label", "classLabel")
    if not isinstance(image, dict) or not isinstance(classes, dict):
        found = ", ".join(inner) if isinstance(inner, dict) else "no such list of features"
        raise InputError(f"data: expected {name} to have an image and a label, got {shown(found)}")
    dimensions: Any = _at(image, "shape", "dimensions")
    sides = [_count(side) for side in dimensions] if isinstance(dimensions, list) else []
    if len(sides) != 3 or not all(sides) or sides[2] not in (1, 3) or image.get("dtype") != "uint8":
        raise InputError(
            f"data: expected {name} to have 8-bit images of one size with 1 or 3 channels, "
            f"got {shown(dimensions)} {shown(image.get('dtype'))}"
        )
    number = _count(classes.get("numClasses"))
    if not 2 <= number <= MAX_CLASSES:
        raise InputError(f"data: expected {name} to have 2 to {MAX_CLASSES} classes, got {number}")
    return (sides[0], sides[1], sides[2]), number


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _count(value: Any) -> int:
    """A whole number as protocol buffers write it in JSON, 64 bits as text; 0 where it is none."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    return value if type(value) is int and value >= 0 else 0


def class_names_of(folder: Path) -> tuple[str, ...] | None:
    """The names of a copy's classes, in order; None where it does not say them.

    Raises:
      InputError: they are no text.
    """
    path = folder / CLASS_NAMES
    if not path.exists():
        return None
    try:
        lines = read_regular(path, _MAX_NAMES).decode().split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{name_of(path)}: expected UTF-8 text, got {shown(error)}") from error
    return tuple(line.strip() for line in lines if line.strip())


def splits_of(facts: Mapping[str, Any], folder: Path) -> dict[str, list[int]]:
    """Records in each file of each split.

    Args:
      facts: what the copy's `dataset_info.json` says.
      folder: of the copy.
    Raises:
      InputError: it says no such thing.
    """
    found = {}
    splits = facts.get("splits")
    for split in splits if isinstance(splits, list) else ():
        lengths: Any = _at(split, "shardLengths")
        if not isinstance(_at(split, "name"), str) or not isinstance(lengths, list) or not lengths:
            raise InputError(f"{name_of(folder / INFO)}: expected splits and their lengths")
        if split.get("filepathTemplate") not in (None, "", _TEMPLATE):
            raise InputError(
                f"{name_of(folder / INFO)}: expected files named {_TEMPLATE}, "
                f"got {shown(split['filepathTemplate'])}"
            )
        if len(lengths) > MAX_SHARDS:
            raise InputError(
                f"{name_of(folder / INFO)}: expected at most {MAX_SHARDS} files a split, got {len(lengths)}"
            )
        found[split["name"]] = [_count(length) for length in lengths]
    return found


def files_of(folder: Path, name: str, split: str, count: int) -> list[Path]:
    """The files of a split of a data set, in order."""
    return [folder / f"{name}-{split}.{FORMAT}-{index:05d}-of-{count:05d}" for index in range(count)]


def _read_split(
    folder: Path, name: str, split: str, lengths: list[int], shape: tuple[int, int, int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    paths = files_of(folder, name, split, len(lengths))
    packed = 0
    for path in paths:
        with open_regular(path) as file:
            packed += file.seek(0, io.SEEK_END)
    total, size = sum(lengths), sum(lengths) * math.prod(shape)
    if not 0 < size <= min(MAX_BYTES, DEFLATE_RATIO * packed):
        raise InputError(
            f"data: expected the images of {name} {split} to fit in {MAX_BYTES} bytes and into its files of "
            f"{packed:,}, got {total} x {shape}"
        )
    images, labels = np.empty((total, *shape), np.uint8), np.empty(total, np.int32)
    index = 0
    for path, length in zip(paths, lengths, strict=True):
        for record in records(path, length):
            try:
                image, labels[index] = example(record)
                images[index] = pixels(image, shape)
            except (ValueError, OverflowError) as error:
                raise InputError(f"{name_of(path)}: record {index}: {shown(error)}") from error
            index += 1
    return images, labels
