"""Finds photographs and their classes: a folder for each class, or those that installed packages bring."""

import importlib.util
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
OTHER_ENDINGS = (
    *(".tif", ".tiff", ".gif", ".jfif", ".jpe", ".jp2", ".jxl", ".avif", ".heic", ".heif", ".tga"),
    *(".pbm", ".pgm", ".pnm", ".ppm"),
)
"""Of images that are not read."""
NAMED = 3
"""Images of such types that a notice names; the others are counted."""
SAMPLES = (
    ("sklearn", "datasets/images", ("china.jpg", "flower.jpg")),
    ("skimage", "data", ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "motorcycle_left.png")),
)
"""Package, folder in it, and files."""

logger = logging.getLogger("fooljax")


def find_images(folder: Path, synsets: Sequence[str]) -> list[tuple[Path, int]]:
    """The images in the folders of a folder, with the index of their class, in a fixed order.

    A notice says so where the folders are numbered from 1, since classes count from 0, and where there are
    images of types that are not read.

    Args:
      folder: holds a folder for each class, named by its synset (n01440764) or its index (0). Or it holds no
        folders but the images themselves, each with a name that begins with its synset (n01440764_tench.jpg).
      synsets: of all classes.
    Returns:
      The path and the class of each image.
    Raises:
      InputError: there is no such folder, a folder in it is of no class, or there are no images.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "none"
        raise InputError(f"--imagefolder: expected a folder, found {what} at {name_of(folder)}")
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    numbers = {int(path.name) for path in inside if re.fullmatch(r"[0-9]{1,9}", path.name)}
    from_1 = len(numbers) == len(inside) > 1 and numbers == set(range(1, len(inside) + 1))
    if from_1 and len(inside) == len(synsets):
        raise InputError(
            f"--imagefolder: expected folders 0 to {len(synsets) - 1}, found 1 to {len(synsets)}; "
            "rename them, each one less"
        )
    if from_1:
        logger.warning(
            "--imagefolder: the folders are numbered 1 to %d, and 0 is the first class; if 1 was meant to "
            "be the "
            "first, each image is compared with the class after its own",
            len(inside),
        )
    places = {name: index for index, name in enumerate(synsets)}
    tell_other_types("--imagefolder", inside or [folder])
    found = [] if inside else _loose(folder, places)
    for inner in inside:
        is_number = re.fullmatch(r"[0-9]{1,9}", inner.name)
        index = places.get(inner.name, int(inner.name) if is_number else -1)
        if not 0 <= index < len(synsets):
            raise InputError(
                f"--imagefolder: expected folders named as n01440764 or 0, found {shown(inner.name)}"
            )
        found += [(path, index) for path in sorted(inner.iterdir()) if path.suffix.lower() in ENDINGS]
    if not found:
        raise InputError(f"--imagefolder: expected images in folders of classes, found none in {folder}")
    return found


def tell_other_types(argument: str, folders: Sequence[Path]) -> None:
    """Counts the images in some folders whose type is not read, in one notice that names a few.

    Args:
      argument: the setting that names the images.
      folders: that hold them.
    """
    inside = (path for folder in folders for path in folder.iterdir() if not path.name.startswith("."))
    if others := sorted(path for path in inside if path.suffix.lower() in OTHER_ENDINGS):
        names = ", ".join(name_of(path) for path in others[:NAMED])
        more = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
        read = ", ".join(ENDINGS)
        logger.warning(
            "%s: images passed over, since only %s are read: %d (%s%s)",
            argument,
            read,
            len(others),
            names,
            more,
        )


def _loose(folder: Path, places: Mapping[str, int]) -> list[tuple[Path, int]]:
    """The images in the folder itself whose names begin with a synset."""
    return [
        (path, places[synset])
        for path in sorted(folder.iterdir())
        if (synset := path.name.partition("_")[0]) in places and path.suffix.lower() in ENDINGS
    ]


def sample_photographs() -> list[Path]:
    """Photographs that installed packages bring."""
    found = []
    for package, inside, names in SAMPLES:
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            found += [path for name in names if (path := Path(spec.origin).parent / inside / name).exists()]
    return found
