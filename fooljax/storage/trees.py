"""Files that are whole or absent: atomic writes, and pytrees in `.npz` without pickle.

A tree file stores each leaf under its tree path, typed PRNG keys as their key data, and a JSON header with
the schema version, each leaf's dtype and a SHA-256 of all content. Every file is written to a temporary name
in the same folder, synced and renamed; what a killed process left under such a name, the next one removes.
"""

import contextlib
import hashlib
import io
import json
import logging
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import jax
import jax.numpy as jnp
import ml_dtypes  # noqa: F401  (registers bfloat16 and friends as dtype names)
import numpy as np
import numpy.typing as npt

from fooljax.errors import FaultError, InputError, shown
from fooljax.storage.npz import read_npz
from fooljax.storage.reading import name_of, open_regular, read_regular

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SCHEMA = 1
"""Version of the layout of tree files."""
HEADER = "__header__"
KEPT_CHECKPOINTS = 2
MAX_JSON_BYTES = 64 * 2**20
MAX_JSON_DEPTH = 32
_TEMPORARY = re.compile(r"\.(.+)\.[0-9]+\.tmp", re.DOTALL)

Tree = TypeVar("Tree")
logger = logging.getLogger("fooljax")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file so that it is, at any moment, the old one or the new one.

    Where the path is a symbolic link, the file that it names is written, and the link stays.

    Raises:
      InputError: there is a device, a pipe or a folder.
      FaultError: the disk is full or read-only, or the folder is missing.
    """
    with contextlib.suppress(OSError):
        path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if os.path.lexists(path) and not path.is_file():
        raise InputError(f"{name_of(path)}: expected a new file, or one to replace, found neither")
    remove_abandoned(path.parent, path.name)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with _open_locked(temporary) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if os.name == "posix":  # where an open file can be renamed: the lock is held until it is in place
                os.replace(temporary, path)
        if os.name != "posix":
            os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FaultError(f"cannot write {name_of(path)}: {error.strerror or error}") from error


def remove_abandoned(folder: Path, name: str | None = None) -> None:
    """Removes temporary files that a killed process left; never one that a living process writes.

    A process holds a lock on the file that it writes, which ends with it, however it ends.

    Args:
      folder: where to look; the folders inside it too, where no name is given.
      name: of the file whose temporary ones are meant; of any file by default.
    """
    if fcntl is None:
        return
    for inner, _, files in os.walk(folder):
        for found in files:
            match = _TEMPORARY.fullmatch(found)
            if match and name in (None, match[1]):
                path = Path(inner, found)
                with contextlib.suppress(OSError, InputError), open_regular(path) as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
        if name is not None:
            break


def _open_locked(path: Path) -> IO[bytes]:
    """Opens a file to write, empty, locked against `remove_abandoned`."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks: nothing is removed there either
                fcntl.flock(file, fcntl.LOCK_EX)
        # Before the lock was had, the file may have been removed, or renamed by another thread.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.truncate()
                return file
        file.close()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON atomically, indented, with a newline at the end; NaN and infinities are refused."""
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object that this package wrote.

    Raises:
      InputError: the file is missing, damaged, not an object, or has what such a file never has: numbers that
        are infinite, NaN or beyond 64 bits, text that is not Unicode, more than 64 MiB or 32 levels.
    """
    try:
        content = parse_json(read_regular(path, MAX_JSON_BYTES))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name_of(path)}: expected JSON, found {shown(error)}") from error
    if not isinstance(content, dict):
        raise InputError(f"{name_of(path)}: expected a JSON object, found {type(content).__name__}")
    return content


def parse_json(text: bytes, finite: bool = True) -> Any:
    """The value of a JSON text that is safe to handle: shallow, of numbers that fit, and of proper text.

    Args:
      text: UTF-8.
      finite: refuses NaN and infinities.
    Raises:
      ValueError: it is not JSON, or not of that kind; says what was found.
    """
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("lists or objects nested too deeply") from None
    level = [content]
    for _ in range(MAX_JSON_DEPTH):
        inner: list[Any] = []
        for value in level:
            match value:
                case dict():
                    inner += [*value, *value.values()]
                case list():
                    inner += value
                case str():
                    value.encode()  # UnicodeEncodeError, a ValueError, for a lone surrogate
                case float() if finite and not math.isfinite(value):
                    raise ValueError(f"the number {value}")
                case int() if abs(value) >= 2**64:
                    raise ValueError("an integer of more than 64 bits")
        level = inner
    if level:
        raise ValueError("lists or objects nested too deeply")
    return content


