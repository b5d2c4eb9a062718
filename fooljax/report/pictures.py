"""Images inside a page, and links to the files beside it."""

import base64
import io
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from PIL import Image

from fooljax.errors import InputError
from fooljax.report.canvas import DENSITY


@dataclass(frozen=True)
class Picture:
    """An image inside the page.

    Attributes:
      source: its bytes, as an address.
      width, height: in CSS pixels.
    """

    source: str
    width: int
    height: int


def picture(png: bytes, name: str, scale: int = 1) -> Picture:
    """A PNG file with each pixel `scale` CSS pixels wide.

    Raises:
      InputError: the bytes are no PNG file; `name` names them.
    """
    width, height = png_size(png, name)
    return Picture("data:image/png;base64," + base64.b64encode(png).decode(), width * scale, height * scale)


def figure_picture(png: bytes, name: str) -> Picture:
    """A figure, which has more pixels than the page gives it, so that its text is sharp on dense screens.

    Raises:
      InputError: the bytes are no PNG file; `name` names them.
    """
    drawn = picture(png, name)
    return Picture(drawn.source, round(drawn.width / DENSITY), round(drawn.height / DENSITY))


def png_size(png: bytes, name: str) -> tuple[int, int]:
    """Width and height of a PNG file.

    Raises:
      InputError: the bytes are no PNG file; `name` names them.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            return image.size
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"{name}: expected the bytes of a PNG file, got {len(png)} bytes of something else"
        ) from error


def link(file_name: str) -> str:
    """The file's address, quoted, so that a name with a colon is no "javascript:" either.

    Raises:
      InputError: it is not a relative path below the page.
    """
    path = PurePosixPath(file_name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file_name:
        raise InputError(f"file_name: expected a relative path below the page, got {file_name!r}")
    return quote(file_name, errors="replace")
