"""Heat maps of shares: matrices side by side, each cell with its number."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooljax.report.fonts import fit
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style
from fooljax.study import numbers

COLUMNS = 2
"""Matrices in one line of the figure."""
CELL = 0.62
"""Inches of a cell's side."""
TICKS = range(0, 101, 20)
"""Percent, on the bar of colours."""
LOW = 4
"""Rows in all from which on the bar of colours has room beside the matrices; else it lies below them."""


@own_style()
def heat_maps(
    panels: Mapping[str, npt.NDArray[np.float64]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    down: str,
    across: str,
    value: str,
) -> bytes:
    """A PNG of matrices of shares, each without the rows that it has no share in.

    Args:
      panels: by title, `[rows, columns]` shares in [0, 1]; NaN where there is none.
      rows: names of the rows, from the top.
      columns: names of the columns.
      down: what the rows are.
      across: what the columns are.
      value: what the shares are of, for the bar of colours.
    Returns:
      The content of a PNG file.
    """
    beside = min(len(panels), COLUMNS)
    there = [np.flatnonzero(np.isfinite(shares).any(axis=1)).tolist() for shares in panels.values()]
    lines = [there[first : first + beside] for first in range(0, len(there), beside)]
    heights = [max(map(len, line)) for line in lines]  # of equal cells, whatever one of them lacks
    size = (
        2.2 + beside * (1.3 + CELL * len(columns)),
        0.9 + sum(1.7 + CELL * height for height in heights),
    )
    figure = Figure(figsize=size, layout="compressed")
    every = figure.subplots(len(heights), beside, squeeze=False, height_ratios=heights)
    drawn = None
    for place, (axes, kept, (title, of_all)) in enumerate(
        zip(every.flat, there, panels.items(), strict=False)
    ):
        shares, height = of_all[kept], heights[place // beside]
        drawn = axes.imshow(shares, vmin=0.0, vmax=1.0, cmap="viridis")
        _end_at(axes, len(kept), height)
        fit(axes.set_title(title, fontsize=10))
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(kept)), [rows[row] for row in kept])
        axes.set_xlabel(across, fontsize=9)
        axes.set_ylabel(down, fontsize=9, y=1.0 - len(kept) / (2.0 * height))
        for (row, column), share in np.ndenumerate(shares):
            if np.isfinite(share):
                colour = "white" if share < 0.6 else "black"
                text = numbers.percent(share, 0).removesuffix(" %")
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    for axes in every.flat[len(panels) :]:
        axes.set_axis_off()
    if drawn is not None:
        side = "right" if sum(heights) >= LOW else "bottom"
        bar = figure.colorbar(drawn, ax=every, shrink=0.6, aspect=30, location=side)
        bar.set_ticks([tick / 100.0 for tick in TICKS], labels=[f"{tick} %" for tick in TICKS])
        bar.set_label(value)
    return png_bytes(figure, trimmed=True)


def _end_at(axes: Axes, rows: int, height: int) -> None:
    """Frames the first rows of an axes that has room for more, with what stands below it close to them."""
    axes.set_ylim(height - 0.5, -0.5)
    axes.spines["bottom"].set_position(("data", rows - 0.5))
    for side in ("left", "right"):
        axes.spines[side].set_bounds(-0.5, rows - 0.5)
