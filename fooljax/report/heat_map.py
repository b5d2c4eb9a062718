"""Heat maps of shares: matrices side by side, each cell with its number."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.report.fonts import fit
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style

COLUMNS = 2
"""Matrices in one line of the figure."""
CELL = 0.62
"""Inches of a cell's side."""


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
    """A PNG of matrices of shares.

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
    lines, beside = math.ceil(len(panels) / COLUMNS), min(len(panels), COLUMNS)
    size = (2.2 + beside * (1.3 + CELL * len(columns)), 0.9 + lines * (1.7 + CELL * len(rows)))
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(lines, beside, squeeze=False)
    drawn = None
    for axes, (title, shares) in zip(every.flat, panels.items(), strict=False):
        drawn = axes.imshow(shares, vmin=0.0, vmax=1.0, cmap="viridis")
        fit(axes.set_title(title, fontsize=10))
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel(across, fontsize=9)
        axes.set_ylabel(down, fontsize=9)
        for (row, column), share in np.ndenumerate(shares):
            if np.isfinite(share):
                colour = "white" if share < 0.6 else "black"
                axes.text(
                    column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour, fontsize=9
                )
    for axes in every.flat[len(panels) :]:
        axes.set_axis_off()
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=every, shrink=0.6, ticks=np.linspace(0.0, 1.0, 6))
        bar.ax.set_yticklabels([f"{tick} %" for tick in range(0, 101, 20)])
        bar.set_label(value)
    return png_bytes(figure)
