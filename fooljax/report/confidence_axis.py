"""An axis of log-odds that also tells the confidences they stand for, for every figure that has one."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from fooljax.engine.log_odds import FOOLED

LEVELS = {
    "99.99 %": FOOLED,
    "50 %": 0.0,
    "99.9999 %": math.log(999999),
    "99 %": math.log(99),
    "90 %": math.log(9),
    "0.01 %": -FOOLED,
    "99.9 %": math.log(999),
    "99.999999 %": math.log(99999999),
    "10 %": -math.log(9),
    "1 %": -math.log(99),
    "0.0001 %": -math.log(999999),
}
"""Confidences that get a tick, by log-odds; the more important first, as crowded ticks are left out."""
CROWDED = 0.045
"""Ticks closer than this share of an axis would touch."""
GREY = "#8a8a8a"


def fit_limits(axes: Axes, values: npt.NDArray[np.float64], levels: Sequence[float] = (0.0, FOOLED)) -> None:
    """Limits that hold all finite values and some levels (50 % and 99.99 %), with room for the labels."""
    finite = np.append(values[np.isfinite(values)], levels)
    if finite.size:
        room = 0.08 * (finite.max() - finite.min()) or 1.0
        axes.set_ylim(finite.min() - room, finite.max() + room)


def mark_confidences(axes: Axes) -> None:
    """Marks round confidences on the right, as many as fit."""
    low, high = axes.get_ylim()
    kept: dict[str, float] = {}
    for name, level in LEVELS.items():
        apart = all(abs(level - other) > CROWDED * (high - low) for other in kept.values())
        if low <= level <= high and apart:
            kept[name] = level
    right = axes.secondary_yaxis("right")
    right.set_yticks(list(kept.values()), list(kept))
    # Beside its ticks, which may be few and all at one end.
    middle = (min(kept.values()) + max(kept.values())) / 2 if kept else (low + high) / 2
    right.set_ylabel("confidence p", y=(middle - low) / (high - low))
    right.spines["right"].set_visible(False)
    for level in kept.values():
        axes.axhline(level, color=GREY, lw=0.4, alpha=0.6, zorder=0)
