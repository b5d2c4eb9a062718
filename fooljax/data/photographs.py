"""Reads a photograph as people see it, whatever its file's form, and never more of it than the file holds."""

import contextlib
import io
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of, read_regular

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")
"""The kinds of file that are read, whatever the name of the file says."""
MAX_PIXELS = 2**26
MAX_BYTES = 2**29
"""Of a file: so much is taken by `MAX_PIXELS` pixels of four channels of 16 bits, uncompressed."""
SMALL = 2**22
PIXELS_PER_BYTE = 128
"""At most, of a photograph of more than `SMALL` pixels. The coarsest JPEG has some 50."""


class Packed(NamedTuple):
    """A photograph in memory, in the form of a file.

    Attributes:
      content: the bytes of the file.
      name: where it came from, for messages.
    """

    content: bytes
    name: str


def read_photograph(photograph: Path | Packed, side: int) -> npt.NDArray[np.uint8]:
    """A photograph as `[side, side, 3]`: its shorter side scaled to `side` (bicubic), its centre cut out.

    It lies in a file or in memory. It is read as a person sees it: turned as its EXIF data say, transparent
    parts on white, 16-bit grey scaled to 8 bits, the first picture of an animation.

    Raises:
      InputError: it is no image of a known kind, damaged, of more than 64 megapixels or more than a file of
        its size holds, so long that it would become so large when scaled, or of numbers without a known
        range.
    """
    # In memory: from a file, Pillow reads as many bytes as a header claims, in one piece.
    if isinstance(photograph, Packed):
        content, name = io.BytesIO(photograph.content), photograph.name
    else:
        content, name = io.BytesIO(read_regular(photograph, MAX_BYTES)), name_of(photograph)
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(content, formats=FORMATS) as image:
            _check_size(image.size, content.getbuffer().nbytes, side)
            picture = _in_colour(_upright(image))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except UnidentifiedImageError as error:  # its words name an object of Python
        raise InputError(f"{name}: expected an image, found something else") from error
    except Exception as error:  # Pillow's readers raise what they like over a damaged file
        raise InputError(
            f"{name}: expected an image, found something else ({type(error).__name__}: {shown(error)})"
        ) from error
    scale = side / min(picture.size)
    width, height = (max(side, round(length * scale)) for length in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def _check_size(size: tuple[int, int], file_size: int, side: int) -> None:
    """Before anything is unpacked: a header of some bytes may claim to be of any size."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise InputError(f"expected at most 64 megapixels, got {width} x {height}")
    if width * height > max(SMALL, PIXELS_PER_BYTE * file_size):
        raise InputError(f"expected a photograph, got {width} x {height} pixels in {file_size:,} bytes")
    if side * side * max(size) > MAX_PIXELS * min(size):
        raise InputError(f"expected sides that are nearer to each other, got {width} x {height}")


def _upright(image: Image.Image) -> Image.Image:
    with contextlib.suppress(Exception):  # damaged EXIF data leave an image as good as it was
        return ImageOps.exif_transpose(image)
    return image


def _in_colour(image: Image.Image) -> Image.Image:
    """In RGB, 8 bits."""
    if image.mode.startswith("I;16"):  # 16-bit grey, which Pillow itself would cut off at 255
        return Image.fromarray(np.rint(np.asarray(image) / np.float32(257.0)).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise InputError(f"expected 8 or 16 bits a channel, got numbers of mode {image.mode}")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return image.convert("RGB")
