"""Whether a quantity rises or falls along a quantity, such as how many images networks learnt from."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.analysis.correlations import Correlation, spearman
from fooljax.analysis.statistics import Interval, mean_interval
from fooljax.errors import InputError

_FEWEST_LEVELS = 3
"""For Page's test."""


class Trend(NamedTuple):
    """What a measure does along a quantity.

    Attributes:
      correlation: Spearman's, over all networks.
      slope: its gain where the quantity is ten times as large, by a straight line for each seed:
        the mean over seeds with a t-interval. NaN where a value is infinite.
      page: the two-sided p-value of Page's test with the seeds as blocks; None with fewer than two seeds or
        three levels.
    """

    correlation: Correlation
    slope: Interval
    page: float | None


def trend(levels: npt.ArrayLike, values: npt.ArrayLike) -> Trend:
    """Finds the trend of a measure.

    Args:
      levels: `[L]`, the quantity, rising and above 0.
      values: `[S, L]`, for each seed its value at each level; infinite where never done, not NaN. There are
        at least 4.
    Raises:
      InputError: the arrays do not fit together, or see `spearman`.

    Source: Page 1963, Journal of the American Statistical Association 58.
    """
    places, found = np.asarray(levels, np.float64), np.asarray(values, np.float64)
    rising = places.ndim == 1 and places.size > 1 and places[0] > 0.0 and np.all(np.diff(places) > 0.0)
    if not rising or found.ndim != 2 or found.shape[1:] != places.shape:
        raise InputError(
            f"values: expected [S, L] for rising levels [L], got {list(found.shape)} and {list(places.shape)}"
        )
    correlation = spearman(np.tile(places, len(found)), found.ravel())
    slope = Interval(float("nan"), -np.inf, np.inf)
    if np.all(np.isfinite(found)):
        across = np.log10(places) - np.mean(np.log10(places))
        slope = mean_interval([[float(one @ across / (across @ across))] for one in found])
    page = None
    if len(found) > 1 and places.size >= _FEWEST_LEVELS:
        # Ranks, since values that are infinite have some.
        ranks = scipy.stats.rankdata(found, axis=1)
        both = (ranks, places.size + 1 - ranks)
        sides = [scipy.stats.page_trend_test(side, ranked=True).pvalue for side in both]
        page = float(min(1.0, 2.0 * min(sides)))
    return Trend(correlation, slope, page)
