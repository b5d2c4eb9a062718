"""A grid of evolved images with their confidences, as figure 4 of Nguyen et al. 2015 has it.

Drawn with Matplotlib's object interface alone: it needs no display and no global state, and equal inputs give
equal bytes. Confidence arrives as log-odds, ln p / (1 - p), and its digits are cut, so that no label promises
more than the network said.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.engine.log_odds import NO_VALUE, format_confidence
from fooljax.errors import InputError
from fooljax.report.canvas import CHARACTER, GAP, LINE, MIN_CELL, MIN_SHEET, TILE, Canvas, Line, cut, wrapped
from fooljax.report.fonts import label
from fooljax.report.style import own_style

MAX_IMAGES = 1000
"""Images that one gallery shows at most: some 40 megapixels."""
MAX_COLUMNS = 20
MAX_ROW_WIDTH = 2100
"""Pixels of a row of images, at most: a page has room for half as many CSS pixels."""


@own_style()
def gallery(
    images: npt.ArrayLike,
    log_odds: npt.ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    *,
    row_names: Sequence[str] | None = None,
    scale: int | None = None,
    below: Sequence[Sequence[Sequence[Line]]] | None = None,
    notes: Sequence[str] = (),
    written: Callable[[float], str] = format_confidence,
) -> Figure:
    """Draws evolved images as a grid: one row per run, one column per class, confidences below.

    The layout is figure 4 of Nguyen et al. 2015. Every image pixel becomes `scale` x `scale` pixels of
    exactly its colour. Many classes wrap into blocks of at most 20 columns.

    Args:
      images: `[R, C, H, W, K]`, or `[C, H, W, K]` for one run; uint8, or floats in [0, 1]; `K` 1 or 3.
      log_odds: `[R, C]` (or `[C]`), natural log-odds of each image's class. NaN, -inf and None mark empty
        cells, drawn as a dash whatever their image. Without it there are no empty cells and no confidences.
      class_names: `C` names above the columns; the class indices by default.
      row_names: `R` names left of the rows; "run 0", "run 1", ... by default, none for a single run.
      scale: pixels per image pixel, 1 or more; by default the longer side takes about 170 pixels.
      below: by run and class, more lines below the images; cut where they are too long.
      notes: paragraphs above the grid.
      written: how a value of `log_odds` is written below its image.
    Returns:
      A figure of matplotlib.
    Raises:
      InputError: a shape, a range or the number of images (at most 1,000) is not as above.
    """
    pixels = np.asarray(images)
    pixels = pixels[None] if pixels.ndim == 4 else pixels
    if pixels.ndim != 5 or pixels.shape[-1] not in (1, 3) or 0 in pixels.shape:
        raise InputError(f"images: expected [R, C, H, W, K] with K 1 or 3, got {list(np.shape(images))}")
    runs, classes, height, width = pixels.shape[:4]
    if runs * classes > MAX_IMAGES:
        raise InputError(f"images: expected at most {MAX_IMAGES} in a gallery, got {runs * classes}")
    odds = None if log_odds is None else np.atleast_2d(np.asarray(log_odds, np.float64))
    if odds is not None and odds.shape != (runs, classes):
        raise InputError(f"log_odds: expected [{runs}, {classes}], got {list(odds.shape)}")
    names = range(classes) if class_names is None else class_names
    labels = [label(str(name), index) for index, name in enumerate(names)]
    default_rows = [f"run {run}" for run in range(runs)] if runs > 1 else [""]
    rows = default_rows if row_names is None else list(row_names)
    if len(labels) != classes or len(rows) != runs:
        raise InputError(
            f"names: expected {runs} rows and {classes} classes, got {len(rows)} and {len(labels)}"
        )
    scale = _default_scale(height, width) if scale is None else scale
    if scale < 1:
        raise InputError(f"scale: expected 1 or more, got {scale}")
    filled = np.ones((runs, classes), bool) if odds is None else odds > -np.inf

    drawn_height, drawn_width = height * scale, width * scale
    cell_width = _cell_width(drawn_width)
    lines_below = (odds is not None) + max((len(cell) for row in below or () for cell in row), default=0)
    cell_height = drawn_height + GAP + LINE * lines_below
    per_block = _per_block(classes, cell_width)
    blocks = math.ceil(classes / per_block)
    margin = min(max(len(row) for row in rows), 34) * CHARACTER + GAP
    block_height = LINE + runs * cell_height + GAP
    sheet_width = max(margin + per_block * cell_width, MIN_SHEET if notes else 0)
    above = wrapped(notes, sheet_width - 2 * GAP)
    first_row = GAP + len(above) * LINE + GAP * bool(above)
    canvas = Canvas(first_row + blocks * block_height, sheet_width)
    for number, line in enumerate(above):
        canvas.text(GAP, GAP + number * LINE, line, ha="left", va="top")
    blank = np.full((height, width, 1), 255, np.uint8)
    for index, name in enumerate(labels):
        block, column = divmod(index, per_block)
        left = margin + column * cell_width + (cell_width - GAP - drawn_width) // 2
        middle = left + drawn_width / 2
        top = first_row + block * block_height + LINE
        canvas.text(middle, top - 8, cut(name, cell_width), va="bottom", weight="bold")
        for run, row in enumerate(rows):
            y = top + run * cell_height
            if row and column == 0:
                canvas.text(margin - GAP, y + drawn_height / 2, cut(row, margin), ha="right", va="center")
            canvas.image(pixels[run, index] if filled[run, index] else blank, y, left, scale)
            if not filled[run, index]:
                canvas.text(middle, y + drawn_height / 2, NO_VALUE, va="center")
            elif odds is not None:
                canvas.text(middle, y + drawn_height + 5, written(odds[run, index]), va="top")
            for number, (text, colour) in enumerate(below[run][index] if below else (), odds is not None):
                y_text = y + drawn_height + 5 + number * LINE
                canvas.text(middle, y_text, cut(text, cell_width), va="top", colour=colour)
    return canvas.finish()


def columns(classes: int, image_shape: tuple[int, int, int]) -> int:
    """How many classes a gallery shows side by side; the others stand in blocks below them.

    Args:
      classes: in the gallery.
      image_shape: `(H, W, K)` of its images.
    """
    height, width, _ = image_shape
    return _per_block(classes, _cell_width(width * _default_scale(height, width)))


def _default_scale(height: int, width: int) -> int:
    return max(1, TILE // max(height, width))


def _cell_width(drawn_width: int) -> int:
    return max(drawn_width, MIN_CELL) + GAP


def _per_block(classes: int, cell_width: int) -> int:
    widest = max(1, min(MAX_COLUMNS, MAX_ROW_WIDTH // cell_width))
    return math.ceil(classes / math.ceil(classes / widest))
