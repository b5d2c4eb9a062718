"""Reads labelled images from NumPy's files: a folder with `train.npz` and `test.npz`, or a single file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.from_files import name_after, naming
from fooljax.data.splitting import EVERY, split
from fooljax.errors import InputError, shown
from fooljax.storage.npz import Arrays, read_npz
from fooljax.storage.reading import name_of

EXPANSION = 16
"""Bytes that a byte of a file may unpack to. MNIST's digits are packed to a fifth."""
PLAIN = ("images", "labels")
KERAS = ("x_train", "y_train", "x_test", "y_test")
"""The arrays in the files that Keras downloads, as `mnist.npz`."""


def npz_data(path: Path) -> Dataset:
    """Reads the images and labels in NumPy's files.

    A file has `images` (`[N, H, W]` or `[N, H, W, K]` uint8, K 1 or 3), `labels` (`[N]` whole numbers from 0)
    and, where the classes have names, `class_names` (`[C]` text). A folder has two of them, `train.npz` and
    `test.npz`. A single file is split: of each class, every fifth image tests. A single file may also have
    the four arrays of Keras's `mnist.npz`: `x_train`, `y_train`, `x_test` and `y_test`.

    Args:
      path: of the folder or of the file.
    Raises:
      InputError: a file is missing or damaged, or the arrays do not fit together.
    """
    if not path.exists():
        raise InputError(f"data: expected npz:PATH with an existing file or folder, got {name_of(path)}")
    source = f"Arrays in {path}."
    if path.is_dir():
        train, test = (_read(path / f"{half}.npz") for half in ("train", "test"))
        parts = [*_named(path / "train.npz", train, PLAIN), *_named(path / "test.npz", test, PLAIN)]
        names = _class_names(path / "train.npz", train)
        names_of_test = _class_names(path / "test.npz", test)
        if names and names_of_test and names != names_of_test:
            raise InputError(f"{name_of(path)}: expected one list of class_names in both files, got two")
        names = names or names_of_test
    else:
        arrays = _read(path)
        names = _class_names(path, arrays)
        parts = _named(path, arrays, KERAS if KERAS[0] in arrays else PLAIN)
        if len(parts) == len(PLAIN):
            source = f"Arrays in {path}; of each class, every {EVERY}th image tests."
            with naming(path):
                parts = [*split(*parts)]
    with naming(path):
        return from_arrays(*parts, class_names=names, name=name_after("npz", path), source=source)


def _read(path: Path) -> Arrays:
    return read_npz(path, expansion=EXPANSION, text=True)


def _named(path: Path, arrays: Arrays, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    if missing := [name for name in names if name not in arrays]:
        raise InputError(
            f"{name_of(path)}: expected the arrays {' and '.join(names)}, found no {missing[0]} among "
            f"{shown(', '.join(arrays) or 'none')}"
        )
    return [arrays[name] for name in names]


def _class_names(path: Path, arrays: Arrays) -> tuple[str, ...] | None:
    names = arrays.get("class_names")
    if names is None:
        return None
    if names.ndim != 1 or names.dtype.kind != "U":
        raise InputError(
            f"{name_of(path)}: expected a row of text as class_names, got {names.dtype} {names.shape}"
        )
    return tuple(map(str, names))
