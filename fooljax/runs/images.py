"""Images in the folder of a run: which file is meant, and what is in it."""

from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of, open_regular


def inside(folder: Path, file: str, table: Path | None = None) -> Path:
    """The path of a file that a table of the folder names.

    Args:
      folder: of the run.
      file: as the table names it.
      table: which one, for the error.
    Raises:
      InputError: the name leads out of the folder.
    """
    path = PurePosixPath(file)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file or "\0" in file:
        raise InputError(
            f"{name_of(table or folder)}: expected the name of a file in the run's folder, found "
            f"{shown(repr(file))}"
        )
    return folder / path


def read_image(path: Path, image_shape: tuple[int, int, int] | None = None) -> npt.NDArray[np.uint8]:
    """The pixels of a PNG that a run saved, `[H, W, K]`.

    Args:
      path: of the file.
      image_shape: `(H, W, K)` that it must have; None for any.
    Raises:
      InputError: the file cannot be read, or its image is of another shape.
    """
    try:
        with open_regular(path) as file, Image.open(file, formats=["PNG"]) as image:
            pixels = np.asarray(image)
    except InputError:
        raise
    except UnidentifiedImageError as error:  # its words name an object of Python
        raise InputError(f"{name_of(path)}: expected a PNG file, found something else") from error
    except Exception as error:  # Pillow raises what it likes over a damaged file
        raise InputError(f"{name_of(path)}: expected a PNG file ({shown(error)})") from error
    if pixels.dtype != np.uint8:
        raise InputError(f"{name_of(path)}: expected 8 bits a channel, found {pixels.dtype}")
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if image_shape is not None and pixels.shape != image_shape:
        (height, width, channels), (rows, columns, bands) = image_shape, pixels.shape
        raise InputError(
            f"{name_of(path)}: expected {width} x {height} pixels in {channels} channels, found "
            f"{columns} x {rows} pixels in {bands}"
        )
    return pixels
