"""Data sets of TensorFlow Datasets: its prepared copies, and the preparing of one that is asked for by name.

This is the one module that imports `tensorflow_datasets`, and it does so only to prepare a copy, which is
also the only work that uses the network.
"""

import contextlib
import importlib.util
import re
import socket
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.prepared_copies import find_copy, read_copy
from fooljax.errors import FaultError, InputError, shown

CONNECT_SECONDS = 5.0
"""TFDS itself tries for minutes where there is no network."""


def copy_of(name: str, root: Path) -> Dataset | None:
    """Reads the newest copy of a data set that TFDS prepared as array_record below a folder; None without
    one.

    Raises:
      InputError: there is a copy, but damaged, of another kind or in another format.
      FaultError: the package array_record is missing.
    """
    folder = find_copy(root, name)
    return None if folder is None else _dataset(folder, name)


def prepared(name: str, root: Path) -> Dataset:
    """Reads the copy of a data set below a folder; without one, TFDS prepares it, which needs the network.

    Raises:
      InputError: the name is none that TFDS knows, or the data is not labelled 8-bit images of one size.
      FaultError: a package or the network is missing, or the preparing failed.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise InputError(
            f"data: expected tfds:NAME with NAME of a-z, 0-9 and _, got {shown(repr('tfds:' + name))}"
        )
    return _dataset(find_copy(root, name) or _prepare(root, name), name)


def _dataset(folder: Path, name: str) -> Dataset:
    copy = read_copy(folder, name)
    return from_arrays(
        copy.images[0],
        copy.labels[0],
        copy.images[1],
        copy.labels[1],
        class_names=copy.class_names,
        name=f"{name}-tfds",
        source=f"{name} {folder.name}, the copy that TensorFlow Datasets prepared in {folder}.",
    )


def _check_features(name: str, features: Any) -> None:
    """InputError unless they are 8-bit images of one size, and classes; before anything is downloaded."""
    given = dict(features.items()) if hasattr(features, "items") else {}
    image: Any = given.get("image")
    label: Any = given.get("label")
    if type(image).__name__ != "Image" or type(label).__name__ != "ClassLabel":
        raise InputError(f"data: expected {name} to have an image and a label, got {shown(features)}")
    if None in image.shape or image.shape[-1] not in (1, 3) or image.np_dtype != np.uint8:
        raise InputError(
            f"data: expected {name} to have 8-bit images of one size with 1 or 3 channels, "
            f"got {image.shape} {np.dtype(image.np_dtype)}"
        )


def _prepare(root: Path, name: str) -> Path:
    """Has TFDS download `name` and write it under `root` as array_record; returns its folder."""
    if not _is_installed("tensorflow"):  # most datasets' code reads files through it
        raise FaultError(
            f"data: expected a copy of {name} in {root}, or tensorflow to prepare one, got neither"
        )
    tfds = _import_tfds()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is the caller's, and TFDS prints to it
            # Not `tfds.builder`, which for a name without code would read what stands in the folder.
            builder = tfds.builder_cls(name)(data_dir=str(root), file_format="array_record")
            _check_features(name, builder.info.features)
            if (url := next(iter(builder.url_infos), None)) and not _is_reachable(url):
                host = urllib.parse.urlsplit(url).hostname
                raise FaultError(f"data: expected to download {name} from {host}, got no connection")
            builder.download_and_prepare()
        return Path(builder.data_dir)
    except (InputError, FaultError):
        raise
    except tfds.core.DatasetNotFoundError as error:
        raise InputError(f"data: expected tfds:NAME with a dataset that TFDS knows, got {name!r}") from error
    except Exception as error:  # downloads, disks and each dataset's own code: too many kinds to list
        raise FaultError(f"data: expected TFDS to prepare {name} in {root}, got {_said(error)}") from error


def _import_tfds() -> Any:
    try:
        import tensorflow_datasets as tfds

        tfds.builder_from_directory  # noqa: B018 - TFDS logs and swallows its own import errors
    except (ImportError, AttributeError) as error:
        raise FaultError(f"data: expected the package tensorflow-datasets, got {_said(error)}") from error
    return tfds


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _is_reachable(url: str) -> bool:
    """Whether the host of `url`, or the proxy that leads there, accepts a connection within seconds."""
    target = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(target.scheme)
    if proxy and not urllib.request.proxy_bypass(target.hostname or ""):
        target = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    address = (target.hostname or "", target.port or (443 if target.scheme == "https" else 80))
    connected = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection(address, timeout=CONNECT_SECONDS).close()
        except OSError:
            return
        connected.set()

    # In a thread, because looking up a name has no timeout of its own.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return connected.is_set()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {shown(error)}"
