"""What the values in the pickles of a PyTorch file stand for: tensors, storages, and what is neither.

No function that a pickle names is called; what PyTorch's own would make of their arguments is made here.
"""

from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import numpy.typing as npt

from fooljax.errors import shown
from fooljax.targets.weights.pickle_machine import Machine, Name, PickleError, Unread

STORAGES: dict[str, npt.DTypeLike] = {
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


class Refused(PickleError):
    """The file holds something that no file of weights holds; says what was found."""


class Storage(NamedTuple):
    """Numbers that stand elsewhere in the file; of no known type where `kind` is not in `STORAGES`."""

    key: str
    kind: str
    size: int


class Tensor(NamedTuple):
    """A view of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


Declared = dict[str, Storage]


def machine_of(pickle: bytes, file_size: int, declared: Declared) -> Machine:
    """A machine that reads a pickle's tensors and storages as `Tensor` and `Storage`.

    Args:
      pickle: bytes that begin with a pickle.
      file_size: bytes of the whole file.
      declared: gets the storages that the pickle names, by key.
    """

    def refer(reference: Any) -> Any:
        if isinstance(reference, tuple) and reference[:1] == ("module",):
            return Unread("the code of a class")
        storage = _storage(reference)
        if declared.setdefault(storage.key, storage) != storage:
            raise Refused(f"found storage {shown(storage.key, 40)} declared in two ways")
        return storage

    return Machine(pickle, file_size, _rebuilt, refer)


def _storage(reference: Any) -> Storage:
    match reference:
        case ("storage", Name() as kind, str() as key, _, int() as size, *view) if size >= 0:
            if view not in ([], [None]):
                raise Refused("found a view of a storage, as PyTorch before 0.4 wrote them")
            known = kind.module == "torch" and kind.name in STORAGES
            return Storage(key, kind.name if known else str(kind), size)
    raise Refused("found a reference that is no storage")


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


def _tensor(arguments: Any) -> Tensor:
    match arguments:
        case (Storage() as storage, int() as offset, tuple() as shape, tuple() as strides, *_):
            numbers = (offset, *shape, *strides)
            if all(type(n) is int and n >= 0 for n in numbers) and len(shape) == len(strides):
                return Tensor(storage, offset, shape, strides)
    raise Refused("found a tensor without a storage, or of a shape that none has")
