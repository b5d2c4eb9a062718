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

from fooljax.errors import InputError

Tensors = dict[str, npt.NDArray[Any]]

# Field numbers. Source: caffe.proto.
_LAYER, _OLD_LAYER = 100, 2
_NAME, _OLD_NAME, _BLOBS, _OLD_BLOBS = 1, 4, 7, 6
_SHAPE, _DATA, _DOUBLE_DATA, _LEGACY_SIZES = 7, 5, 8, (1, 2, 3, 4)
_DIM = 1
MAX_RANK = 8


class _Damaged(Exception):
    """The file is not what it should be."""


def read_caffemodel(path: Path) -> Tensors:
    """The blobs of a .caffemodel: those of a layer `name` as `name.weight` and `name.bias`.

    Raises:
      InputError: the file is damaged, or holds no layer with blobs.
    """
    tensors: Tensors = {}
    try:
        for field, value in _fields(memoryview(path.read_bytes())):
            if field not in (_LAYER, _OLD_LAYER) or not isinstance(value, memoryview):
                continue
            name_field, blobs_field = (_NAME, _BLOBS) if field == _LAYER else (_OLD_NAME, _OLD_BLOBS)
            layer = list(_fields(value))
            names = [bytes(v).decode() for f, v in layer if f == name_field and isinstance(v, memoryview)]
            blobs = [_blob(v) for f, v in layer if f == blobs_field and isinstance(v, memoryview)]
            if len(blobs) > 2 or (blobs and not names):
                raise _Damaged("a layer without a name, or with more than weights and a bias")
            for what, blob in zip(("weight", "bias"), blobs, strict=False):
                # Old files write a bias as [1, 1, 1, n].
                tensors[f"{names[0]}.{what}"] = blob.reshape(-1) if what == "bias" else blob
    except (_Damaged, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a .caffemodel, found {error}") from error
    if not tensors:
        raise InputError(f"{path}: expected a .caffemodel, found no layer with weights in it")
    return {name: _dense(name, blob) for name, blob in tensors.items()}


def read_mean_image(path: Path) -> npt.NDArray[np.float32]:
    """The mean image of a .binaryproto, `[H, W, K]` in levels, in Caffe's order of channels (BGR).

    Raises:
      InputError: the file is damaged, or is no image of three channels.
    """
    try:
        blob = _blob(memoryview(path.read_bytes()))
    except _Damaged as error:
        raise InputError(f"{path}: expected a mean image (.binaryproto), found {error}") from error
    image = blob.reshape(blob.shape[-3:]) if blob.size and blob.ndim >= 3 else blob
    if image.ndim != 3 or image.shape[0] != 3 or blob.size != image.size:
        raise InputError(f"{path}: expected a mean image of 3 channels, got {list(blob.shape)}")
    return np.ascontiguousarray(image.transpose(1, 2, 0), np.float32)


def _dense(name: str, blob: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Dense layers, which old files write as [1, 1, out, in], as [out, in]."""
    is_dense = name.endswith(".weight") and blob.ndim == 4 and blob.shape[:2] == (1, 1)
    return blob.reshape(blob.shape[2:]) if is_dense else blob


def _blob(message: memoryview) -> npt.NDArray[Any]:
    shape: list[int] = []
    sizes: dict[int, int] = {}
    parts: list[npt.NDArray[Any]] = []
    for field, value in _fields(message):
        if field == _SHAPE and isinstance(value, memoryview):
            for inner, dims in _fields(value):
                if inner == _DIM:
                    shape += _packed(dims) if isinstance(dims, memoryview) else [dims]
        elif field in _LEGACY_SIZES and isinstance(value, int):
            sizes[field] = value
        elif field in (_DATA, _DOUBLE_DATA) and isinstance(value, memoryview):
            dtype = np.dtype("<f4") if field == _DATA else np.dtype("<f8")
            if len(value) % dtype.itemsize:
                raise _Damaged("a blob cut off in a number")
            parts.append(np.frombuffer(value, dtype))
    shape = shape or [sizes.get(field, 1) for field in _LEGACY_SIZES]
    numbers = np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else np.zeros(0, np.float32)
    if len(shape) > MAX_RANK or math.prod(shape) != numbers.size:
        raise _Damaged(f"a blob of shape {shape[:MAX_RANK]} with {numbers.size} numbers")
    return numbers.reshape(shape)


def _packed(message: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(message):
        value, at = _varint(message, at)
        values.append(value)
        if len(values) > MAX_RANK:
            raise _Damaged("a blob of too many dimensions")
    return values


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """A message's fields: numbers as int, everything with a length (and lone floats) as bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, field = tag & 7, tag >> 3
        if kind == 0:
            value, at = _varint(message, at)
            yield field, value
            continue
        if kind == 2:
            size, at = _varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise _Damaged(f"no protocol buffer (wire type {kind} at byte {at})")
        if at + size > len(message):
            raise _Damaged(f"a field of {size:,} bytes where {len(message) - at:,} are left")
        yield field, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise _Damaged("a file cut off in a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _Damaged("a number of more than 64 bits")
