"""Figures: a gallery of evolved images, and the course of evolution.

Drawn with Matplotlib's object interface alone: no display, no global state, and equal inputs give equal
bytes. Confidence arrives as log-odds, ln p / (1 - p), since p itself is 1.0 in float32 long before a search
ends, and is written down by truncation, so that no label promises more than the network said.
"""

import io
import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from fooljax.errors import InputError
from fooljax.storage import write_bytes

DENSITY = 2
"""Pixels of a figure per CSS pixel, so that its text is sharp on dense screens."""
DPI = 100 * DENSITY
NO_VALUE = "\N{EN DASH}"
"""Stands for an empty cell."""

MAX_IMAGES = 1000
"""Images that one gallery shows at most: some 40 megapixels."""
MAX_COLUMNS = 20
MAX_ROW_WIDTH = 4000
TILE = 168
"""Pixels of an image's longer side where no scale is given."""
MIN_CELL = 156
"""Narrowest cell in pixels: the longest confidence fits below an image."""
GAP = 14
LINE = 32
"""Pixels of a line of text."""
CHARACTER = 15
"""Pixels of an average character; names that are longer than their place are cut."""
FONT = 8
FRAME = 138
"""Grey level of the line around an image."""

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
MEDIAN_COLOUR, WORST_COLOUR, INK, GREY = "#005b8f", "#b34700", "#222222", "#8a8a8a"


def format_confidence(log_odds: float | None) -> str:
    """Writes a confidence so that it is never more than the truth.

    Digits are cut, not rounded: 0.99989 is "99.98 %" and 0.9999 "99.99 %". Above, only whole nines count:
    "99.999 %", then "≥ 99.9999 %", beyond which float32 networks tell little.

    Args:
      log_odds: natural log-odds, any float; None, NaN and -inf stand for an empty cell.
    Returns:
      The percentage, or "–" for an empty cell.
    """
    if log_odds is None or not log_odds > -math.inf:
        return NO_VALUE
    if log_odds < -50:
        return "< 0.01 %"
    with localcontext() as context:
        # Floats would put some values on the wrong side of a digit; so many digits tell all floats apart.
        context.prec = 400
        percent = 100 / (1 + (-Decimal(min(float(log_odds), 50.0))).exp())
    if percent < Decimal("0.01"):
        return "< 0.01 %"
    if percent >= Decimal("99.9999"):
        return "≥ 99.9999 %"
    if percent >= Decimal("99.999"):
        return "99.999 %"
    return f"{percent.quantize(Decimal('0.01'), ROUND_DOWN)} %"


