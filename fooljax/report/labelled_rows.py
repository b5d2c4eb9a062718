"""Images in rows, each row with its name above it: a few examples of each of several kinds."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.errors import InputError
from fooljax.report.canvas import GAP, LINE, MIN_SHEET, Canvas, cut
from fooljax.report.style import own_style

TILE = 112
"""Pixels of an image's longer side."""


@own_style()
def labelled_rows(kinds: Mapping[str, npt.NDArray[np.uint8]]) -> Figure:
    """Draws a row of images for each kind.

    Args:
      kinds: by its name the images of a kind, `[n, H, W, K]` uint8 with K 1 or 3, all of one size.
    Returns:
      A figure of matplotlib. Every pixel is a square of exactly its colour.
    Raises:
      InputError: there are none, or they are not of one size.
    """
    shapes = {images.shape[1:] for images in kinds.values()}
    if len(shapes) != 1 or not all(map(len, kinds.values())):
        raise InputError(f"kinds: expected images of one size in each, got sizes {sorted(shapes)}")
    ((height, width, _),) = shapes
    scale = max(1, TILE // max(height, width))
    cell, line = width * scale + GAP, LINE + height * scale + GAP
    sheet = max(max(map(len, kinds.values())) * cell, MIN_SHEET) + GAP
    canvas = Canvas(GAP + len(kinds) * line, sheet)
    for row, (name, images) in enumerate(kinds.items()):
        top = GAP + row * line
        canvas.text(GAP, top, cut(name, sheet), ha="left", va="top")
        for column, image in enumerate(images):
            canvas.image(image, top + LINE, GAP + column * cell, scale)
    return canvas.finish()
