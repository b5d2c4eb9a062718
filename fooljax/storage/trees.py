"""Pytrees of arrays in `.npz` files, without pickle.

A tree file stores each leaf under its tree path, typed PRNG keys as their key data, and a JSON header with
the schema version, each leaf's dtype and a SHA-256 of all content.
"""

import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import ml_dtypes  # noqa: F401  (registers bfloat16 and friends as dtype names)
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.storage.files import write_bytes
from fooljax.storage.json_files import parse_json
from fooljax.storage.npz import read_npz
from fooljax.storage.reading import name_of

SCHEMA = 1
"""Version of the layout of tree files."""
HEADER = "__header__"

Tree = TypeVar("Tree")


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

    Args:
      path: of the file.
    Returns:
      Arrays by name, kinds of leaf by name, and the facts of the header.
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


def digest_tree(tree: Any) -> str:
    """SHA-256 (hex) over names, dtypes, shapes and bytes of a pytree's leaves.

    Args:
      tree: any pytree of arrays.
    Returns:
      64 hexadecimal digits.
    """
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
