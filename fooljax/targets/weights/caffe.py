"""Reads the blobs of Caffe's protocol-buffer files: .caffemodel (layers) and .binaryproto (one blob).

Only the wire format is read, field by field, and only the few fields that hold names and numbers; so neither
Caffe nor a compiled schema is needed. Sizes are checked against the file before anything is made.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.storage.npz import NPY_START, npy_array, possible
from fooljax.storage.protobuf import ProtobufError, fields, varint
from fooljax.storage.reading import name_of, read_regular

Tensors = dict[str, npt.NDArray[Any]]

# Field numbers. Source: caffe.proto.
_LAYER, _OLD_LAYER = 100, 2
_NAME, _OLD_NAME, _BLOBS, _OLD_BLOBS = 1, 4, 7, 6
_SHAPE, _DATA, _DOUBLE_DATA, _LEGACY_SIZES = 7, 5, 8, (1, 2, 3, 4)
_DIM = 1
MAX_RANK = 8
MAX_FIELDS = 300_000
"""The largest networks have some ten thousand."""
MAX_MEAN_SIDE = 768
MOST_MEAN_BYTES = 64 * 2**20


def caffemodel_tensors(content: bytes, source: str) -> Tensors:
    """The blobs of a .caffemodel: those of a layer `name` as `name.weight` and `name.bias`.

    Args:
      content: the whole file.
      source: what messages call it.
    Raises:
      InputError: the file is damaged, or holds no layer with blobs.
    """
    tensors: Tensors = {}
    wire = _Wire()
    try:
        for field, value in wire.fields(memoryview(content)):
            if field in (_LAYER, _OLD_LAYER) and isinstance(value, memoryview):
                for name, blob in _layer(wire, value, old=field == _OLD_LAYER):
                    if name in tensors:
                        raise ProtobufError(f"two layers of the name {shown(name, 60)}")
                    tensors[name] = blob
    except ProtobufError as error:
        raise InputError(f"{source}: expected a .caffemodel, found {error}") from error
    if not tensors:
        raise InputError(f"{source}: expected a .caffemodel, found no layer with weights in it")
    return tensors


def read_mean_image(path: Path) -> npt.NDArray[np.float32]:
    """The mean image of a network's training, `[H, W, K]` in levels, in Caffe's order of channels (BGR).

    Args:
      path: of a .binaryproto, or of an .npy file `[K, H, W]`, as Caffe's `ilsvrc_2012_mean.npy`; which of the
        two it is, its content tells.
    Raises:
      InputError: the file is damaged, is no image of three channels and at most 768 pixels a side, or has
        levels outside of 0 to 255.
    """
    source = name_of(path)
    content = read_regular(path, MOST_MEAN_BYTES)
    if content.startswith(NPY_START):
        image = npy_array(content, source)
    else:
        try:
            image = _blob(_Wire(), memoryview(content))
        except ProtobufError as error:
            raise InputError(
                f"{source}: expected a mean image (.binaryproto or .npy), found {error}"
            ) from error
    if image.ndim == 4 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 3 or image.shape[0] != 3 or image.size == 0 or max(image.shape) > MAX_MEAN_SIDE:
        raise InputError(
            f"{source}: expected a mean image of 3 channels [3, height, width], at most {MAX_MEAN_SIDE} "
            f"pixels a side, got {list(image.shape)}"
        )
    if not (image.min() >= 0 and image.max() <= 255):
        raise InputError(f"{source}: expected a mean image of levels from 0 to 255, found others")
    return np.ascontiguousarray(image.transpose(1, 2, 0), np.float32)


def _layer(wire: "_Wire", message: memoryview, old: bool) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    name_field, blobs_field = (_OLD_NAME, _OLD_BLOBS) if old else (_NAME, _BLOBS)
    name, blobs = b"", []
    for field, value in wire.fields(message):
        if field == name_field and isinstance(value, memoryview):
            name = bytes(value)
        elif field == blobs_field and isinstance(value, memoryview):
            blobs.append(_blob(wire, value))
            if len(blobs) > 2:
                raise ProtobufError("a layer with more than weights and a bias")
    if not blobs:
        return
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise ProtobufError("a layer with weights but without a name")
    yield f"{text}.weight", _dense(blobs[0])
    # Old files write a bias as [1, 1, 1, n].
    for bias in blobs[1:]:
        yield f"{text}.bias", bias.reshape(-1)


def _dense(blob: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Weights of dense layers, which old files write as [1, 1, out, in], as [out, in]."""
    return blob.reshape(blob.shape[2:]) if blob.ndim == 4 and blob.shape[:2] == (1, 1) else blob


def _blob(wire: "_Wire", message: memoryview) -> npt.NDArray[Any]:
    shape: list[int] = []
    sizes: dict[int, int] = {}
    # Numbers may come one by one; gathered as bytes they take no more memory than in the file.
    numbers = {_DATA: bytearray(), _DOUBLE_DATA: bytearray()}
    for field, value in wire.fields(message):
        if field == _SHAPE and isinstance(value, memoryview):
            for inner, dims in wire.fields(value):
                if inner == _DIM:
                    shape += wire.numbers(dims) if isinstance(dims, memoryview) else [dims]
                if len(shape) > MAX_RANK:
                    raise ProtobufError("a blob of too many dimensions")
        elif field in _LEGACY_SIZES and isinstance(value, int):
            sizes[field] = value
        elif field in numbers and isinstance(value, memoryview):
            numbers[field] += value
    kind = "<f8" if numbers[_DOUBLE_DATA] else "<f4"
    content = numbers[_DOUBLE_DATA] or numbers[_DATA]
    if len(content) % np.dtype(kind).itemsize or (numbers[_DATA] and numbers[_DOUBLE_DATA]):
        raise ProtobufError("a blob cut off in a number, or of two kinds of number")
    shape = shape or [sizes.get(field, 1) for field in _LEGACY_SIZES]
    array = np.frombuffer(content, kind)
    if not possible(shape, array.itemsize) or math.prod(shape) != array.size:
        raise ProtobufError(f"a blob of shape {shape} with {array.size} numbers")
    return array.reshape(shape)


class _Wire:
    """Reads protocol buffers, and counts the fields that it meets."""

    def __init__(self) -> None:
        self.left = MAX_FIELDS

    def fields(self, message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """A message's fields: numbers as int, everything with a length (and lone floats) as bytes."""
        for field, value in fields(message):
            self.left -= 1
            if self.left < 0:
                raise ProtobufError(f"more than {MAX_FIELDS:,} fields")
            yield field, value

    def numbers(self, message: memoryview) -> list[int]:
        """Packed numbers, as many as a blob may have dimensions and one more."""
        values: list[int] = []
        at = 0
        while at < len(message) and len(values) <= MAX_RANK:
            value, at = varint(message, at)
            values.append(value)
        return values
