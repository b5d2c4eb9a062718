"""Files that are whole or absent: atomic writes, and pytrees in `.npz` without pickle.

A tree file stores each leaf under its tree path, typed PRNG keys as their key data, and a JSON header with
the schema version, each leaf's dtype and a SHA-256 of all content. Every file is written to a temporary name
in the same folder, synced and renamed.
"""

import hashlib
import io
import json
import logging
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import ml_dtypes  # noqa: F401  (registers bfloat16 and friends as dtype names)
import numpy as np
import numpy.typing as npt

from fooljax.errors import FaultError, InputError

SCHEMA = 1
"""Version of the layout of tree files."""
HEADER = "__header__"
KEPT_CHECKPOINTS = 2

Tree = TypeVar("Tree")
logger = logging.getLogger("fooljax")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file so that it is, at any moment, the old one or the new one.

    Raises:
      FaultError: the disk is full or read-only, or the folder is missing.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FaultError(f"cannot write {path}: {error.strerror or error}") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON atomically, indented, with a newline at the end; NaN and infinities are refused."""
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
      InputError: the file is missing, damaged or not an object.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(content).__name__}")
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
            arrays[name] = array if array.dtype.isbuiltin == 1 else array.view(f"u{array.dtype.itemsize}")
    facts = {"schema": SCHEMA, "leaves": kinds, "sha256": _digest(arrays), "facts": dict(header or {})}
    stream = io.BytesIO()
    header_array = np.frombuffer(json.dumps(facts, sort_keys=True).encode(), np.uint8)
    np.savez(stream, **{HEADER: header_array}, **arrays)  # type: ignore[arg-type]
    write_bytes(path, stream.getvalue())


def load_arrays(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str], dict[str, Any]]:
    """Reads a tree file as arrays by name, kinds of leaf by name, and the header's facts.

    Raises:
      InputError: the file is missing, damaged, or of another schema.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(file[HEADER].tobytes())
            arrays = {name: file[name] for name in file.files if name != HEADER}
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise InputError(f"{path}: damaged, or not a fooljax file ({_one_line(error)})") from error
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        found = facts.get("schema") if isinstance(facts, dict) else facts
        raise InputError(f"{path}: expected file schema {SCHEMA}, found {found}")
    if set(facts["leaves"]) != set(arrays) or _digest(arrays) != facts["sha256"]:
        raise InputError(f"{path}: damaged (the content does not match its checksum)")
    return arrays, facts["leaves"], facts["facts"]


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


def _restore(array: npt.NDArray[Any], kind: str) -> Any:
    if match := re.fullmatch(r"key<(\w+)>", kind):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=match[1])
    dtype = np.dtype(kind)
    return array if array.dtype == dtype else array.view(dtype)


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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
