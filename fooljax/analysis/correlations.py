"""Rank correlations with intervals: whether two quantities rise together, in whatever form."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.analysis.statistics import Groups, Interval, mean_interval
from fooljax.errors import InputError

_FEW = 8
"""Pairs up to which all orders are gone through for an exact p-value: 8! is 40,320."""


class Correlation(NamedTuple):
    """Spearman's rank correlation.

    Attributes:
      rho: the coefficient, from -1 to 1, with an interval of 95 %.
      p: two-sided, of no relation.
      pairs: how many pairs it is taken over.
    """

    rho: Interval
    p: float
    pairs: int


def spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> Correlation:
    """Spearman's rank correlation of pairs that are independent of each other.

    The interval is Fisher's, with the standard error of Bonett and Wright. If the pairs are the classes of
    one network, it covers other classes and not other networks. For those, take `spearman` of each run, and
    `mean_correlation` of the coefficients.

    Args:
      first: `[N]`, N at least 4; may be infinite, not NaN.
      second: `[N]`.
    Returns:
      NaN with the ends -1 and 1, and p of 1, where all of one side are equal.
    Raises:
      InputError: there are fewer than 4 pairs, the two are not as many, or one is NaN.

    Source: Bonett and Wright 2000, Psychometrika 65.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.ndim != 1 or one.shape != other.shape or one.size < 4:
        raise InputError(
            f"second: expected as many numbers as the first has, at least 4, got {list(one.shape)} and "
            f"{list(other.shape)}"
        )
    if np.any(np.isnan(one)) or np.any(np.isnan(other)):
        raise InputError("first, second: expected numbers, got NaN")
    if np.all(one == one[0]) or np.all(other == other[0]):
        return Correlation(Interval(float("nan"), -1.0, 1.0), 1.0, one.size)
    ranks = scipy.stats.rankdata(one), scipy.stats.rankdata(other)
    rho = float(np.clip(scipy.stats.pearsonr(*ranks).statistic, -1.0, 1.0))
    method = scipy.stats.PermutationMethod(n_resamples=np.inf) if one.size <= _FEW else None
    found = scipy.stats.pearsonr(*ranks, method=method) if method else scipy.stats.spearmanr(*ranks)
    p = float(found.pvalue)
    # An order without exception would leave no width: its ends are those of one with a single exchange.
    most = 1.0 - 12.0 / (one.size * (one.size**2 - 1.0))
    held = float(np.clip(rho, -most, most))
    half = scipy.stats.norm.ppf(0.975) * np.sqrt((1.0 + held**2 / 2.0) / (one.size - 3.0))
    low, high = np.tanh(np.arctanh(held) - half), np.tanh(np.arctanh(held) + half)
    return Correlation(Interval(rho, min(float(low), rho), max(float(high), rho)), p, one.size)


def mean_correlation(groups: Groups) -> Interval:
    """The mean of the correlations of runs, and a t-interval over targets on Fisher's scale.

    Args:
      groups: for each target the coefficient of each run, in [-1, 1]; one of -1 or 1 counts as 0.9999.
    Raises:
      InputError: there are no coefficients, or one is outside [-1, 1].
    """
    values = [np.asarray(group, np.float64) for group in groups]
    for group in values:
        wrong = group[~(np.abs(group) <= 1.0)]
        if wrong.size:
            raise InputError(f"groups: expected numbers in [-1, 1], got {wrong[0]:g}")
    scaled = [np.arctanh(np.clip(group, -0.9999, 0.9999)).tolist() for group in values]
    return Interval(*(float(np.tanh(value)) for value in mean_interval(scaled)))
