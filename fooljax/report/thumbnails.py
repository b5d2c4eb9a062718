"""Many small pictures as one image, so that a thousand of them cost a browser as much as one."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from fooljax.errors import InputError, shown
from fooljax.report.pictures import link

THUMBNAIL = 96
"""Pixels of a thumbnail's side, shown at that size."""
COLUMNS = 32
QUALITY = 80


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
        link(name)
        try:
            with Image.open(folder / name, formats=["PNG"]) as file:
                picture = file.convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{folder / name}: expected a PNG file ({shown(error)})") from error
        smaller = max(picture.size) > THUMBNAIL
        how = Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST
        picture = picture.resize((THUMBNAIL, THUMBNAIL), how)
        drawn.paste(picture, (place % COLUMNS * THUMBNAIL, place // COLUMNS * THUMBNAIL))
    stream = io.BytesIO()
    drawn.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def position(place: int) -> tuple[int, int]:
    """Where a thumbnail begins on the sheet, as CSS places a background: left and top, in pixels."""
    return -(place % COLUMNS) * THUMBNAIL, -(place // COLUMNS) * THUMBNAIL
