"""A strip of images with captions, in the order of reading: a line of ancestors."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.errors import InputError
from fooljax.report.canvas import GAP, LINE, MIN_CELL, MIN_SHEET, TILE, Canvas, cut, wrapped
from fooljax.report.style import own_style

MAX_STRIP = 200
"""Images that one strip shows at most."""
COLUMNS = 8


@own_style()
def strip(images: npt.ArrayLike, captions: Sequence[Sequence[str]], text: Sequence[str] = ()) -> Figure:
    """Draws images one after another, each with lines of text below, in rows of eight.

    Args:
      images: `[n, H, W, K]`, 1 to 200; uint8, or floats in [0, 1]; `K` 1 or 3. Every pixel becomes a square
        of exactly its colour.
      captions: lines for each image; cut where they are too long.
      text: paragraphs above the images.
    Returns:
      A figure of matplotlib.
    Raises:
      InputError: a shape or a range is not as above.
    """
    pixels = np.asarray(images)
    if pixels.ndim != 4 or pixels.shape[-1] not in (1, 3) or 0 in pixels.shape:
        raise InputError(f"images: expected [n, H, W, K] with K 1 or 3, got {list(pixels.shape)}")
    count, height, width = pixels.shape[:3]
    if count > MAX_STRIP:
        raise InputError(f"images: expected at most {MAX_STRIP} in a strip, got {count}")
    if len(captions) != count:
        raise InputError(f"captions: expected {count}, got {len(captions)}")
    scale = max(1, TILE // max(height, width))
    cell_width = max(width * scale, MIN_CELL) + GAP
    cell_height = height * scale + GAP + max(len(lines) for lines in captions) * LINE + GAP
    columns = min(count, COLUMNS)
    sheet_width = max(columns * cell_width, MIN_SHEET) + GAP
    above = wrapped(text, sheet_width)
    first_row = GAP + len(above) * LINE + GAP
    canvas = Canvas(first_row + -(-count // columns) * cell_height, sheet_width)
    for number, line in enumerate(above):
        canvas.text(GAP, GAP + number * LINE, line, ha="left", va="top")
    for index, lines in enumerate(captions):
        row, column = divmod(index, columns)
        top, left = first_row + row * cell_height, GAP + column * cell_width
        canvas.image(pixels[index], top, left, scale)
        for number, line in enumerate(lines):
            y = top + height * scale + 5 + number * LINE
            canvas.text(left, y, cut(line, cell_width), ha="left", va="top")
    return canvas.finish()
