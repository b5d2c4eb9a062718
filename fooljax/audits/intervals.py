"""Shares and medians over the runs of an attack, as `audit.json` holds them: with intervals of 95 %.

The unit is a run. One network is audited, so an interval speaks of further runs against this network. One run
alone says nothing about others: its interval is all that is possible.
"""

import math
from collections.abc import Sequence

import numpy as np

from fooljax.analysis.rates import wilson_interval
from fooljax.analysis.statistics import Interval, lower_median, mean_interval, share_interval

Entry = dict[str, float | None]


def share_of_runs(runs: Sequence[float]) -> Entry:
    """The mean share of some runs."""
    return _entry(share_interval([list(runs)]), "share")


def share_of_images(hits: int, count: int) -> Entry:
    """A share of clean images, which are independent of each other."""
    return _entry(wilson_interval(hits, count), "share")


def median_of_runs(runs: Sequence[Sequence[float]]) -> Entry:
    """The median log-odds of all images; the ends are those for the medians of runs, null where untold."""
    own = mean_interval([[lower_median(odds) for odds in runs]])
    middle = lower_median(np.concatenate([np.asarray(odds, np.float64) for odds in runs]))
    low, high = (
        end if math.isfinite(end) and len(runs) > 1 else None
        for end in (min(own.low, middle), max(own.high, middle))
    )
    return {"median": round(middle, 3), "low": _short(low), "high": _short(high)}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _entry(found: Interval, name: str) -> Entry:
    return {name: round(found.estimate, 6), "low": round(found.low, 6), "high": round(found.high, 6)}
