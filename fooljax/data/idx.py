"""Reads folders in MNIST's own file format, IDX: images and labels, packed by gzip or not."""

import gzip
import hashlib
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.from_files import MAX_BYTES, name_after
from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of, open_regular, read_regular

DEFLATE_RATIO = 1032
"""Bytes that a packed byte can become. Source: zlib's technical notes."""
_CHUNK = 2**20

_FASHION_LABELS_SHA256 = "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"
"""Of Fashion-MNIST's 60,000 training labels alone, without the file's header."""
_FASHION_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def idx_folder(folder: Path) -> Dataset:
    """Reads `(train|t10k)-images-idx3-ubyte[.gz]` and the labels beside them.

    The classes are named by Fashion-MNIST's names if it is that, else by the lines of `class_names.txt` if
    there is one, else by their numbers.

    Raises:
      InputError: there is no such folder, a file is missing or damaged, or the files do not fit together.
    """
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
    name = name_after("idx", folder)
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
            if not 0 < size <= MAX_BYTES:
                raise InputError(f"{path}: expected 1 to {MAX_BYTES} bytes of data, got a header of {shape}")
            if size > os.fstat(raw.fileno()).st_size * (DEFLATE_RATIO if packed else 1):
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
