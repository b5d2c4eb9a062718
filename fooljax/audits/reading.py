"""The user's clean images as `--images` names them: a folder of pictures, or other files with labels."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fooljax import data
from fooljax.audits.clean import LEAST, CleanParts, checked_images, of_arrays
from fooljax.data.image_folders import ENDINGS, tell_other_types
from fooljax.data.imagenet import NUM_CLASSES, synsets
from fooljax.data.labelled_photographs import read_labelled
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of

HELP = (
    "Clean images of the network's classes: a folder with a folder of pictures for each class, or with "
    "pictures alone where their classes are not known; or, as for --data of fooljax evolve, idx:DIR, "
    "npz:PATH, cifar10:DIR, folder:DIR, tfds, tfds:NAME, embedded or MODULE:NAME."
)
READ_BY_DATA = re.compile(r"(idx|npz|cifar10|folder|tfds):.|embedded$|tfds$|[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
MOST_BYTES = 2**30
"""Of all images together; of a larger folder, as many of each class are read as fit."""
GREY = np.array([0.299, 0.587, 0.114])
"""How bright red, green and blue are to people (ITU-R BT.601)."""


def read_images(spec: str, target: Target) -> CleanParts:
    """Reads clean images, at the size that the network takes.

    Args:
      spec: see `HELP`.
      target: the network, with its shape and class names.
    Raises:
      InputError: there are no such images, or they do not fit the network.
    """
    if not Path(spec).is_dir() and READ_BY_DATA.match(spec):
        found = data.load(spec, argument="images")
        parts = checked_images(found, None, target)
        _check_names(found.class_names, target)
        return parts
    return read_folder(Path(spec), target)


def _check_names(names: Sequence[str], target: Target) -> None:
    """Classes that bear the same names must stand in the same order."""
    own = list(target.class_names)
    if set(names) == set(own) and list(names) != own:
        raise InputError(
            "images: expected classes in the network's order, since their names are the same, got another "
            f"order: {shown(', '.join(names), 80)}"
        )


def read_folder(folder: Path, target: Target) -> CleanParts:
    """Reads a folder of pictures.

    The shorter side of each is scaled so that the network's image fits into it, and its middle is cut out.

    Args:
      folder: holds a folder for each class, named by the class, its number from 0 or, of ImageNet's, its
        synset; or pictures alone, whose classes are then not known.
      target: the network, with its shape and class names.
    Raises:
      InputError: there is no such folder, a folder in it is of no class, or no picture can be read.
    """
    if not folder.is_dir():
        found = "the file" if folder.exists() else "nothing at"
        hint = f"; say npz:{name_of(folder)}" if folder.suffix == ".npz" else ""
        raise InputError(
            "images: expected a folder of pictures, idx:DIR, npz:PATH, cifar10:DIR or embedded, found "
            f"{found} {name_of(folder)}{hint}"
        )
    shape = checked_shape(target.image_shape)
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    tell_other_types("images", inside or [folder])
    files = [(path, -1) for path in _pictures(folder)]
    if inside:
        labels = _labels([path.name for path in inside], target.class_names)
        files = [(path, label) for one, label in zip(inside, labels, strict=True) for path in _pictures(one)]
    if not files:
        raise InputError(f"images: expected pictures ({', '.join(ENDINGS)}), found none in {name_of(folder)}")
    images, known = _read(_as_many_as_fit(files, shape), shape)
    if len(images) < LEAST:
        raise InputError(f"images: expected {LEAST} clean images or more, found 1 in {name_of(folder)}")
    described = f"{len(images):,} pictures in {folder.name}"
    return of_arrays(images, known if inside else None, described)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.name[0] != ".")


def _labels(folders: Sequence[str], names: Sequence[str]) -> list[int]:
    """The class of each folder, by its name."""
    places = {name: index for index, name in enumerate(names)}
    if all(name in places for name in folders):
        if several := [name for name in folders if names.count(name) > 1]:
            raise InputError(
                "images: expected folders named by the network's classes, found "
                f"{shown(several[0], 60)}, the name of several; name the folders by their numbers from 0"
            )
        return [places[name] for name in folders]
    if all(re.fullmatch(r"[0-9]{1,9}", name) for name in folders):
        numbers = [int(name) for name in folders]
        if max(numbers) < len(names):
            return numbers
        raise InputError(
            f"images: expected folders 0 to {len(names) - 1}, the network's classes, found a folder "
            f"named {folders[numbers.index(max(numbers))]}"
        )
    if len(names) == NUM_CLASSES:
        places = {name: index for index, name in enumerate(synsets())}
    wrong = next((name for name in folders if name not in places), None)
    if wrong is None:
        return [places[name] for name in folders]
    raise InputError(
        f"images: expected folders named by the network's classes ({shown(', '.join(names[:5]), 80)}...) or "
        f"by their numbers from 0, found {shown(wrong, 60)}; --classes gives the names"
    )


def _as_many_as_fit(
    files: Sequence[tuple[Path, int]], shape: tuple[int, int, int]
) -> Sequence[tuple[Path, int]]:
    most = max(1, MOST_BYTES // int(np.prod(shape)))
    if len(files) <= most:
        return files
    return [files[place * len(files) // most] for place in range(most)]


def _read(
    files: Sequence[tuple[Path, int]], shape: tuple[int, int, int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Pictures as `[N, H, W, K]` and their classes; one that cannot be read is passed over."""
    height, width, channels = shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    images, labels = [], []
    for image, label in filter(None, read_labelled(files, side, argument="images")):
        middle = image[top : top + height, left : left + width]
        images.append(middle if channels == 3 else np.rint(middle @ GREY).astype(np.uint8)[..., None])
        labels.append(label)
    return np.stack(images), np.asarray(labels, np.int64)
