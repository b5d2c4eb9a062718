"""Many small pictures as one image, so that a thousand of them cost a browser as much as one."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from fooljax.errors import InputError, shown
from fooljax.report.pictures import Picture, link, picture

THUMBNAIL = 96
"""Pixels of a thumbnail's side, shown at that size."""
COLUMNS = 32
QUALITY = 80


def thumbnail(folder: Path, name: str, side: int = 112) -> Picture:
    """A picture inside the page: the file's own pixels, enlarged in whole steps, or a smaller one.

    Args:
      folder: of the page.
      name: of a PNG file, relative to it.
      side: CSS pixels of the longer side, about.
    Raises:
      InputError: as `sheet`.
    """
    image = _opened(folder, name)
    longest = max(image.size)
    if longest <= side:
        return picture((folder / name).read_bytes(), name, side // longest)
    # Twice the pixels, for dense screens.
    shown = tuple(max(1, round(length * side / longest)) for length in image.size)
    image.thumbnail((2 * side, 2 * side), Image.Resampling.LANCZOS)
    return Picture(_jpeg(image), *shown)


def sheet(folder: Path, files: Sequence[str]) -> str:
    """All thumbnails side by side, as a data address; the files are read one by one.

    Args:
      folder: of the page.
      files: PNG files of any size, relative to it; "" leaves a place empty.
    Raises:
      InputError: a file name is not a relative path below the page, or the file no image.
    """
    rows = -(-len(files) // COLUMNS)
    drawn = Image.new("RGB", (COLUMNS * THUMBNAIL, rows * THUMBNAIL), "white")
    for place, name in enumerate(files):
        if not name:
            continue
        image = _opened(folder, name)
        smaller = max(image.size) > THUMBNAIL
        how = Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST
        image = image.resize((THUMBNAIL, THUMBNAIL), how)
        drawn.paste(image, (place % COLUMNS * THUMBNAIL, place // COLUMNS * THUMBNAIL))
    return _jpeg(drawn)


def position(place: int) -> tuple[int, int]:
    """Where a thumbnail begins on the sheet, as CSS places a background: left and top, in pixels."""
    return -(place % COLUMNS) * THUMBNAIL, -(place // COLUMNS) * THUMBNAIL


def _opened(folder: Path, name: str) -> Image.Image:
    link(name)
    try:
        with Image.open(folder / name, formats=["PNG"]) as file:
            return file.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{folder / name}: expected a PNG file ({shown(error)})") from error


def _jpeg(image: Image.Image) -> str:
    """A picture as a data address."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
