"""The curves of a gradient ascent: log-odds over iterations, for each method."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.report.canvas import DPI, INK
from fooljax.report.confidence_axis import fit_limits, mark_confidences
from fooljax.report.fonts import fit
from fooljax.report.style import own_style

COLOURS = ("#005b8f", "#b34700", "#00704a", "#7b3294", "#8c510a", "#222222", "#8a8a8a")
"""Of the lines, in turn."""
STYLES = ("-", "--", ":")
"""Of the lines, in turn."""


@own_style()
def ascent_curves(histories: Mapping[str, npt.ArrayLike]) -> Figure:
    """Draws how log-odds grow: for each method the median image, and the lowest one as a thin line.

    Args:
      histories: by name of the method, log-odds `[n, B]` of every image at each iteration.
    Raises:
      InputError: there is none, or a shape is another.
    """
    if not histories:
        raise InputError("histories: expected at least one, got none")
    figure = Figure(figsize=(9, 5), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    every, last = [], 2
    for index, (name, log_odds) in enumerate(histories.items()):
        odds = np.asarray(log_odds, np.float64)
        if odds.ndim != 2 or 0 in odds.shape:
            raise InputError(f"histories: expected [n, B] of {name}, got {list(odds.shape)}")
        middle, lowest = np.median(odds, axis=1), np.min(odds, axis=1)
        style: dict[str, Any] = {"color": COLOURS[index % len(COLOURS)], "ls": STYLES[index % len(STYLES)]}
        iterations = np.arange(1, len(odds) + 1)  # the axis is logarithmic
        axes.plot(iterations, middle, lw=2, label=name, **style)
        axes.plot(iterations, lowest, lw=0.7, alpha=0.7, **style)
        every += [middle, lowest]
        last = max(last, len(odds))
    fit_limits(axes, np.concatenate(every))
    axes.set_xscale("log")
    axes.set_xlim(1, 1.02 * last)
    axes.axhline(FOOLED, color=INK, lw=1, ls=":")
    axes.set_xlabel("iteration")
    axes.set_ylabel("log-odds of the class, ln p / (1 - p)")
    mark_confidences(axes)
    axes.spines[["top", "right"]].set_visible(False)
    for text in axes.legend(frameon=False, loc="upper left", handlelength=3).get_texts():
        fit(text)
    return figure
