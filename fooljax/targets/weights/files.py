"""Reads a weights file of any known form. Its content decides which form it has, not its name."""

import os
from pathlib import Path
from typing import Any

import numpy.typing as npt

from fooljax.errors import InputError
from fooljax.storage.npz import MOST_BYTES, npz_arrays
from fooljax.storage.reading import name_of, read_regular
from fooljax.storage.zips import ZipError, read_entries
from fooljax.targets.weights.caffe import caffemodel_tensors
from fooljax.targets.weights.pytorch import is_pytorch_stream, pytorch_tensors
from fooljax.targets.weights.safetensors import is_safetensors, safetensors_tensors

FORMS = "PyTorch, .safetensors, .npz or .caffemodel"
WRAPPERS = ("module.", "_orig_mod.", "model.", "net.")
"""What PyTorch's wrappers for training (DataParallel, torch.compile, Lightning) put before every name."""
MAX_WRAPPERS = 8
_OTHERS = {
    (0, b"\x89HDF"): "an HDF5 file",
    (0, b"\x1f\x8b"): "a file packed by gzip",
    (0, b"BZh"): "a file packed by bzip2",
    (0, b"\xfd7zXZ"): "a file packed by xz",
    (0, b"\x93NUMPY"): "an .npy file, whose one array has no name",
    (0, b"\x80"): "a pickle that PyTorch did not write",
    (0, b"GGUF"): "a GGUF file",
    (4, b"TFL3"): "a TensorFlow Lite file",
    (257, b"ustar"): "a tar archive",
}
_CAFFE_STARTS = (b"\x0a", b"\x12", b"\xa2\x06")
"""The fields of a .caffemodel that can stand first: its name, a layer of old, a layer."""


def read_weights(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a file by name, without the wrappers' names (`WRAPPERS`) where all share them.

    Args:
      path: a PyTorch file or checkpoint, .safetensors, .npz, or .caffemodel, whatever its name ends in.
    Raises:
      InputError: there is no such file, it is in no known form, is damaged, or holds no weights.
    """
    if not os.path.lexists(path):
        raise InputError(f"weights: expected a file, found none at {name_of(path)}")
    source = name_of(path)
    try:
        tensors = _tensors(read_regular(path, MOST_BYTES), source)
    except MemoryError as error:
        raise InputError(f"{source}: expected a file that fits into the memory, found more") from error
    return _unwrapped(tensors)


def _tensors(content: bytes, source: str) -> dict[str, npt.NDArray[Any]]:
    expected = f"{source}: expected weights as {FORMS}"
    if content.startswith(b"PK"):
        try:
            names = read_entries(content)
        except ZipError as error:
            raise InputError(f"{expected}, {error}") from error
        if any(name.endswith("data.pkl") for name in names):
            return pytorch_tensors(content, source)
        return npz_arrays(content, source)
    if is_pytorch_stream(content):
        return pytorch_tensors(content, source)
    for (at, begin), form in _OTHERS.items():
        if content.startswith(begin, at):
            raise InputError(f"{expected}, found {form}")
    if is_safetensors(content):
        return safetensors_tensors(content, source)
    if content.startswith(_CAFFE_STARTS):
        return caffemodel_tensors(content, source)
    raise InputError(f"{expected}, found {'none of them' if content else 'an empty file'}")


def _unwrapped(tensors: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    for _ in range(MAX_WRAPPERS):
        shared = [one for one in WRAPPERS if all(name.startswith(one) and name != one for name in tensors)]
        if not shared:
            break
        tensors = {name.removeprefix(shared[0]): tensor for name, tensor in tensors.items()}
    return tensors
