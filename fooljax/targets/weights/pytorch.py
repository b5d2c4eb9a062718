"""Reads the tensors of a PyTorch file without PyTorch, and without executing anything in it.

Both forms are read: the zip of PyTorch 1.6 and later, and the older stream of pickles followed by the
numbers. A tensor is a view of the file's own bytes, so a small file cannot ask for much memory.
"""

import logging
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.storage.npz import possible
from fooljax.storage.zips import Entry, ZipError, read_entries, stored
from fooljax.targets.weights.pickle_machine import PickleError, kind_of
from fooljax.targets.weights.pickles import next_value
from fooljax.targets.weights.pytorch_values import STORAGES, Declared, Refused, Storage, Tensor, machine_of
from fooljax.targets.weights.state_dicts import MAX_NAMED, chosen_weights

Tensors = dict[str, npt.NDArray[Any]]

_MAGIC = 0x1950A86A20F9469CFC6C
_MAGIC_PICKLED = (b"\x8a\x0a" + _MAGIC.to_bytes(10, "little"), b"L%dL\n." % _MAGIC)
"""How the older form begins, after at most a header of the pickle: by protocol 2 and later, and before."""

logger = logging.getLogger("fooljax")


def is_pytorch_stream(content: bytes) -> bool:
    """Whether a file begins as those of PyTorch before 1.6 do."""
    return any(magic in content[:32] for magic in _MAGIC_PICKLED)


_Fetch = Callable[[Storage], npt.NDArray[Any]]


def pytorch_tensors(content: bytes, source: str) -> Tensors:
    """The tensors of a PyTorch file by name, read-only views of the file's bytes.

    The weights may be the file's only content, or lie in a dictionary among other things that training saves.
    What is passed over is named in one notice.

    Args:
      content: the whole file.
      source: what messages call it.
    Raises:
      InputError: the file is damaged, or its weights cannot be distinguished from the rest.
    """
    try:
        found, fetch = _read_zip(content) if content.startswith(b"PK") else _read_stream(content)
        place, tensors, others = chosen_weights(found)
        arrays = {name: _array(name, tensor, fetch) for name, tensor in tensors.items()}
    except (PickleError, ZipError) as error:
        raise InputError(f"{source}: expected a PyTorch file with weights, {error}") from error
    if others:
        rest = f" and {len(others) - MAX_NAMED} more" if len(others) > MAX_NAMED else ""
        where = f"read the weights in {shown('.'.join(place), 60)}" if place else "read the weights"
        logger.warning("%s: %s, passed over %s%s", source, where, ", ".join(others[:MAX_NAMED]), rest)
    return arrays


def _read_zip(content: bytes) -> tuple[Any, _Fetch]:
    entries = read_entries(content)
    names = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(names) != 1:
        raise Refused(f"found a zip with {len(names)} entries data.pkl")
    root = names[0].removesuffix("data.pkl")
    order = entries.get(root + "byteorder")
    if order is not None and bytes(stored(content, order)[:10]) != b"little":
        raise Refused("found big-endian numbers")
    views: dict[str, memoryview] = {}

    def fetch(storage: Storage) -> npt.NDArray[Any]:
        if storage.key not in views:
            entry: Entry | None = entries.get(f"{root}data/{storage.key}")
            if entry is None:
                raise Refused(f"found no numbers for storage {shown(storage.key, 40)}")
            views[storage.key] = stored(content, entry)
        return _numbers(storage, views[storage.key])

    pickle = bytes(stored(content, entries[names[0]]))
    return next_value(machine_of(pickle, len(content), {})), fetch


def _read_stream(content: bytes) -> tuple[Any, _Fetch]:
    declared: Declared = {}
    machine = machine_of(content, len(content), declared)
    magic, version, system = (next_value(machine) for _ in range(3))
    if type(magic) is not int or magic != _MAGIC or type(version) is not int or version != 1001:
        raise Refused("found another version of PyTorch's older form")
    if not isinstance(system, dict) or system.get("little_endian", True) is not True:
        raise Refused("found big-endian numbers")
    found, keys = next_value(machine), next_value(machine)
    if not isinstance(keys, list):
        raise Refused(f"found {kind_of(keys)} where a list of storages was expected")
    views: dict[str, memoryview] = {}
    at = machine.at
    for key in keys:
        storage = declared.get(key) if isinstance(key, str) else None
        if storage is None or key in views:
            raise Refused("found numbers of an unknown storage")
        begin = at + 8
        at = begin + storage.size * _dtype(storage).itemsize
        if at > len(content) or content[begin - 8 : begin] != struct.pack("<Q", storage.size):
            raise Refused(f"found storage {shown(key, 40)} shorter than it says")
        views[key] = memoryview(content)[begin:at]

    def fetch(storage: Storage) -> npt.NDArray[Any]:
        if storage.key not in views:
            raise Refused(f"found no numbers for storage {shown(storage.key, 40)}")
        return _numbers(storage, views[storage.key])

    return found, fetch


def _dtype(storage: Storage) -> np.dtype[Any]:
    if storage.kind not in STORAGES:
        raise Refused(f"found a storage of kind {shown(storage.kind, 60)}")
    return np.dtype(STORAGES[storage.kind])


def _numbers(storage: Storage, view: memoryview) -> npt.NDArray[Any]:
    """A storage's numbers: as many as its bytes are, whatever it says."""
    dtype = _dtype(storage)
    if storage.size * dtype.itemsize > len(view):
        raise Refused(f"found storage {shown(storage.key, 40)} shorter than it says")
    return np.frombuffer(view[: storage.size * dtype.itemsize], dtype)


def _array(name: str, tensor: Tensor, fetch: _Fetch) -> npt.NDArray[Any]:
    numbers = fetch(tensor.storage)
    if not possible(tensor.shape, numbers.itemsize):
        raise Refused(f"found a tensor of shape {shown(list(tensor.shape), 80)}")
    count = math.prod(tensor.shape)
    if count == 0:
        return np.zeros(tensor.shape, numbers.dtype)
    reach = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    # Strides of zero would let one number stand for terabytes once they are copied.
    if count > len(numbers) or reach >= len(numbers):
        raise Refused(f"found tensor {shown(name, 60)} larger than its storage")
    strides = [step * numbers.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)
