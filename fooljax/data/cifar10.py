"""Reads CIFAR-10 in the binary form in which its authors publish it. Source: Krizhevsky 2009.

Each image is a byte for its class and 3,072 for its pixels: the red, the green and the blue ones, row by row.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.from_files import naming
from fooljax.errors import InputError
from fooljax.storage.reading import name_of, read_regular

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
IMAGES = 10_000
"""In each of the six files."""
UNPACKED = ("cifar-10-batches-bin", "cifar-10-batches-py")
"""The folders that CIFAR-10's archives unpack to."""
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"


def cifar10_folder(folder: Path) -> Dataset:
    """Reads `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, 60,000 images of ten classes.

    Args:
      folder: holds the six files, or the folder with them that `cifar-10-binary.tar.gz` brings.
    Raises:
      InputError: there is no such folder, it holds another version of CIFAR-10, or a file is missing or
        damaged.
    """
    if not folder.is_dir():
        raise InputError(f"data: expected cifar10:DIR with an existing folder, got {name_of(folder)}")
    folder = next((folder / inner for inner in UNPACKED if (folder / inner).is_dir()), folder)
    missing = [name for name in (*TRAIN_FILES, TEST_FILE) if not (folder / name).exists()]
    if missing and (folder / "data_batch_1").exists():
        raise InputError(
            "data: expected CIFAR-10's binary version (cifar-10-binary.tar.gz), found the one for Python in "
            f"{name_of(folder)}; its files are pickles, which can run code, so they are not read"
        )
    if missing:
        raise InputError(f"data: expected {missing[0]} of CIFAR-10's binary version in {name_of(folder)}")
    batches = [_read(folder / name) for name in (*TRAIN_FILES, TEST_FILE)]
    images, labels = zip(*batches, strict=True)
    with naming(folder):
        return from_arrays(
            np.concatenate(images[:-1]),
            np.concatenate(labels[:-1]),
            images[-1],
            labels[-1],
            class_names=CLASS_NAMES,
            name="cifar10",
            source=f"CIFAR-10's binary files in {folder}.",
        )


def _read(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Images `[N, 32, 32, 3]` and labels `[N]`."""
    size = IMAGES * (1 + 3 * SIDE * SIDE)
    content = read_regular(path, size)
    if len(content) != size:
        raise InputError(f"{name_of(path)}: expected {size:,} bytes, {IMAGES:,} images, got {len(content):,}")
    records = np.frombuffer(content, np.uint8).reshape(IMAGES, -1)
    labels = records[:, 0]
    if labels.max() >= len(CLASS_NAMES):
        raise InputError(
            f"{name_of(path)}: expected classes from 0 to {len(CLASS_NAMES) - 1}, got {labels.max()}"
        )
    return records[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1), labels
