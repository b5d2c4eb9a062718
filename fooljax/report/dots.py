"""Figures of dots: the values of several groups beside each other, and one quantity against another."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooljax.analysis.statistics import lower_median, median
from fooljax.report.confidence_axis import fit_limits, mark_confidences
from fooljax.report.fonts import fit
from fooljax.report.legends import legend_below
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style

_WIDTH, _HEIGHT = 8.0, 4.8
_MANY = 60
"""Dots, from which on they are small."""


@own_style()
def strips(
    groups: Mapping[str, Sequence[float]],
    *,
    value: str,
    log_odds: bool = False,
    log_scale: bool = False,
    colours: Sequence[int] | None = None,
) -> bytes:
    """A PNG of one row of dots for each group, with a bar at the median.

    Args:
      groups: the values by the name of the group, from top to bottom. Infinite values are not drawn; they
        count for the median, which is not drawn either where it is infinite.
      value: what the values are, for the axis.
      log_odds: the values are log-odds: confidences are marked too, and the rows are columns.
      log_scale: along a logarithmic axis.
      colours: the number of each group's colour, where equal ones mean something; by default all differ.
    """
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    generator = np.random.default_rng(0)
    for place, values in enumerate(groups.values()):
        finite = np.asarray([one for one in values if np.isfinite(one)], np.float64)
        beside = place + generator.uniform(-0.28, 0.28, finite.size)
        ends = [place - 0.38, place + 0.38]
        middle = [(median if log_odds else lower_median)(values)] * 2 if len(values) else [np.inf]
        if np.isfinite(middle[0]):
            axes.plot(*((ends, middle) if log_odds else (middle, ends)), color="black", lw=2)
        colour = place if colours is None else colours[place]
        _dots(axes, *((beside, finite) if log_odds else (finite, beside)), colour, finite.size >= _MANY)
    names = list(groups)
    if log_odds:
        axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
        _mark(axes, value, [one for values in groups.values() for one in values])
    else:
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        figure.supxlabel(value, fontsize="medium")
        axes.grid(axis="x", alpha=0.3)
        if log_scale:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:,.0f}")
    for text in axes.get_xticklabels() if log_odds else axes.get_yticklabels():
        fit(text)
    return png_bytes(figure)


@own_style()
def columns(groups: Mapping[str, Mapping[str, Sequence[float]]], *, value: str) -> bytes:
    """A PNG of log-odds: a column for each group, and in it a colour and a bar at the median for each kind.

    Args:
      groups: at least one; the log-odds by the name of the group, from left to right, and by the name of the
        kind. A kind has the same colour in every group.
      value: what the log-odds are of, for the axis.
    """
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    kinds = list(dict.fromkeys(kind for group in groups.values() for kind in group))
    wide = 0.84 / max(len(kinds), 1)
    generator = np.random.default_rng(0)
    for place, group in enumerate(groups.values()):
        if place:
            axes.axvline(place - 0.5, color="0.85", lw=0.8, zorder=0)
        for kind, values in group.items():
            number = kinds.index(kind)
            middle = place + (number - (len(kinds) - 1) / 2) * wide
            beside = middle + generator.uniform(-0.25, 0.25, len(values)) * wide
            _dots(axes, beside, np.asarray(values, np.float64), number, many=False, name=kind)
            axes.plot([middle - 0.42 * wide, middle + 0.42 * wide], [median(values)] * 2, color="black", lw=2)
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.set_xticks(range(len(groups)), [textwrap.fill(name, 80 // len(groups)) for name in groups])
    axes.tick_params(axis="x", length=0)
    _mark(axes, value, [one for group in groups.values() for values in group.values() for one in values])
    legend_below(figure, columns=3)
    return png_bytes(figure)


@own_style()
def scatter(
    groups: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    across: str,
    up: str,
    log_odds: bool = False,
) -> bytes:
    """A PNG of one quantity against another, a colour for each group.

    Args:
      groups: by name, the values across and up.
      across: what the horizontal axis shows.
      up: what the vertical axis shows.
      log_odds: the vertical values are log-odds: confidences are marked too.
    """
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    many = sum(len(first) for first, _ in groups.values()) >= _MANY
    for number, (name, (first, second)) in enumerate(groups.items()):
        _dots(axes, np.asarray(first, np.float64), np.asarray(second, np.float64), number, many, name)
    axes.set_xlabel(across)
    if log_odds:
        _mark(axes, up, [one for _, second in groups.values() for one in second])
    else:
        axes.set_ylabel(up)
        axes.grid(alpha=0.3)
    legend_below(figure, columns=4)
    return png_bytes(figure)


def _dots(
    axes: Axes,
    across: npt.NDArray[np.float64],
    up: npt.NDArray[np.float64],
    number: int,
    many: bool,
    name: str | None = None,
) -> None:
    size = 11 if many else 26
    axes.scatter(across, up, s=size, alpha=0.6, linewidths=0, color=f"C{number % 10}", label=name, zorder=3)


def _mark(axes: Axes, label: str, values: Sequence[float]) -> None:
    """A vertical axis of log-odds."""
    fit_limits(axes, np.asarray(values, np.float64))
    axes.set_ylabel(label)
    mark_confidences(axes)
