"""Reads .safetensors files: a header in JSON, then the tensors' bytes one behind the other.

Source of the format: https://github.com/huggingface/safetensors.
"""

import json
import math
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.storage.npz import possible

MIN_HEADER = 400_000
"""Bytes that a header may have; in a large file, a tenth of it. Parsed, it takes up to 24 times that."""
_DTYPES: dict[str, npt.DTypeLike] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}


class _Refused(ValueError):
    """The file is not of this form; says what was found."""


def is_safetensors(content: bytes) -> bool:
    """Whether a file begins as this form does: the header's length, then the header."""
    return content[8:9] == b"{" and int.from_bytes(content[:8], "little") <= len(content) - 8


def safetensors_tensors(content: bytes, source: str) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a .safetensors file by name, read-only views of the file's bytes.

    Args:
      content: the whole file.
      source: what messages call it.
    Raises:
      InputError: the file is damaged, or has numbers of a kind that NumPy does not know, as those of 8 bits.
    """
    try:
        size = int.from_bytes(content[:8], "little")
        if size > max(MIN_HEADER, len(content) // 10) or size > len(content) - 8:
            raise _Refused(f"found a header of {size:,} bytes in a file of {len(content):,}")
        header = _parsed(content[8 : 8 + size])
        numbers = memoryview(content)[8 + size :]
        header.pop("__metadata__", None)
        tensors = {name: _tensor(name, entry, numbers) for name, entry in header.items()}
        if sum(tensor.nbytes for tensor in tensors.values()) != len(numbers):
            raise _Refused("found tensors that leave bytes out, or share them")
    except _Refused as error:
        raise InputError(f"{source}: expected a .safetensors file, {error}") from error
    if not tensors:
        raise InputError(f"{source}: expected a .safetensors file with weights, found no tensor in it")
    return tensors


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Refused(f"found a header that is no JSON ({shown(error, 80)})") from error
    if not isinstance(header, dict):
        raise _Refused("found a header that is no object")
    return header


def _tensor(name: str, entry: Any, numbers: memoryview) -> npt.NDArray[Any]:
    match entry:
        case {
            "dtype": str() as kind,
            "shape": list() as shape,
            "data_offsets": [int() as begin, int() as end],
        }:
            pass
        case _:
            raise _Refused(f"found no tensor under {shown(name, 60)}")
    if kind not in _DTYPES:
        raise _Refused(
            f"found numbers of kind {shown(kind, 20)} in {shown(name, 60)}, of {', '.join(_DTYPES)}"
        )
    dtype = np.dtype(_DTYPES[kind])
    if not all(type(one) is int for one in shape) or not possible(shape, dtype.itemsize):
        raise _Refused(f"found {shown(name, 60)} of a shape that no tensor has")
    if not 0 <= begin <= end <= len(numbers) or end - begin != math.prod(shape) * dtype.itemsize:
        raise _Refused(f"found {shown(name, 60)} with other bytes than its shape wants")
    return np.frombuffer(numbers[begin:end], dtype).reshape(shape)