def gallery(
    images: npt.ArrayLike,
    log_odds: npt.ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    *,
    row_names: Sequence[str] | None = None,
    scale: int | None = None,
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
    columns = [str(index) for index in range(classes)] if class_names is None else list(class_names)
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
    cell_height = drawn_height + GAP + (LINE if odds is not None else 0)
    widest = max(1, min(MAX_COLUMNS, MAX_ROW_WIDTH // cell_width))
    blocks = math.ceil(classes / widest)
    per_block = math.ceil(classes / blocks)
    margin = min(max(len(row) for row in rows), 24) * CHARACTER + GAP
    block_height = LINE + runs * cell_height + GAP
    paper = np.full((GAP + blocks * block_height, margin + per_block * cell_width, 3), 255, np.uint8)
    figure = Figure(figsize=(paper.shape[1] / DPI, paper.shape[0] / DPI), dpi=DPI)
    for index, name in enumerate(columns):
        block, column = divmod(index, per_block)
        left = margin + column * cell_width + (cell_width - GAP - drawn_width) // 2
        right, middle = left + drawn_width, left + drawn_width / 2
        top = GAP + block * block_height + LINE
        _text(figure, middle, top - 8, _cut(name, cell_width), va="bottom", weight="bold")
        for run, row in enumerate(rows):
            y, bottom = top + run * cell_height, top + run * cell_height + drawn_height
            if row and column == 0:
                _text(figure, margin - GAP, y + drawn_height / 2, _cut(row, margin), ha="right", va="center")
            # A frame around, not over, the image: white images need an edge.
            paper[y - 1 : bottom + 1, left - 1 : right + 1] = FRAME
            if not filled[run, index]:
                paper[y:bottom, left:right] = 255
                _text(figure, middle, y + drawn_height / 2, NO_VALUE, va="center")
                continue
            tile = _eight_bits(pixels[run, index])
            paper[y:bottom, left:right] = tile.repeat(scale, axis=0).repeat(scale, axis=1)
            if odds is not None:
                _text(figure, middle, bottom + 5, format_confidence(odds[run, index]), va="top")
    figure.add_artist(_Paper(paper))
    return figure


def curves(metrics: Mapping[str, npt.ArrayLike], *, title: str | None = None) -> Figure:
    """Draws the course of evolution: log-odds of the median and the worst class, and replacements.

    Thin lines are runs, thick ones the median over runs. Where a value is not finite (no elite yet), its
    line has a gap.

    Args:
      metrics: by name, `[R, T + 1]` (or `[T + 1]` for one run): `median_log_odds`, `min_log_odds` and
        `replacements`, for generations 0 to T; and `generation`, `[T + 1]` (or `[R, T + 1]`). Others are
        ignored.
      title: above the figure; none by default.
    Raises:
      InputError: a metric is missing or its shape does not fit.
    """
    needed = ("generation", "median_log_odds", "min_log_odds", "replacements")
    if missing := [name for name in needed if name not in metrics]:
        raise InputError(f"metrics: expected {', '.join(needed)}; missing {', '.join(missing)}")
    table = {name: np.atleast_2d(np.asarray(metrics[name], np.float64)) for name in needed}
    generation = table["generation"][0]
    median, worst, replaced = (table[name] for name in needed[1:])
    if (
        not median.shape == worst.shape == replaced.shape == (len(median), len(generation))
        or median.size == 0
    ):
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in table.items())
        raise InputError(f"metrics: expected [R, T + 1] each, got {shapes}")

    figure = Figure(figsize=(9, 6.4), dpi=DPI, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    if title is not None:
        figure.suptitle(title, parse_math=False, color=INK, fontsize=11)
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
    lower.set_xlabel("generation" if window == 1 else f"generation (replacements: mean over {window})")
    for axes in (upper, lower):
        axes.margins(x=0.01)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    return figure


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
        figure_or_array.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        return buffer.getvalue()
    pixels = np.asarray(figure_or_array)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or pixels.size == 0:
        raise InputError(f"image: expected [H, W, K] with K 1 or 3, got {list(pixels.shape)}")
    pixels = _eight_bits(pixels)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, format="png")
    return buffer.getvalue()


def save_png(figure_or_array: Figure | npt.NDArray[Any], path: Path | str) -> None:
    """Saves what `png_bytes` gives; at any moment the file is the old one or the new one.

    Raises:
      InputError: an array is not an image.
      FaultError: the file cannot be written.
    """
    write_bytes(Path(path), png_bytes(figure_or_array))


def _eight_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """uint8 as it is; floats in [0, 1] to the nearest of 256 levels."""
    if pixels.dtype == np.uint8:
        return pixels
    if not np.issubdtype(pixels.dtype, np.floating) or not np.all((pixels >= 0) & (pixels <= 1)):
        raise InputError(f"images: expected uint8, or floats in [0, 1], got {pixels.dtype} outside of it")
    return np.round(pixels.astype(np.float64) * 255).astype(np.uint8)


class _Paper(Artist):
    """Pixels `[H, W, 3]` behind everything else, copied one by one.

    Matplotlib's own images are resampled even at one pixel per pixel, in float64: 5 GB for 1,000 tiles.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        super().__init__()
        self.set_zorder(-1)
        # Renderers count rows from the bottom, and want opacity.
        self._pixels = np.pad(pixels[::-1], ((0, 0), (0, 0), (0, 1)), constant_values=255)

    def draw(self, renderer: RendererBase) -> None:
        renderer.draw_image(renderer.new_gc(), 0, 0, self._pixels)


def _text(
    figure: Figure, x: float, y: float, text: str, *, va: str, ha: str = "center", weight: str = "normal"
) -> None:
    """Writes at pixels from the top left. Names are text, never formulas: "$" is drawn as it is."""
    width, height = figure.get_size_inches() * DPI
    style: dict[str, Any] = {"fontsize": FONT, "fontweight": weight, "color": INK, "parse_math": False}
    figure.text(x / width, 1 - y / height, text, ha=ha, va=va, **style)


def _cut(name: str, width: int) -> str:
    """A name on one line, cut with an ellipsis where it would leave its place."""
    name = " ".join(name.split())
    fitting = max(1, width // CHARACTER)
    return name if len(name) <= fitting else name[: fitting - 1].rstrip() + "…"


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
