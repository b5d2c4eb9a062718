"""Results against budget: what a search has after so many network passes."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fooljax.analysis.statistics import share_interval
from fooljax.report.confidence_axis import fit_limits, mark_confidences
from fooljax.report.legends import legend_below
from fooljax.report.style import own_style

_POINTS = 120


@own_style()
def success_curves(series: Mapping[str, tuple[Sequence[Sequence[float]], int]]) -> bytes:
    """A PNG of one curve for each strategy, with bands of 95 % for the share on further targets.

    Args:
      series: by name, the passes each run needed, by target (infinite where it did not do it), and the
        budget, where the curve ends.
    """
    figure = Figure(figsize=(8.0, 4.5), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    least = min(
        (value for groups, _ in series.values() for group in groups for value in group), default=100.0
    )
    for index, (name, (groups, budget)) in enumerate(series.items()):
        start = max(min(least / 2.0, budget / 10.0), 1.0)
        passes = np.geomspace(start, budget, _POINTS)
        share, low, high = np.empty((3, _POINTS))
        for place, limit in enumerate(passes):
            done = [[float(value <= limit) for value in group] for group in groups]
            share[place], low[place], high[place] = share_interval(done)
        axes.plot(passes, share, label=name, color=f"C{index}", linestyle=("-", "--", ":")[index // 10 % 3])
        axes.fill_between(passes, low, high, color=f"C{index}", alpha=0.15, linewidth=0)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share of runs with all classes at 99.99 %")
    axes.grid(alpha=0.3)
    return _finished(figure)


@own_style()
def median_curves(series: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]) -> bytes:
    """A PNG of one curve for each search: the median over classes of log-odds, with the confidences.

    Args:
      series: by name, network passes `[n]`, rising, and median log-odds `[R, n]`, a line for each run.
    """
    figure = Figure(figsize=(8.0, 4.5), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    for index, (name, (passes, odds)) in enumerate(series.items()):
        for number, run in enumerate(np.atleast_2d(np.asarray(odds, np.float64))):
            shown = np.where(np.isfinite(run), run, np.nan)
            axes.plot(np.asarray(passes), shown, color=f"C{index}", label=name if number == 0 else None)
    fit_limits(axes, np.concatenate([np.ravel(np.asarray(odds, np.float64)) for _, odds in series.values()]))
    axes.set_ylabel("log-odds of the median class, ln p/(1\N{MINUS SIGN}p)")
    mark_confidences(axes)
    axes.grid(axis="x", alpha=0.3)
    return _finished(figure)


def _finished(figure: Figure) -> bytes:
    """The PNG of a figure with passes along its axis."""
    (axes,) = figure.axes
    axes.set_xscale("log")
    axes.set_xlabel("network passes of a run")
    legend_below(figure, columns=2)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png")
    return buffer.getvalue()
