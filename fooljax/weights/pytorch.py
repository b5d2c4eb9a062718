"""Reads the tensors of a PyTorch file (.pth, .pt) without PyTorch, and without executing anything in it.

Such a file holds a pickle, and unpickling runs whatever the file says. Here the pickle's instructions are
only read: a small machine knows those that state dictionaries are made of, and a handful of names; at
anything else it refuses the file. Nothing is imported or called by name. Both forms are read: the zip of
PyTorch 1.6 and later, and the older stream of pickles followed by the numbers.

No array is made that the file does not hold byte for byte, so a small file cannot ask for much memory.
"""

import io
import math
import pickletools
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

Tensors = dict[str, npt.NDArray[Any]]

MAX_PICKLE_BYTES = 64 * 2**20
MAX_INSTRUCTIONS = 5_000_000
MAX_RANK = 8
_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_START = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""The magic number as protocol 2 pickles it, after two bytes of header."""
_STORAGES: dict[str, npt.DTypeLike] = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


class _Refused(Exception):
    """The file holds something that no plain file of weights holds."""


@dataclass(frozen=True)
class _Name:
    """A name that the pickle wants imported; here it is only a name."""

    module: str
    name: str


@dataclass(frozen=True)
class _Storage:
    """Numbers that stand elsewhere in the file."""

    key: str
    dtype: np.dtype[Any]
    size: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_pytorch(path: Path) -> Tensors:
    """The tensors of a state dictionary by name, read-only views of the file's numbers.

    A dictionary inside the entry `state_dict` (as training scripts save it) is found, too.

    Raises:
      InputError: the file is damaged, is no state dictionary, or holds anything besides tensors, plain
        values and containers.
    """
    try:
        with path.open("rb") as file:
            found, fetch = _read_zip(file) if zipfile.is_zipfile(file) else _read_stream(file)
            return _tensors(found, fetch)
    except _Refused as error:
        raise InputError(f"{path}: expected a PyTorch file with nothing but tensors, {error}") from error
    except (ValueError, IndexError, KeyError, EOFError, zipfile.BadZipFile, TypeError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"{path}: expected a PyTorch file, found a damaged one ({reason[0][:120]})"
        ) from error


def _read_zip(file: BinaryIO) -> tuple[Any, Callable[[_Storage], npt.NDArray[Any]]]:
    archive = zipfile.ZipFile(file)
    entries = {entry.filename: entry for entry in archive.infolist()}
    names = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(names) != 1:
        raise _Refused(f"found a zip with {len(names)} entries data.pkl")
    root = names[0].removesuffix("data.pkl")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise _Refused("found compressed entries, which PyTorch does not write")
    if entries[names[0]].file_size > MAX_PICKLE_BYTES:
        raise _Refused("found a pickle of more than 64 MiB")
    if (order := root + "byteorder") in entries and archive.read(order) != b"little":
        raise _Refused("found big-endian numbers")
    parts: dict[str, npt.NDArray[Any]] = {}
    whole = file.seek(0, io.SEEK_END)

    def fetch(storage: _Storage) -> npt.NDArray[Any]:
        entry = entries.get(f"{root}data/{storage.key}")
        if entry is None:
            raise _Refused(f"found no numbers for storage {storage.key[:40]}")
        if entry.file_size > whole or storage.size * storage.dtype.itemsize > entry.file_size:
            raise _Refused(f"found storage {storage.key[:40]} shorter than it says")
        if storage.key not in parts:
            parts[storage.key] = np.frombuffer(archive.read(entry), np.uint8)
        return parts[storage.key][: storage.size * storage.dtype.itemsize].view(storage.dtype)

    content = io.BytesIO(archive.read(names[0]))
    return _Machine().run(content), fetch


def _read_stream(file: BinaryIO) -> tuple[Any, Callable[[_Storage], npt.NDArray[Any]]]:
    file.seek(0)
    if _LEGACY_START not in file.read(32):
        raise _Refused("found neither a zip nor PyTorch's older form")
    file.seek(0)
    machine = _Machine()
    if machine.run(file) != _MAGIC or machine.run(file) != 1001:
        raise _Refused("found another version of PyTorch's older form")
    if not machine.run(file).get("little_endian", True):
        raise _Refused("found big-endian numbers")
    found, keys = machine.run(file), machine.run(file)
    declared = machine.storages
    begin = file.tell()
    rest = np.frombuffer(file.read(), np.uint8)
    places, at = {}, 0
    for key in keys:
        if key not in declared:
            raise _Refused(f"found numbers of an unknown storage {str(key)[:40]}")
        size = int.from_bytes(rest[at : at + 8].tobytes(), "little")
        nbytes = size * declared[key].dtype.itemsize
        if size != declared[key].size or at + 8 + nbytes > rest.size:
            raise _Refused(f"found storage {str(key)[:40]} shorter than it says (from byte {begin})")
        places[key] = at + 8
        at += 8 + nbytes

    def fetch(storage: _Storage) -> npt.NDArray[Any]:
        if storage.key not in places:
            raise _Refused(f"found no numbers for storage {storage.key[:40]}")
        place = places[storage.key]
        return rest[place : place + storage.size * storage.dtype.itemsize].view(storage.dtype)

    return found, fetch


def _tensors(found: Any, fetch: Callable[[_Storage], npt.NDArray[Any]]) -> Tensors:
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict):
        raise _Refused(f"found {type(found).__name__.strip('_').lower()} instead of a dictionary")
    tensors = {}
    for name, value in found.items():
        if not isinstance(value, _Tensor):
            continue
        numbers = fetch(value.storage)
        reach = value.offset + sum((n - 1) * step for n, step in zip(value.shape, value.strides, strict=True))
        count = math.prod(value.shape)
        # Strides of zero would let one number stand for terabytes once they are copied.
        if count > value.storage.size or (count and reach >= value.storage.size):
            raise _Refused(f"found tensor {str(name)[:60]} larger than its storage")
        strides = [step * numbers.itemsize for step in value.strides]
        if count == 0:
            tensors[str(name)] = np.zeros(value.shape, numbers.dtype)
        else:
            tensors[str(name)] = np.lib.stride_tricks.as_strided(
                numbers[value.offset :], value.shape, strides, writeable=False
            )
    if not tensors:
        raise _Refused("found no tensor in the dictionary")
    return tensors


class _Machine:
    """Reads pickles, one after another, keeping note of the storages that they declare."""

    def __init__(self) -> None:
        self.storages: dict[str, _Storage] = {}

    def run(self, file: BinaryIO) -> Any:
        stack: list[Any] = []
        marks: list[int] = []
        memo: dict[int, Any] = {}

        def since_mark() -> list[Any]:
            start = marks.pop()
            items = stack[start:]
            del stack[start:]
            return items

        for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            name = opcode.name
            if count > MAX_INSTRUCTIONS:
                raise _Refused("found too many instructions")
            if name in ("PROTO", "FRAME"):
                continue
            if name == "STOP":
                return stack.pop()
            if name in _VALUES:
                stack.append(argument)
            elif name in _CONSTANTS:
                stack.append(_CONSTANTS[name]())
            elif name == "MARK":
                marks.append(len(stack))
            elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[_as(int, argument)] = stack[-1]
            elif name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            elif name in ("GET", "BINGET", "LONG_BINGET"):
                stack.append(memo[_as(int, argument)])
            elif name in _TUPLES:
                size = _TUPLES[name]
                items = [stack.pop() for _ in range(size)][::-1]
                stack.append(tuple(items))
            elif name == "TUPLE":
                stack.append(tuple(since_mark()))
            elif name == "LIST":
                stack.append(since_mark())
            elif name == "APPEND":
                item = stack.pop()
                _as(list, stack[-1]).append(item)
            elif name == "APPENDS":
                items = since_mark()
                _as(list, stack[-1]).extend(items)
            elif name == "SETITEM":
                value, key = stack.pop(), stack.pop()
                _as(dict, stack[-1])[_key(key)] = value
            elif name in ("SETITEMS", "DICT"):
                items = since_mark()
                if name == "DICT":
                    stack.append({})
                pairs = zip(items[::2], items[1::2], strict=True)
                _as(dict, stack[-1]).update({_key(key): value for key, value in pairs})
            elif name == "GLOBAL":
                module, _, attribute = str(argument).partition(" ")
                stack.append(_Name(module, attribute))
            elif name == "STACK_GLOBAL":
                attribute, module = stack.pop(), stack.pop()
                stack.append(_Name(_as(str, module), _as(str, attribute)))
            elif name == "BINPERSID":
                stack.append(self._storage(stack.pop()))
            elif name == "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_rebuilt(_as(_Name, function), _as(tuple, arguments)))
            elif name == "BUILD":
                # PyTorch hangs its version on the dictionary; nothing else has attributes.
                stack.pop()
                _as(dict, stack[-1])
            else:
                raise _Refused(f"found the pickle instruction {name}")
        raise _Refused("found a pickle without an end")

    def _storage(self, reference: Any) -> _Storage:
        reference = _as(tuple, reference)
        if len(reference) not in (5, 6) or reference[0] != "storage":
            raise _Refused("found a reference that is no storage")
        if len(reference) == 6 and reference[5] is not None:
            raise _Refused("found a view of a storage, as PyTorch before 0.4 wrote them")
        kind, key, size = _as(_Name, reference[1]), _as(str, reference[2]), _as(int, reference[4])
        if kind.module != "torch" or kind.name not in _STORAGES or size < 0:
            raise _Refused(f"found a storage of kind {kind.module}.{kind.name}"[:120])
        storage = _Storage(key, np.dtype(_STORAGES[kind.name]), size)
        if self.storages.setdefault(key, storage) != storage:
            raise _Refused(f"found storage {key[:40]} declared in two ways")
        return storage


_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"),
}
_CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _as(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise _Refused(f"found {type(value).__name__.strip('_').lower()} where {kind.__name__} was expected")
    return value


def _key(value: Any) -> Any:
    if not isinstance(value, str | int):
        raise _Refused("found a dictionary with keys that are no names")
    return value


def _rebuilt(function: _Name, arguments: tuple[Any, ...]) -> Any:
    """What PyTorch's own functions would make; no function is called."""
    match (function.module, function.name):
        case ("collections", "OrderedDict") if not arguments:
            return {}
        case ("torch._utils", "_rebuild_parameter") if len(arguments) == 3:
            return _as(_Tensor, arguments[0])
        case ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") if len(arguments) >= 4:
            storage, offset = _as(_Storage, arguments[0]), _as(int, arguments[1])
            shape, strides = (tuple(_as(int, n) for n in _as(tuple, a)) for a in arguments[2:4])
            negative = any(n < 0 for n in (offset, *shape, *strides))
            if negative or len(shape) != len(strides) or len(shape) > MAX_RANK:
                raise _Refused(f"found a tensor of shape {list(shape)[:MAX_RANK]}")
            return _Tensor(storage, offset, shape, strides)
    raise _Refused(f"found a call of {function.module}.{function.name}"[:120])
