"""Figures: a gallery of evolved images, and the course of evolution.

Drawn with Matplotlib's object interface alone: no display, no global state, and equal inputs give equal
bytes. Confidence arrives as log-odds, ln p / (1 - p), since p itself is 1.0 in float32 long before a search
ends, and is written down by truncation, so that no label promises more than the network said.
"""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from PIL import Image

from fooljax.engine.log_odds import NO_VALUE, format_confidence
from fooljax.errors import InputError
from fooljax.report.canvas import (
    CHARACTER,
    DPI,
    GAP,
    INK,
    LINE,
    MIN_CELL,
    MIN_SHEET,
    TILE,
    Canvas,
    Line,
    cut,
    eight_bits,
    wrapped,
)
from fooljax.report.fonts import fit, label
from fooljax.report.style import own_style
from fooljax.storage.trees import write_bytes

MAX_IMAGES = 1000
"""Images that one gallery shows at most: some 40 megapixels."""
MAX_COLUMNS = 20
MAX_ROW_WIDTH = 4000

THRESHOLD = math.log(9999)
LEVELS = {
    "99.99 %": THRESHOLD,
    "50 %": 0.0,
    "99.9999 %": math.log(999999),
    "99 %": math.log(99),
    "90 %": math.log(9),
    "0.01 %": -THRESHOLD,
    "99.9 %": math.log(999),
    "99.999999 %": math.log(99999999),
    "10 %": -math.log(9),
    "1 %": -math.log(99),
    "0.0001 %": -math.log(999999),
}
"""Confidences that get a tick, by log-odds; the more important first, as crowded ticks are left out."""
CROWDED = 0.045
"""Ticks closer than this share of an axis would touch."""
MEDIAN_COLOUR, WORST_COLOUR, GREY = "#005b8f", "#b34700", "#8a8a8a"
SIZE_COLOURS = ("#00704a", "#7b3294", "#8c510a", "#222222")


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
    columns = [label(str(name), index) for index, name in enumerate(names)]
    default_rows = [f"run {run}" for run in range(runs)] if runs > 1 else [""]
    rows = default_rows if row_names is None else list(row_names)
    if len(columns) != classes or len(rows) != runs:
        raise InputError(
            f"names: expected {runs} rows and {classes} classes, got {len(rows)} and {len(columns)}"
        )
    scale = max(1, TILE // max(height, width)) if scale is None else scale
    if scale < 1:
        raise InputError(f"scale: expected 1 or more, got {scale}")
    filled = np.ones((runs, classes), bool) if odds is None else odds > -np.inf

    drawn_height, drawn_width = height * scale, width * scale
    cell_width = max(drawn_width, MIN_CELL) + GAP
    lines_below = (odds is not None) + max((len(cell) for row in below or () for cell in row), default=0)
    cell_height = drawn_height + GAP + LINE * lines_below
    widest = max(1, min(MAX_COLUMNS, MAX_ROW_WIDTH // cell_width))
    blocks = math.ceil(classes / widest)
    per_block = math.ceil(classes / blocks)
    margin = min(max(len(row) for row in rows), 24) * CHARACTER + GAP
    block_height = LINE + runs * cell_height + GAP
    sheet_width = max(margin + per_block * cell_width, MIN_SHEET if notes else 0)
    above = wrapped(notes, sheet_width - 2 * GAP)
    first_row = GAP + len(above) * LINE + GAP * bool(above)
    canvas = Canvas(first_row + blocks * block_height, sheet_width)
    for number, line in enumerate(above):
        canvas.text(GAP, GAP + number * LINE, line, ha="left", va="top")
    blank = np.full((height, width, 1), 255, np.uint8)
    for index, name in enumerate(columns):
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
                canvas.text(middle, y + drawn_height + 5, format_confidence(odds[run, index]), va="top")
            for number, (text, colour) in enumerate(below[run][index] if below else (), odds is not None):
                y_text = y + drawn_height + 5 + number * LINE
                canvas.text(middle, y_text, cut(text, cell_width), va="top", colour=colour)
    return canvas.finish()


@own_style()
def curves(
    metrics: Mapping[str, npt.ArrayLike], *, sizes: Sequence[str] = (), title: str | None = None
) -> Figure:
    """Draws the course of evolution: log-odds of the median and the worst class, replacements, sizes.

    Thin lines are runs, thick ones the median over runs. Where a value is not finite (no elite yet), its
    line has a gap.

    Args:
      metrics: by name, `[R, T + 1]` (or `[T + 1]` for one run): `median_log_odds`, `min_log_odds` and
        `replacements`, for generations 0 to T; and `generation`, `[T + 1]` (or `[R, T + 1]`). Others are
        ignored.
      sizes: names of metrics that count something in the genomes, as "cppn/hidden_nodes"; if there are any,
        they are drawn together below the rest and named by what follows the slash.
      title: above the figure; none by default.
    Raises:
      InputError: a metric is missing or its shape does not fit.
    """
    needed = ("generation", "median_log_odds", "min_log_odds", "replacements", *sizes)
    if missing := [name for name in needed if name not in metrics]:
        raise InputError(f"metrics: expected {', '.join(needed)}; missing {', '.join(missing)}")
    table = {name: np.atleast_2d(np.asarray(metrics[name], np.float64)) for name in needed}
    generation = table["generation"][0]
    median, worst, replaced = (table[name] for name in needed[1:4])
    expected = (len(median), len(generation))
    if any(table[name].shape != expected for name in needed[1:]) or median.size == 0:
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in table.items())
        raise InputError(f"metrics: expected [R, T + 1] each, got {shapes}")

    panels = 3 if sizes else 2
    figure = Figure(figsize=(9, 3.8 + 1.3 * panels), dpi=DPI, layout="constrained")
    upper, lower, *more = figure.subplots(panels, 1, sharex=True, height_ratios=(3, 1, 1)[:panels])
    if title is not None:
        fit(figure.suptitle(title, color=INK, fontsize=11))
    _lines(upper, generation, median, MEDIAN_COLOUR, "-")
    _lines(upper, generation, worst, WORST_COLOUR, "--")
    _fit(upper, np.concatenate([median, worst]))
    _label_line(upper, generation, median, "median class", MEDIAN_COLOUR, above=True)
    _label_line(upper, generation, worst, "worst class", WORST_COLOUR, above=False)
    upper.axhline(THRESHOLD, color=INK, lw=1, ls=":")
    upper.set_ylabel("log-odds of the class, ln p / (1 - p)")
    _confidence_axis(upper)

    # Generation 0 fills the empty cells, which says nothing about the search and would set the scale.
    window = max(1, len(generation) // 50)
    smooth = np.stack([_running_mean(run, window) for run in replaced[:, 1:]])
    _lines(lower, generation[1:], smooth, INK, "-")
    lower.set_ylim(bottom=0)
    lower.set_ylabel("replacements\nper generation")
    for axes in more:
        _draw_sizes(axes, generation, {name: table[name] for name in sizes})
    lowest = (more or [lower])[0]
    lowest.set_xlabel("generation" if window == 1 else f"generation (replacements: mean over {window})")
    for axes in (upper, lower, *more):
        axes.margins(x=0.01)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    return figure


@own_style()
def png_bytes(figure_or_array: Figure | npt.NDArray[Any]) -> bytes:
    """Encodes a figure or an image as PNG; equal inputs give equal bytes (no date, no version inside).

    Args:
      figure_or_array: a figure; or `[H, W, K]` or `[H, W]`, uint8 or floats in [0, 1], `K` 1 or 3, whose
        pixels are kept one by one.
    Raises:
      InputError: an array is not as above.
    """
    buffer = io.BytesIO()
    if isinstance(figure_or_array, Figure):
        # The canvas that makes pixels, whichever the user's own figures are shown on.
        canvas = FigureCanvasAgg(figure_or_array)
        canvas.print_figure(buffer, format="png", dpi=DPI, metadata={"Software": None})
        return buffer.getvalue()
    pixels = np.asarray(figure_or_array)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or pixels.size == 0:
        raise InputError(f"image: expected [H, W, K] with K 1 or 3, got {list(pixels.shape)}")
    pixels = eight_bits(pixels)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, format="png")
    return buffer.getvalue()


def save_png(figure_or_array: Figure | npt.NDArray[Any], path: Path | str) -> None:
    """Saves what `png_bytes` gives; at any moment the file is the old one or the new one.

    Raises:
      InputError: an array is not an image.
      FaultError: the file cannot be written.
    """
    write_bytes(Path(path), png_bytes(figure_or_array))


def _median(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.median(values, axis=0))


def _lines(
    axes: Axes, x: npt.NDArray[np.float64], values: npt.NDArray[np.float64], colour: str, style: str
) -> None:
    """Draws runs `[R, n]` thin and their median thick; one run is drawn thick alone."""
    for run in values if len(values) > 1 else []:
        axes.plot(x, np.where(np.isfinite(run), run, np.nan), color=colour, ls=style, lw=0.6, alpha=0.45)
    middle = _median(values)
    axes.plot(x, np.where(np.isfinite(middle), middle, np.nan), color=colour, ls=style, lw=2)


def _fit(axes: Axes, values: npt.NDArray[np.float64]) -> None:
    """Limits that hold all finite values, 50 % and 99.99 %, with room for the labels."""
    finite = np.append(values[np.isfinite(values)], [0.0, THRESHOLD])
    room = 0.08 * (finite.max() - finite.min())
    axes.set_ylim(finite.min() - room, finite.max() + room)


def _label_line(
    axes: Axes,
    x: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    text: str,
    colour: str,
    *,
    above: bool,
) -> None:
    """Names a line on the line itself, where rising lines leave room: its end above, its middle below."""
    place = len(x) - 1 if above else int(0.6 * (len(x) - 1))
    here = values[:, place][np.isfinite(values[:, place])]
    if not here.size:
        return
    axes.annotate(
        text,
        (x[place], here.max() if above else here.min()),
        xytext=(0, 4 if above else -4),
        textcoords="offset points",
        ha="right" if above else "left",
        va="bottom" if above else "top",
        color=colour,
        fontweight="bold",
        path_effects=[withStroke(linewidth=4, foreground="white")],
    )


def _draw_sizes(
    axes: Axes, generation: npt.NDArray[np.float64], sizes: Mapping[str, npt.NDArray[np.float64]]
) -> None:
    """Draws counts `[R, T + 1]` by metric name, on one axis from 0."""
    finite = np.concatenate([values[np.isfinite(values)] for values in sizes.values()])
    # Room for the legend above the highest line: lines of different sizes cross too often to be named.
    axes.set_ylim(0, max(1.0, 1.4 * float(finite.max(initial=0.0))))
    axes.set_ylabel("mean over\nthe elites")
    handles = []
    for index, (name, values) in enumerate(sizes.items()):
        colour, style = SIZE_COLOURS[index % len(SIZE_COLOURS)], "-" if index % 2 == 0 else "--"
        _lines(axes, generation, values, colour, style)
        handles.append(Line2D([], [], color=colour, ls=style, lw=2, label=size_label(name)))
    legend = axes.legend(handles=handles, loc="upper left", ncols=4, frameon=False, handlelength=3)
    for text in legend.get_texts():
        fit(text)


def size_label(metric: str) -> str:
    """What a metric counts: "hidden nodes" for "cppn/hidden_nodes"."""
    return metric.split("/", 1)[-1].replace("_", " ")


def _confidence_axis(axes: Axes) -> None:
    """Marks round confidences on the right, as many as fit."""
    low, high = axes.get_ylim()
    kept: dict[str, float] = {}
    for name, level in LEVELS.items():
        apart = all(abs(level - other) > CROWDED * (high - low) for other in kept.values())
        if low <= level <= high and apart:
            kept[name] = level
    right = axes.secondary_yaxis("right")
    right.set_yticks(list(kept.values()), list(kept))
    right.set_ylabel("confidence p")
    right.spines["right"].set_visible(False)
    for level in kept.values():
        axes.axhline(level, color=GREY, lw=0.4, alpha=0.6, zorder=0)


def _running_mean(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """The mean over `window` neighbours, fewer at both ends."""
    if not values.size:
        return values
    kernel = np.ones(min(window, len(values)))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")
