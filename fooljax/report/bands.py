"""Curves with bands: what is kept of something against a size, for several kinds of images."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from fooljax.analysis.statistics import Interval
from fooljax.report.confidence_axis import fit_limits, mark_confidences
from fooljax.report.legends import legend_below
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style

COLUMNS = 3
"""Panels beside each other, at most."""
CROWDED = 0.06
"""Ticks closer than this share of an axis would touch."""
Curve = tuple[Sequence[float], Sequence[Interval]]
"""Places along the axis, and the estimate with its interval at each."""


@own_style()
def curves(
    panels: Mapping[str, Mapping[str, Curve]],
    *,
    up: str,
    log_odds: bool = False,
    log_scale: bool = True,
    level: float | None = None,
    ticks: Sequence[float] = (),
    limits: tuple[float, float] | None = None,
    places_called: Sequence[str] = (),
) -> bytes:
    """A PNG of one panel for each question, with one curve and its band of 95 % for each kind of images.

    Args:
      panels: by the name of what lies along its axis, the curves by the name of the images. A name has the
        same colour in all panels.
      up: what the curves show.
      log_odds: the values are log-odds: confidences are marked on the right of the last panel.
      log_scale: along a logarithmic axis.
      level: a value that is marked by a line.
      ticks: values along the axis that are named; those of the first curve if none are given.
      limits: the ends of the upright axis; by default those of what is shown.
      places_called: names of the places 0, 1 and so on, instead of values along the axis.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    columns = min(len(panels), COLUMNS)
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(1.5 + 3.4 * columns, 1.2 + 3.4 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
    every = grid.ravel()[: len(panels)]
    for axes in grid.ravel()[len(panels) :]:
        axes.remove()
    shown = []
    for axes, (along, panel) in zip(every, panels.items(), strict=True):
        for name, (places, intervals) in panel.items():
            estimate, low, high = (np.asarray(one, np.float64) for one in zip(*intervals, strict=True))
            colour = f"C{names.index(name) % 10}"
            style = ("-", "--", ":")[names.index(name) // 10 % 3]
            axes.plot(places, estimate, color=colour, ls=style, marker="o", ms=3, label=name)
            axes.fill_between(places, low, high, color=colour, alpha=0.13, linewidth=0)
            shown += [*estimate.tolist(), *([] if log_scale else [*low.tolist(), *high.tolist()])]
        if level is not None:
            axes.axhline(level, color="black", lw=0.8, ls=":")
        if log_scale:
            axes.set_xscale("log")
        if places_called:
            axes.set_xticks(range(len(places_called)), list(places_called))
        elif places := ticks or (next(iter(panel.values()))[0] if panel else ()):
            axes.set_xticks(_apart(places) if log_scale else list(places))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.tick_params(axis="x", labelsize=8)
        axes.set_xlabel(along)
        axes.grid(alpha=0.25)
    for line in grid:
        line[0].set_ylabel(up)
    finite = [one for one in shown if math.isfinite(one)]
    if limits is not None:
        every[0].set_ylim(*limits)
    elif log_odds:
        fit_limits(every[0], np.asarray(shown))
    elif finite:
        room = 0.06 * (max(finite) - min(finite)) or 1.0
        every[0].set_ylim(min(finite) - room, max(finite) + room)
    if log_odds:
        mark_confidences(every[columns - 1])
    legend_below(figure, columns=3)
    return png_bytes(figure)


def _apart(places: Sequence[float]) -> list[float]:
    """Places along a logarithmic axis that are far enough apart for their names; the last is one of them."""
    least = CROWDED * math.log(places[-1] / places[0])
    kept = [places[-1]]
    for place in reversed(places):
        if math.log(kept[-1] / place) >= least:
            kept.append(place)
    return kept[::-1]
