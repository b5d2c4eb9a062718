"""Intervals of 95 % for results whose unit is a run on an independently trained target.

Runs on one target are alike, so what says how far a result carries is how targets differ: each target counts
as one observation, summed up by its own runs, and a few observations are met by Student's t rather than by a
bootstrap, which is too narrow for them (over 3 targets a bootstrap that says 95 % covers 82 %). Where there
is only one target its runs are the observations, and the interval speaks of further runs against that target
alone.

No function asks in which order the runs of a target stand.
"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.errors import InputError

_TAIL = 0.025
"""What each end of an interval leaves out."""
_EXACT_FROM = 6
"""Runs whose least and most hold the median in at least 95 % of cases."""
_DRAWN = 20_000_000
"""Normal values drawn at most, so that many runs take no more memory than few."""
Groups = Sequence[Sequence[float]]
"""The values of the runs of each target."""


class Interval(NamedTuple):
    """An estimate and the ends of its interval of 95 %.

    An end that the data do not tell is the end of what is possible: 0, or infinity (1 of a share).
    """

    estimate: float
    low: float
    high: float


def median(values: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """The median; of an even number the mean of the two in the middle.

    Raises:
      InputError: there are no values.
    """
    _check_some(values)
    return float(np.median(np.asarray(values, np.float64)))


def lower_median(values: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """The median; of an even number the lower of the two in the middle, so that it is a value seen.

    Of the passes or generations that classes needed, it says when half of them had done it. One that was
    never reached is infinite: it takes part as larger than any other.

    Raises:
      InputError: there are no values.
    """
    _check_some(values)
    return float(np.sort(np.asarray(values, np.float64))[(len(values) - 1) // 2])


def _check_some(values: Sequence[float] | npt.NDArray[np.float64]) -> None:
    if not len(values):
        raise InputError("values: expected at least one, got none")


def median_interval(groups: Groups) -> Interval:
    """The median of all runs, and an interval for it on targets of the same kind.

    A t-interval of the targets' own medians on the scale ln(1 + x), on which what takes a search long or
    short is nearly symmetric. A target whose median run never did it is infinite: then the upper end is too,
    and the lower is the one that as many of the smallest of as many normal values allow; with fewer than two
    finite it is 0. Of one target with 6 runs or more the ends are two of its runs, exact whatever the
    distribution; of fewer runs they are those of t.

    Args:
      groups: for each target what its runs needed (generations, passes), 0 or more, infinite where never
        done.
    Raises:
      InputError: there are no values, or one is negative or NaN.
    """
    values = _checked(groups, np.inf)
    units = _units(values)
    if len(values) == 1 and len(units) >= _EXACT_FROM:
        runs, rank = np.sort(values[0]), int(scipy.special.bdtrik(_TAIL, len(units), 0.5))
        return _around(lower_median(runs), runs[rank], runs[-1 - rank])
    low, high = _log_interval(np.asarray([median(np.log1p(unit)) for unit in units]))
    with np.errstate(over="ignore"):
        return _around(lower_median(np.concatenate(values)), max(np.expm1(low), 0.0), np.expm1(high))


def ratio_interval(first: Groups, second: Groups) -> Interval:
    """The ratio of two medians, and an interval for it on targets of the same kind.

    The same targets were met by both, so each gives one ratio of its medians, and the interval is a
    t-interval of the logarithms of these. Runs are never paired. With one target it is Welch's, of the
    logarithms of the runs.

    Args:
      first: for each target what its runs needed, positive, infinite where never done.
      second: the same of what it is compared with, for the same targets in the same order.
    Returns:
      The ratio of the medians over all runs, and the ends; infinite over infinite is NaN.
    Raises:
      InputError: as `median_interval`, or a value is 0, or the targets are not as many.
    """
    if len(first) != len(second):
        raise InputError(f"second: expected {len(first)} groups, as the first has, got {len(second)}")
    above, below = _checked(first, np.inf), _checked(second, np.inf)
    if any(np.any(group == 0.0) for group in (*above, *below)):
        raise InputError("groups: expected numbers above 0, got 0")
    with np.errstate(invalid="ignore"):
        estimate = np.divide(lower_median(np.concatenate(above)), lower_median(np.concatenate(below)))
        if len(above) == 1:
            low, high = _welch(np.log(above[0]), np.log(below[0]))
        else:
            differences = [
                median(np.log(one)) - median(np.log(other)) for one, other in zip(above, below, strict=True)
            ]
            low, high = _log_interval(np.asarray(differences))
    with np.errstate(over="ignore"):
        return _around(float(estimate), np.exp(low), np.exp(high))


def share_interval(groups: Groups) -> Interval:
    """The mean of shares over targets, and an interval for it on targets of the same kind.

    Korn and Graubard's (1998), for few clusters: Clopper and Pearson's exact interval of as many independent
    trials as would spread as the targets' shares do, reduced by the squared ratio of the t quantiles for so
    many runs and for so many targets. A run is one trial at most, whatever was counted in it, so the interval
    is wide rather than too narrow, above all where nothing varied.

    Args:
      groups: for each target the share of each run, in [0, 1]: of its images, or 1 for a run that did it.
    Raises:
      InputError: there are no values, or one is outside [0, 1].
    """
    values = _checked(groups, 1.0)
    units = np.asarray([np.mean(unit) for unit in _units(values)])
    runs = sum(map(len, values))
    share = float(np.mean([np.mean(group) for group in values]))
    if units.size < 2:
        return Interval(share, 0.0, 1.0)
    spread = np.var(units, ddof=1) / units.size
    trials = min(share * (1.0 - share) / spread, runs) if np.ptp(units) > 1e-9 else float(runs)
    trials *= float(_t(runs - 1) / _t(units.size - 1)) ** 2
    done, left = share * trials, (1.0 - share) * trials
    low = scipy.special.betaincinv(done, left + 1.0, _TAIL) if done > 0.0 else 0.0
    high = scipy.special.betaincinv(done + 1.0, left, 1.0 - _TAIL) if left > 0.0 else 1.0
    return _around(share, low, high)


def mean_interval(groups: Groups) -> Interval:
    """The mean over targets of what their runs gave, and a t-interval for it on targets of the same kind.

    For values of either sign: log-odds, or the differences of log-odds between two treatments of the same
    images. Each target is summed up by the median of its runs. With one observation the ends are infinite.

    Args:
      groups: for each target the value of each run, finite; such as the median over the run's images.
    Raises:
      InputError: there are no values, or one is not finite.
    """
    values = observations(groups)
    if not np.all(np.isfinite(values)):
        raise InputError(f"groups: expected finite numbers, got {values[~np.isfinite(values)][0]:g}")
    return _around(float(np.mean(values)), *_log_interval(values))


def mean_share_interval(groups: Groups) -> Interval:
    """`mean_interval` of values that lie from 0 to 1, with its ends cut off there.

    For shares of very many images and means of confidences, which differ between targets by little else than
    training. A share of few images has `share_interval`.

    Args:
      groups: as for `mean_interval`.
    Raises:
      InputError: as `mean_interval`.
    """
    middle, *ends = mean_interval(groups)
    return Interval(middle, *(min(max(end, 0.0), 1.0) + 0.0 for end in ends))


def difference_interval(first: Interval, second: Interval) -> Interval:
    """The difference of two independent estimates, first less second, from the interval of each.

    Args:
      first: an estimate with its interval of 95 %.
      second: another, of the same kind.
    Returns:
      The difference. An end is infinite where one that it is made of is.

    Source: Zou and Donner 2008 (method of variance estimates recovery). Of Wilson's intervals of two shares
    it is Newcombe's (1998) method 10.
    """
    (one, one_low, one_high), (other, other_low, other_high) = first, second
    middle = one - other
    down = math.hypot(one - one_low, other_high - other)
    up = math.hypot(one_high - one, other - other_low)
    return Interval(middle, middle - down, middle + up)


def observations(groups: Groups) -> npt.NDArray[np.float64]:
    """What counts as independent: the median of each target's runs; of one target, its runs.

    Args:
      groups: for each target the value of each run, of either sign; infinite where never done.
    Returns:
      Float64, `[targets]`, or `[runs]` where there is one target. A median between a finite and an infinite
      run is infinite.
    Raises:
      InputError: there are no values, or one is NaN.
    """
    return np.asarray([median(unit) for unit in _units(_checked(groups, np.inf, -np.inf))])


def _checked(groups: Groups, most: float, least: float = 0.0) -> list[npt.NDArray[np.float64]]:
    """The values as arrays.

    Raises:
      InputError: there are none, or one is not in [least, most].
    """
    if not len(groups) or not all(len(group) for group in groups):
        raise InputError("groups: expected at least one, each with a value")
    values = [np.asarray(group, np.float64) for group in groups]
    for group in values:
        wrong = group[~((group >= least) & (group <= most))]
        if wrong.size:
            raise InputError(f"groups: expected numbers in [{least:g}, {most:g}], got {wrong[0]:g}")
    return values


def _units(groups: list[npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]]:
    """The observations: targets; of one target its runs."""
    return groups if len(groups) > 1 else [np.asarray([value]) for value in groups[0]]


def _log_interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The ends for the centre of what `values` are drawn from, normal but for those that are infinite."""
    if np.any(np.isnan(values)):
        return -np.inf, np.inf
    return _lower_end(values), -_lower_end(-values)


