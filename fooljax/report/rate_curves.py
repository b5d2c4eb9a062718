"""Curves of shares with intervals against a quantity in bins."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from fooljax.analysis.statistics import Interval
from fooljax.report.legends import legend_below
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style

STYLES = ("o-", "s--", "^:", "D-.", "v-", "P--")


@own_style()
def rate_curves(
    series: Mapping[str, Sequence[tuple[float, Interval]]],
    *,
    across: str,
    up: str,
    marks: Mapping[str, float] | None = None,
) -> bytes:
    """A PNG of one curve for each series.

    Args:
      series: by name, the middle of each bin and the share in it with its interval.
      across: what the bins are of.
      up: what the shares are of.
      marks: places on the axis across that get a thin line, by their label.
    Returns:
      The content of a PNG file.
    """
    figure = Figure(figsize=(8.0, 4.8), layout="constrained")
    axes = figure.add_subplot()
    every = sorted({place for points in series.values() for place, _ in points})
    room = min(np.diff(every), default=1.0) / (
        len(series) + 1
    )  # so that bars at one place do not hide each other
    for index, (name, points) in enumerate(series.items()):
        places = np.asarray([place for place, _ in points])
        share, low, high = np.asarray([interval for _, interval in points], np.float64).reshape(-1, 3).T
        shift = room * (index - (len(series) - 1) / 2.0)
        axes.errorbar(
            places + shift,
            share,
            [share - low, high - share],
            fmt=STYLES[index % len(STYLES)],
            color=f"C{index}",
            label=name,
            capsize=2,
            elinewidth=0.8,
            markersize=4,
        )
    for label, place in (marks or {}).items():
        axes.axvline(place, color="#8a8a8a", lw=0.8)
        axes.text(place, 1.03, label, ha="center", va="bottom", fontsize=8, color="#555555")
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks(np.linspace(0.0, 1.0, 6), [f"{tick} %" for tick in range(0, 101, 20)])
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    legend_below(figure, columns=2)
    return png_bytes(figure)
