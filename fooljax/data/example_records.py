"""Reads the records of an array_record file that hold a labelled image each, as TensorFlow Datasets writes
them.

Each record is a `tf.train.Example`, a protocol buffer, with the packed image and its label.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fooljax.errors import FaultError, InputError, shown
from fooljax.storage.protobuf import ProtobufError, fields, varint
from fooljax.storage.reading import name_of

_BATCH = 1000
"""Records held in memory at once."""


def records(path: Path, length: int) -> Iterator[bytes]:
    """The records of a file, after making sure that there are so many."""
    try:
        from array_record.python.array_record_data_source import ArrayRecordDataSource
    except ImportError as error:
        raise FaultError(f"data: expected the package array_record, got {shown(error)}") from error
    try:
        with ArrayRecordDataSource(str(path)) as source:
            if len(source) != length:
                raise InputError(f"{name_of(path)}: expected {length} records, got {len(source)}")
            for start in range(0, length, _BATCH):
                yield from source.__getitems__(list(range(start, min(start + _BATCH, length))))
    except InputError:
        raise
    except Exception as error:  # it raises what it likes over a damaged file
        raise InputError(f"{name_of(path)}: expected a sound array_record, got {shown(error)}") from error


def example(record: bytes) -> tuple[memoryview, int]:
    """The image's bytes and the label of a `tf.train.Example`; ValueError where it has none.

    Its numbers of fields: Example.features 1, Features.feature 1, its key 1 and value 2, Feature.bytes_list 1
    and int64_list 3, and the values of either list 1.
    """
    values: dict[bytes, int | memoryview] = {}
    for feature in _messages(memoryview(record), 1, 1):
        entry = dict(fields(feature))
        key, value = entry.get(1), entry.get(2)
        if isinstance(key, memoryview) and isinstance(value, memoryview) and len(key) < 9:
            values[bytes(key)] = next(_listed(value), 0)
    image, label = values.get(b"image"), values.get(b"label")
    if not isinstance(image, memoryview) or not isinstance(label, int):
        raise ProtobufError("expected an image and a label, found none")
    return image, label - 2**64 if label >= 2**63 else label


def _messages(message: memoryview, *path: int) -> Iterator[memoryview]:
    """All messages at this path of field numbers."""
    for number, value in fields(message):
        if number == path[0] and isinstance(value, memoryview):
            if len(path) == 1:
                yield value
            else:
                yield from _messages(value, *path[1:])


def _listed(feature: memoryview) -> Iterator[int | memoryview]:
    for number, values in fields(feature):
        for inner, value in fields(values) if isinstance(values, memoryview) else ():
            if inner == 1 and number == 3 and isinstance(value, memoryview):  # numbers packed together
                at = 0
                while at < len(value):
                    one, at = varint(value, at)
                    yield one
            elif inner == 1 and number in (1, 3):
                yield value


def pixels(packed: memoryview, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """An image's pixels; ValueError where it is none of this shape, before anything is unpacked."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(packed), formats=("PNG", "JPEG")) as image:
            found = (image.height, image.width, len(image.getbands()))
            if found == shape and image.mode in ("L", "RGB"):
                return np.asarray(image).reshape(shape)
    except Exception as error:  # Pillow's readers raise what they like over a damaged image
        raise ValueError(f"expected an image, got {shown(error)}") from error
    raise ValueError(f"expected images of {shape}, got {found} {image.mode}")
