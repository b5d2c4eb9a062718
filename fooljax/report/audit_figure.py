"""How sure a network is of evolved images, beside how sure it is of clean ones: the figure of an audit."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from fooljax.analysis.statistics import Interval
from fooljax.report.confidence_axis import GREY, fit_limits, mark_confidences
from fooljax.report.fonts import fit
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style

MOST = 40.0
"""Log-odds beyond which nothing is drawn to scale: a network by gradients may have hundreds."""


@own_style()
def attacks_and_levels(
    attacks: Mapping[str, Interval], levels: Mapping[str, float], controls: Sequence[str]
) -> bytes:
    """A PNG of the median log-odds of each attack's images, with lines at the levels of clean images.

    Args:
      attacks: median log-odds with its interval, by the attack's name. What lies beyond `MOST`, or any higher
        level, stands at the upper edge with an arrow and its value.
      levels: log-odds by name.
      controls: names of the attacks that are drawn in grey.
    """
    top = max([MOST, *(1.5 * level for level in levels.values())])
    figure = Figure(figsize=(8.0, 5.2), layout="constrained")
    axes = figure.add_subplot()
    for place, (name, (median, low, high)) in enumerate(attacks.items()):
        colour = GREY if name in controls else "C0"
        ends = [max(low, -top), min(high, top)] if np.isfinite([low, high]).all() else [median, median]
        if median > top:
            axes.annotate(
                f"{median:,.0f}",
                (place, top),
                (place, 0.9 * top),
                ha="center",
                arrowprops={"arrowstyle": "->", "color": colour},
            )
            continue
        axes.plot([place, place], ends, color=colour, lw=2)
        axes.plot(place, median, "o", color=colour, ms=7, zorder=3)
    for number, (name, level) in enumerate(levels.items()):
        style = ("-", "--", ":")[number % 3]
        axes.axhline(level, color=f"C{number + 1}", ls=style, lw=1.5, label=name)
    shown = [min(one, top) for interval in attacks.values() for one in interval if np.isfinite(one)]
    fit_limits(axes, np.asarray([*shown, *levels.values()], np.float64))
    axes.set_xlim(-0.6, len(attacks) - 0.4)
    axes.set_xticks(range(len(attacks)), list(attacks), rotation=30, ha="right", rotation_mode="anchor")
    axes.set_ylabel("log-odds of the class, median")
    mark_confidences(axes)
    for text in axes.get_xticklabels():
        fit(text)
    if levels:
        for text in figure.legend(loc="outside upper center", ncols=3, fontsize=8).get_texts():
            fit(text)
    return png_bytes(figure)
