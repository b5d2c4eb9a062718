"""Reads the tensors of a PyTorch file without PyTorch, and without executing anything in it.

Both forms are read: the zip of PyTorch 1.6 and later, and the older stream of pickles followed by the
numbers. A tensor is a view of the file's own bytes, so a small file cannot ask for much memory.
"""

import logging
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.storage.npz import possible
from fooljax.storage.zips import Entry, ZipError, read_entries, stored
from fooljax.targets.weights.pickles import Name, PickleError, Reader, Unread, kind_of

Tensors = dict[str, npt.NDArray[Any]]

_MAGIC = 0x1950A86A20F9469CFC6C
_MAGIC_PICKLED = (b"\x8a\x0a" + _MAGIC.to_bytes(10, "little"), b"L%dL\n." % _MAGIC)
"""How the older form begins, after at most a header of the pickle: by protocol 2 and later, and before."""
WEIGHTS_NAMES = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
)
"""Under which training scripts save weights beside other things; of several, the first is taken."""
MAX_DEPTH = 3
"""Dictionaries within each other among which the weights are looked for."""
MAX_NAMED = 8
"""Things passed over that a message names."""
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

logger = logging.getLogger("fooljax")


class _Refused(PickleError):
    """The file holds something that no file of weights holds; says what was found."""


class _Storage(NamedTuple):
    """Numbers that stand elsewhere in the file; of no known type where `kind` is not in `_STORAGES`."""

    key: str
    kind: str
    size: int


class _Tensor(NamedTuple):
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def is_pytorch_stream(content: bytes) -> bool:
    """Whether a file begins as those of PyTorch before 1.6 do."""
    return any(magic in content[:32] for magic in _MAGIC_PICKLED)


_Fetch = Callable[[_Storage], npt.NDArray[Any]]


def pytorch_tensors(content: bytes, source: str) -> Tensors:
    """The tensors of a PyTorch file by name, read-only views of the file's bytes.

    The weights may be the file's only content, or lie in a dictionary among other things that training saves.
    What is passed over is named in one notice.

    Args:
      content: the whole file.
      source: what messages call it.
    Raises:
      InputError: the file is damaged, or holds no weights that can be told from the rest.
    """
    try:
        found, fetch = _read_zip(content) if content.startswith(b"PK") else _read_stream(content)
        place, tensors, others = _chosen(found)
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
        raise _Refused(f"found a zip with {len(names)} entries data.pkl")
    root = names[0].removesuffix("data.pkl")
    order = entries.get(root + "byteorder")
    if order is not None and bytes(stored(content, order)[:10]) != b"little":
        raise _Refused("found big-endian numbers")
    views: dict[str, memoryview] = {}

    def fetch(storage: _Storage) -> npt.NDArray[Any]:
        if storage.key not in views:
            entry: Entry | None = entries.get(f"{root}data/{storage.key}")
            if entry is None:
                raise _Refused(f"found no numbers for storage {shown(storage.key, 40)}")
            views[storage.key] = stored(content, entry)
        return _numbers(storage, views[storage.key])

    pickle = bytes(stored(content, entries[names[0]]))
    return _reader(pickle, len(content), _Declared()).load(), fetch


def _read_stream(content: bytes) -> tuple[Any, _Fetch]:
    declared = _Declared()
    reader = _reader(content, len(content), declared)
    magic, version, system = reader.load(), reader.load(), reader.load()
    if type(magic) is not int or magic != _MAGIC or type(version) is not int or version != 1001:
        raise _Refused("found another version of PyTorch's older form")
    if not isinstance(system, dict) or system.get("little_endian", True) is not True:
        raise _Refused("found big-endian numbers")
    found, keys = reader.load(), reader.load()
    if not isinstance(keys, list):
        raise _Refused(f"found {kind_of(keys)} where a list of storages was expected")
    views: dict[str, memoryview] = {}
    at = reader.at
    for key in keys:
        storage = declared.get(key) if isinstance(key, str) else None
        if storage is None or key in views:
            raise _Refused("found numbers of an unknown storage")
        begin = at + 8
        at = begin + storage.size * _dtype(storage).itemsize
        if at > len(content) or content[begin - 8 : begin] != struct.pack("<Q", storage.size):
            raise _Refused(f"found storage {shown(key, 40)} shorter than it says")
        views[key] = memoryview(content)[begin:at]

    def fetch(storage: _Storage) -> npt.NDArray[Any]:
        if storage.key not in views:
            raise _Refused(f"found no numbers for storage {shown(storage.key, 40)}")
        return _numbers(storage, views[storage.key])

    return found, fetch


def _dtype(storage: _Storage) -> np.dtype[Any]:
    if storage.kind not in _STORAGES:
        raise _Refused(f"found a storage of kind {shown(storage.kind, 60)}")
    return np.dtype(_STORAGES[storage.kind])


def _numbers(storage: _Storage, view: memoryview) -> npt.NDArray[Any]:
    """A storage's numbers: as many as its bytes are, whatever it says."""
    dtype = _dtype(storage)
    if storage.size * dtype.itemsize > len(view):
        raise _Refused(f"found storage {shown(storage.key, 40)} shorter than it says")
    return np.frombuffer(view[: storage.size * dtype.itemsize], dtype)


