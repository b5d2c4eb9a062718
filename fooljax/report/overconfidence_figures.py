"""The figure of rays of `experiments.overconfidence`: a line for each network."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from fooljax.report.confidence_axis import mark_confidences
from fooljax.report.legends import legend_below
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style

LINES = ("-", "--", ":")
"""Ways to train differ by these as well as by colour, so that lines which lie on each other are all seen."""
FINE, COARSE = (1, 2, 3, 4, 6, 8, 10), (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
"""Factors that are named, of a short and of a long axis."""
LIMITS = (-5.0, 40.0)
"""Ends of the upright axis. Beyond them a network is as sure as it can be, and lines go on rising."""
Line = tuple[Sequence[float], Sequence[float]]
"""Factors, and the log-odds at each."""


@own_style()
def ray_lines(panels: Mapping[str, Mapping[str, Sequence[Line]]]) -> bytes:
    """A PNG of one panel for each kind of image that is scaled, with a thin line for each network.

    Args:
      panels: by the kind of image, by the way to train, the lines of its networks.
    """
    figure = Figure(figsize=(1.5 + 3.8 * len(panels), 4.6), layout="constrained")
    every = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (source, trainings) in zip(every, panels.items(), strict=True):
        farthest = 1.0
        for place, (training, lines) in enumerate(trainings.items()):
            for number, (factors, odds) in enumerate(lines):
                label = training if number == 0 else None
                style = LINES[place % len(LINES)]
                axes.plot(factors, odds, color=f"C{place}", ls=style, lw=1.4, alpha=0.85, label=label)
                inside = np.asarray(odds) <= LIMITS[1]
                farthest = max(farthest, factors[min(int(inside.sum()), len(factors) - 1)])
        axes.set_xscale("log")
        axes.set_xlim(1.0, farthest)
        axes.set_xticks([tick for tick in (FINE if farthest < FINE[-1] else COARSE) if tick <= farthest])
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(axis="x", labelsize=8)
        axes.set_xlabel(f"factor: {source}")
        axes.grid(alpha=0.25)
    every[0].set_ylim(*LIMITS)
    every[0].set_ylabel("log-odds of the class named first")
    mark_confidences(every[-1])
    legend_below(figure, columns=3)
    return png_bytes(figure)
