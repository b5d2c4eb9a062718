"""Reads images of which each class has a folder, as torchvision's `ImageFolder` does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.from_files import MAX_BYTES, name_after, naming
from fooljax.data.image_folders import ENDINGS, tell_other_types
from fooljax.data.photographs import read_photograph
from fooljax.data.splitting import EVERY, split
from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of

SIDE = 32
"""Pixels of a side where nothing is said, as CIFAR-10's images have."""
MOST_SIDE = 1024
TESTS = ("test", "val")
"""Folders beside `train` whose images test; the first that there is counts."""


def folder_data(folder: Path, side: int = SIDE) -> Dataset:
    """Reads the images in the folders of a folder; the names of these, sorted, are the classes.

    Each image is scaled (bicubic) so that its shorter side has `side` pixels, and the square in its middle is
    cut out. The images have one channel if none of them has any colour, and three otherwise. Their order is
    that of the files' names, of which those that begin with a dot are passed over. If there are folders
    `train` and `test` (or `val`), the classes are in these, and they say which images test. Otherwise every
    fifth image of each class tests.

    Args:
      folder: holds a folder for each class, or `train` and `test` (or `val`), which do.
      side: height and width of the images, 1 to 1,024.
    Raises:
      InputError: there is no such folder, a class has no images, an image cannot be read, or all images
        together would take more than 2 GiB.
    """
    if not folder.is_dir():
        raise InputError(f"data: expected folder:DIR with an existing folder, got {name_of(folder)}")
    if not 1 <= side <= MOST_SIDE:
        raise InputError(f"data: expected images of 1 to {MOST_SIDE:,} pixels a side, got {shown(side)}")
    source = f"Images in {folder}, the middle of each scaled to {side} x {side}"
    tests = next((folder / name for name in TESTS if (folder / name).is_dir()), None)
    if tests and (folder / "train").is_dir():
        names = _classes(folder / "train")
        train, test = _files(folder / "train", names), _files(tests, names)
        images, labels = _read([*train, *test], side)
        parts = (images[: len(train)], labels[: len(train)], images[len(train) :], labels[len(train) :])
    else:
        names = _classes(folder)
        source += f"; of each class every {EVERY}th image tests"
        images, labels = _read(_files(folder, names), side)
        with naming(folder):
            parts = split(images, labels)
    with naming(folder):
        name = name_after("folder", folder)
        return from_arrays(*parts, class_names=names, name=name, source=f"{source}.")


def _classes(folder: Path) -> tuple[str, ...]:
    names = tuple(path.name for path in _visible(folder) if path.is_dir())
    if not names:
        raise InputError(f"{name_of(folder)}: expected a folder for each class, found none")
    return names


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, sorted; names that begin with a dot are those of programs, not of the user."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _files(folder: Path, names: Sequence[str]) -> list[tuple[Path, int]]:
    """The images of all classes and their labels."""
    found, classes = [], _classes(folder)
    tell_other_types("data", [folder / name for name in classes])
    for name in classes:
        if name not in names:
            raise InputError(f"{name_of(folder / name)}: expected a class of train, found another")
        files = [path for path in _visible(folder / name) if path.suffix.lower() in ENDINGS]
        if not files:
            raise InputError(
                f"{name_of(folder / name)}: expected images ({', '.join(ENDINGS)}) of a class, found none"
            )
        found += [(path, names.index(name)) for path in files]
    return found


def _read(
    files: Sequence[tuple[Path, int]], side: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Images `[N, side, side, K]` and labels `[N]`."""
    if len(files) * side * side * 3 > MAX_BYTES:
        raise InputError(
            f"data: expected at most {MAX_BYTES:,} bytes of images, got {len(files):,} of {side} x {side}"
        )
    images = np.empty((len(files), side, side, 3), np.uint8)
    for image, (path, _) in zip(images, files, strict=True):
        image[:] = read_photograph(path, side)
    grey = all(np.all(image == image[..., :1]) for image in images)
    return images[..., :1] if grey else images, np.array([label for _, label in files], np.int32)
