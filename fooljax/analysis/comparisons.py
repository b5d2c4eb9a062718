"""Tests of two treatments on the ranks of their results, each with an effect size; and Holm's correction.

Every test takes the values of the runs of each target, and counts each target as one observation, as
`fooljax.analysis.statistics` does. So a thousand images of one run are never a thousand samples. Of one
target its runs are the observations, and the test speaks of further runs against that target alone.

A p-value says how surprising the ranks are if the treatments do not differ. The effect size says how much
they differ, and is what should be read first.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.analysis.statistics import Groups, Interval, observations
from fooljax.errors import InputError

_MOST_ARRANGEMENTS = 20_000
"""Arrangements of ranks that are gone through one by one; beyond, a normal distribution is close enough."""


class Unpaired(NamedTuple):
    """What a Mann-Whitney test found.

    Attributes:
      u: pairs of observations in which the first is greater; a tie counts half.
      p: two-sided.
      a12: the chance that an observation of the first is greater than one of the second, ties counting half.
        0.5 is no difference, 1 that the first is always greater. With an interval of 95 %.
      counts: observations of the first and of the second.
    """

    u: float
    p: float
    a12: Interval
    counts: tuple[int, int]


class Paired(NamedTuple):
    """What a Wilcoxon signed-rank test found.

    Attributes:
      p: two-sided.
      rank_biserial: from -1 to 1: the share of the ranks that favours the first, less the share that favours
        the second. 0 is no difference.
      pairs: observations.
      ties: those of them whose difference is 0, which the test leaves out.
    """

    p: float
    rank_biserial: float
    pairs: int
    ties: int


def mann_whitney(first: Groups, second: Groups) -> Unpaired:
    """Compares runs on some targets with runs on other targets by the ranks of their results.

    Two-sided, and exact for few observations, with ties or without. For many it is the normal approximation,
    corrected for ties and for continuity. Use `signed_rank` where both treatments met the same targets.

    The interval of A12 is Newcombe's fifth, whose ends are the values that the estimate does not contradict,
    with Student's t in place of the normal quantile. It covers other targets of the same kind, and does not
    close where one side is always greater.

    Args:
      first: for each target the values of its runs, infinite where never done.
      second: the same of the other treatment; it may have another number of targets.
    Raises:
      InputError: there are no values, or one is NaN.

    Source: Vargha and Delaney 2000 (A12); Newcombe 2006, Statistics in Medicine 25, part 2 (interval).
    """
    one, other = observations(first), observations(second)
    arrangements = math.comb(one.size + other.size, one.size)
    method = _method(np.concatenate([one, other]), arrangements, min(one.size, other.size))
    u, p = scipy.stats.mannwhitneyu(one, other, method=method)
    a12 = _newcombe(float(u) / (one.size * other.size), one.size, other.size)
    return Unpaired(float(u), float(p), a12, (one.size, other.size))


def signed_rank(differences: Groups) -> Paired:
    """Tests whether differences within pairs centre on 0, by the ranks of their sizes (Wilcoxon).

    Two-sided, and exact for few pairs, with ties or without. `mean_interval` of the same differences says how
    large they are, in their own unit.

    Args:
      differences: for each target those of its runs, first less second. A run's is summed up over its images.
    Raises:
      InputError: there are no values, or one is NaN.

    Source: Kerby 2014 (matched-pairs rank-biserial correlation).
    """
    values = observations(differences)
    nonzero = values[values != 0.0]
    if not nonzero.size:
        return Paired(1.0, 0.0, values.size, values.size)
    ranks = scipy.stats.rankdata(np.abs(nonzero))
    effect = float(np.sum(ranks * np.sign(nonzero)) / np.sum(ranks))
    method = _method(np.abs(nonzero), 2**nonzero.size, nonzero.size)
    p = float(scipy.stats.wilcoxon(nonzero, method=method, correction=True).pvalue)
    return Paired(p, effect, values.size, values.size - nonzero.size)


def holm(p_values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Corrects the p-values of a family of tests, so that one false finding in any of them stays rare.

    Args:
      p_values: `[M]`, of all tests that were made to answer one question, in [0, 1].
    Returns:
      `[M]` float64, in the same order, each at least as large as before and at most 1.
    Raises:
      InputError: one is not in [0, 1].

    Source: Holm 1979.
    """
    given = np.asarray(p_values, np.float64)
    wrong = given[~((given >= 0.0) & (given <= 1.0))]
    if wrong.size:
        raise InputError(f"p_values: expected numbers in [0, 1], got {wrong[0]:g}")
    order = np.argsort(given, kind="stable")
    steps = np.maximum.accumulate(given[order] * np.arange(given.size, 0, -1))
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def _method(
    ranked: npt.NDArray[np.float64], arrangements: int, fewest: int
) -> "str | scipy.stats.PermutationMethod":
    """How scipy finds a p-value: exactly where that is feasible.

    Its tables are for values without ties, and its permutations for samples of two or more.
    """
    if arrangements > _MOST_ARRANGEMENTS:
        return "asymptotic"
    if np.unique(ranked).size == ranked.size:
        return "exact"
    return scipy.stats.PermutationMethod(n_resamples=np.inf) if fewest > 1 else "asymptotic"


def _newcombe(share: float, first: int, second: int) -> Interval:
    """The ends that a share of pairs leaves for A12."""
    freedom = first + second - 2
    if freedom < 1:
        return Interval(share, 0.0, 1.0)
    width = float(scipy.stats.t.ppf(0.975, freedom))
    more = (first + second) / 2.0 - 1.0

    def beyond(truth: float) -> float:
        variance = truth * (1.0 - truth) / (first * second)
        variance *= 1.0 + more * ((1.0 - truth) / (2.0 - truth) + truth / (1.0 + truth))
        return (share - truth) ** 2 - width**2 * variance

    # An estimate of 0 or 1 is one end itself, and the other lies at some distance from it.
    low = float(scipy.optimize.brentq(beyond, 0.0, min(share, 1.0 - 1e-9))) if share > 0.0 else 0.0
    high = float(scipy.optimize.brentq(beyond, max(share, 1e-9), 1.0)) if share < 1.0 else 1.0
    return Interval(share, low, high)