def _lower_end(values: npt.NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    if np.any(values == -np.inf) or finite.size < 2:
        return -np.inf
    return float(np.mean(finite) - _deviations(finite.size, values.size) * np.std(finite, ddof=1))


@functools.lru_cache(maxsize=256)
def _deviations(known: int, count: int) -> float:
    """How many of their standard deviations the centre can lie below the mean of the `known` smallest of
    `count`.

    For all of them Student's t; for fewer by drawing normal values, always the same.
    """
    if known == count:
        return _t(count - 1) / float(np.sqrt(count))
    draws = int(np.clip(_DRAWN / count, 1_000, 100_000))
    drawn = np.sort(np.random.default_rng(0).standard_normal((draws, count)), axis=1)[:, :known]
    return float(np.quantile(drawn.mean(axis=1) / drawn.std(axis=1, ddof=1), 1.0 - _TAIL))


def _t(freedom: float) -> float:
    """Student's quantile for both tails."""
    return float(scipy.special.stdtrit(freedom, 1.0 - _TAIL))


def _welch(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Welch's interval for the difference of two means; endless where a value is infinite or stands alone."""
    if min(first.size, second.size) < 2 or not np.all(np.isfinite([*first, *second])):
        return -np.inf, np.inf
    each = np.asarray([np.var(one, ddof=1) / one.size for one in (first, second)])
    middle = float(np.mean(first) - np.mean(second))
    if not each.sum() > 0.0:
        return middle, middle
    freedom = each.sum() ** 2 / np.sum(each**2 / (np.asarray([first.size, second.size]) - 1.0))
    half = _t(freedom) * float(np.sqrt(each.sum()))
    return middle - half, middle + half


def _around(estimate: float, low: float, high: float) -> Interval:
    """The interval, wide enough for its estimate."""
    if np.isnan(estimate):
        return Interval(estimate, float(low), float(high))
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate))