def _array(name: str, tensor: _Tensor, fetch: _Fetch) -> npt.NDArray[Any]:
    numbers = fetch(tensor.storage)
    if not possible(tensor.shape, numbers.itemsize):
        raise _Refused(f"found a tensor of shape {shown(list(tensor.shape), 80)}")
    count = math.prod(tensor.shape)
    if count == 0:
        return np.zeros(tensor.shape, numbers.dtype)
    reach = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    # Strides of zero would let one number stand for terabytes once they are copied.
    if count > len(numbers) or reach >= len(numbers):
        raise _Refused(f"found tensor {shown(name, 60)} larger than its storage")
    strides = [step * numbers.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)


# Which of the things in the file are the weights.


def _chosen(found: Any) -> tuple[tuple[str, ...], dict[str, _Tensor], list[str]]:
    """Where the weights are, the weights, and what lies beside them, in words."""
    if not isinstance(found, dict):
        advice = "; save the model's state_dict()" if isinstance(found, Unread) else ""
        raise _Refused(f"found {kind_of(found)} instead of a dictionary of tensors{advice}")
    holders = {
        place: content for place, content in _dictionaries(found) if any(map(_is_tensor, content.values()))
    }
    named = [place for place in holders if place and place[-1] in WEIGHTS_NAMES]
    if not holders:
        others = _in_words(found, None)
        raise _Refused(f"found no tensor in the dictionary{f' of {_listed(others)}' if others else ''}")
    if named:
        place = min(named, key=lambda place: (WEIGHTS_NAMES.index(place[-1]), len(place)))
    else:
        sizes = {place: sum(map(_is_tensor, content.values())) for place, content in holders.items()}
        most = [place for place, size in sizes.items() if size == max(sizes.values())]
        if len(most) > 1:
            places = [shown(".".join(place) or "the top", 40) for place in most]
            raise _Refused(f"found several that may be weights: {_listed(places)}")
        place = most[0]
    others = []
    within = found
    for step in (*place, None):
        others += _in_words(within, step)
        within = within if step is None else within[step]
    return place, {name: value for name, value in within.items() if _is_tensor(value)}, others


def _dictionaries(found: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each dictionary once, the outer ones first, without what optimizers keep."""
    seen: set[int] = {id(found)}
    level: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), found)]
    for _ in range(MAX_DEPTH + 1):
        yield from level
        inner = []
        for place, content in level:
            for name, value in content.items():
                if isinstance(value, dict) and id(value) not in seen and "optim" not in name.lower():
                    seen.add(id(value))
                    inner.append(((*place, name), value))
        level = inner


def _is_tensor(value: Any) -> bool:
    return isinstance(value, _Tensor)


def _in_words(content: dict[str, Any], step: str | None) -> list[str]:
    """What is passed over in a dictionary: all but one item, or all but the tensors."""
    words = []
    for name, value in content.items():
        if name == step or (step is None and _is_tensor(value)):
            continue
        told = f" ({value.what})" if isinstance(value, Unread) else ""
        words.append(f"{shown(name, 40)}{told}")
    return words


def _listed(words: list[str]) -> str:
    return ", ".join(words[:MAX_NAMED]) + (" and more" if len(words) > MAX_NAMED else "")


# What PyTorch's own functions would make of a pickle's values; no function is called.

_Declared = dict[str, _Storage]


def _reader(pickle: bytes, file_size: int, declared: dict[str, _Storage]) -> Reader:
    def refer(reference: Any) -> Any:
        if isinstance(reference, tuple) and reference[:1] == ("module",):
            return Unread("the code of a class")
        storage = _storage(reference)
        if declared.setdefault(storage.key, storage) != storage:
            raise _Refused(f"found storage {shown(storage.key, 40)} declared in two ways")
        return storage

    return Reader(pickle, file_size, _rebuilt, refer)


def _storage(reference: Any) -> _Storage:
    match reference:
        case ("storage", Name() as kind, str() as key, _, int() as size, *view) if size >= 0:
            if view not in ([], [None]):
                raise _Refused("found a view of a storage, as PyTorch before 0.4 wrote them")
            known = kind.module == "torch" and kind.name in _STORAGES
            return _Storage(key, kind.name if known else str(kind), size)
    raise _Refused("found a reference that is no storage")


def _rebuilt(function: Name, arguments: tuple[Any, ...]) -> Any:
    match function, arguments:
        case (("collections", "OrderedDict" | "defaultdict"), () | (Name(),)):
            return {}
        case (("collections", "OrderedDict"), (list() as pairs,)):  # as Python 2 wrote them
            return {pair[0]: pair[1] for pair in pairs if isinstance(pair[0], str)}
        case (("copyreg" | "copy_reg", "_reconstructor"), (Name() as kind, *_)):
            return Unread(str(kind))
        case (("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state"), (first, *_)):
            return first
        case (("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor"), _):
            return _tensor(arguments)
        case (
            ("torch._tensor", "_rebuild_from_type_v2"),
            (("torch._utils", "_rebuild_tensor_v2"), _, inner, _),
        ):
            return _tensor(inner)
    return Unread(str(function))


def _tensor(arguments: Any) -> _Tensor:
    match arguments:
        case (_Storage() as storage, int() as offset, tuple() as shape, tuple() as strides, *_):
            numbers = (offset, *shape, *strides)
            if all(type(n) is int and n >= 0 for n in numbers) and len(shape) == len(strides):
                return _Tensor(storage, offset, shape, strides)
    raise _Refused("found a tensor without a storage, or of a shape that none has")