def save_tree(path: Path, tree: Any, header: Mapping[str, Any] | None = None) -> None:
    """Saves a pytree of arrays; equal trees and headers give equal bytes (no clock times inside).

    Args:
      path: of the `.npz` file.
      tree: leaves are arrays, scalars or typed PRNG keys.
      header: JSON-ready facts stored beside the leaves.
    Raises:
      FaultError: the file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    kinds: dict[str, str] = {}
    for name, leaf in _named_leaves(tree):
        if _is_key(leaf):
            kinds[name] = f"key<{jax.random.key_impl(leaf)}>"
            arrays[name] = np.asarray(jax.random.key_data(leaf))
        else:
            array = np.asarray(leaf)
            kinds[name] = array.dtype.name
            # NumPy's file format does not know bfloat16 and friends: their bytes travel as integers.
            arrays[name] = array.view(_stored(array.dtype))
    facts = {"schema": SCHEMA, "leaves": kinds, "sha256": _digest(arrays), "facts": dict(header or {})}
    stream = io.BytesIO()
    header_array = np.frombuffer(json.dumps(facts, sort_keys=True).encode(), np.uint8)
    np.savez(stream, **{HEADER: header_array}, **arrays)  # type: ignore[arg-type]
    write_bytes(path, stream.getvalue())


def load_arrays(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str], dict[str, Any]]:
    """Reads a tree file as arrays by name, kinds of leaf by name, and the header's facts.

    Every array can be restored to its kind.

    Raises:
      InputError: the file is missing, damaged, or of another schema.
    """
    arrays = read_npz(path, expansion=1)  # ours are not compressed
    try:
        header = arrays.pop(HEADER, np.empty(0, np.uint8))
        facts = parse_json(header.tobytes(), finite=False)
    except ValueError as error:
        raise InputError(f"{name_of(path)}: damaged, or not a fooljax file ({shown(error)})") from error
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        found = facts.get("schema") if isinstance(facts, dict) else facts
        raise InputError(f"{name_of(path)}: expected file schema {SCHEMA}, found {shown(found)}")
    kinds, own = facts.get("leaves"), facts.get("facts")
    if not isinstance(kinds, dict) or not isinstance(own, dict) or kinds.keys() != arrays.keys():
        raise InputError(f"{name_of(path)}: damaged (the header is not of this content)")
    if _digest(arrays) != facts.get("sha256"):
        raise InputError(f"{name_of(path)}: damaged (the content does not match its checksum)")
    for name, array in arrays.items():
        try:
            _restore(array, kinds[name])
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{name_of(path)}: damaged ({shown(name)}: {array.dtype}{list(array.shape)} is no "
                f"{shown(kinds[name])})"
            ) from error
    return arrays, kinds, own


def load_tree(path: Path, template: Tree, under: str = "") -> tuple[Tree, dict[str, Any]]:
    """Loads a pytree saved by `save_tree`.

    Args:
      path: of the `.npz` file.
      template: a tree of arrays or `jax.ShapeDtypeStruct` with the structure, shapes and dtypes to expect.
      under: the branch of the saved tree that is wanted; the whole tree by default.
    Returns:
      The tree and the header's facts.
    Raises:
      InputError: the file is missing or damaged, or does not fit the template; names the leaf.
    """
    arrays, kinds, facts = load_arrays(path)
    prefix = f"{under}/" if under else ""
    arrays = {name: array for name, array in arrays.items() if name.startswith(prefix)}
    leaves = []
    for name, leaf in _named_leaves(template):
        name = prefix + name
        expected = f"{_kind(leaf)}{list(leaf.shape)}"
        if name not in arrays:
            raise InputError(f"{path}: expected {name} {expected}, found no such entry")
        array = _restore(arrays.pop(name), kinds[name])
        found = f"{_kind(array)}{list(array.shape)}"
        if found != expected:
            raise InputError(f"{path}: expected {name} {expected}, found {found}")
        leaves.append(array)
    if arrays:
        raise InputError(f"{path}: unexpected entries {', '.join(sorted(arrays)[:3])}")
    return jax.tree.unflatten(jax.tree.structure(template), leaves), facts


class Checkpoints:
    """The numbered checkpoints of one run in a folder; the newest two are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, generation: int, tree: Any, header: Mapping[str, Any]) -> None:
        """Saves a checkpoint, then removes those older than the newest two.

        Raises:
          FaultError: the disk is full or read-only; older checkpoints are left as they are.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FaultError(f"cannot make {self.folder}: {error.strerror}") from error
        remove_abandoned(self.folder)
        save_tree(self.folder / f"generation-{generation:09d}.npz", tree, header)
        for old in self.paths()[KEPT_CHECKPOINTS:]:
            old.unlink(missing_ok=True)

    def paths(self) -> list[Path]:
        """The checkpoints there are, newest first."""
        found = [
            path for path in self.folder.glob("*.npz") if re.fullmatch(r"generation-\d{9}\.npz", path.name)
        ]
        return sorted(found, reverse=True)

    def latest(self) -> Path | None:
        """The newest checkpoint that is whole, or None; says so where a damaged one is passed over."""
        for path in self.paths():
            try:
                load_arrays(path)
            except InputError as error:
                logger.warning("%s; falling back to an older checkpoint", error)
                continue
            return path
        return None


def digest_tree(tree: Any) -> str:
    """SHA-256 (hex) over names, dtypes, shapes and bytes of a pytree's leaves."""
    return _digest({name: np.asarray(leaf) for name, leaf in _named_leaves(tree)})


def _named_leaves(tree: Any) -> list[tuple[str, Any]]:
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return [(jax.tree_util.keystr(path, simple=True, separator="/") or "value", leaf) for path, leaf in flat]


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _kind(leaf: Any) -> str:
    # `str` of a key dtype is "key<fry>", a short form that is not the name of the implementation.
    return str(leaf.dtype) if _is_key(leaf) else np.dtype(leaf.dtype).name


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that an array of this type has in a file."""
    return dtype if dtype.isbuiltin == 1 else np.dtype(f"u{dtype.itemsize}")


def _restore(array: npt.NDArray[Any], kind: str) -> Any:
    """The leaf that was saved as this array; TypeError or ValueError where the kind is not one of it."""
    if match := re.fullmatch(r"key<(\w+)>", kind):
        if array.dtype != np.uint32:
            raise TypeError("key data are uint32")
        return jax.random.wrap_key_data(jnp.asarray(array), impl=match[1])
    dtype = np.dtype(kind if re.fullmatch(r"[a-z][a-z0-9_]*", kind) else "no such type")
    if array.dtype != _stored(dtype):
        raise TypeError("another type of array")
    return array.view(dtype)


def _digest(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name}|{array.dtype.name}|{array.shape}|".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
