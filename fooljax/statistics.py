"""Intervals for results whose unit is a run on an independently trained target."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

RESAMPLES = 10_000


class Interval(NamedTuple):
    """An estimate and the ends of its interval; any may be infinite."""

    estimate: float
    low: float
    high: float


def median(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Along the last axis, NaN left out; of an even number the lower middle, so that it is a value seen.

    A generation never reached is infinite: it takes part as larger than any other.
    """
    return np.asarray(np.nanquantile(values, 0.5, axis=-1, method="inverted_cdf"))


def hierarchical_bootstrap(
    groups: Sequence[Sequence[float]],
    statistic: Callable[[npt.NDArray[np.float64]], npt.NDArray[Any]] = median,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """A percentile interval that resamples groups (targets) and, within each, members (runs).

    With few groups it is too narrow, as every bootstrap is; with one it speaks of that one alone.

    Args:
      groups: the values of each group, one or more in each; never NaN.
      statistic: `[..., n] -> [...]`, of one sample or of many; leaves NaN out, which fills up short groups.
      level: of the interval, in (0, 1).
      resamples: how many.
      seed: of NumPy's generator.
    Raises:
      InputError: there are no values, or one is NaN, or `level` is not in (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise InputError(f"level: expected a number inside (0, 1), got {level}")
    estimates = np.sort(resampled(groups, statistic, resamples=resamples, seed=seed))
    return Interval(float(statistic(_padded(groups).reshape(-1))), *_ends(estimates, level))


def ratio(
    first: Sequence[Sequence[float]],
    second: Sequence[Sequence[float]],
    statistic: Callable[[npt.NDArray[np.float64]], npt.NDArray[Any]] = median,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """A percentile interval of the ratio of two statistics over the same groups (targets).

    Each resample draws the same groups for both. Infinite over infinite counts as infinite.

    Args:
      first: values of the numerator, one sequence for each group.
      second: of the denominator, in the same order of groups.
      statistic: as in `hierarchical_bootstrap`.
      level: as there.
      resamples: as there.
      seed: as there.
    Raises:
      InputError: as there, or the groups are not as many.
    """
    if len(first) != len(second):
        raise InputError(f"second: expected {len(first)} groups, as the first has, got {len(second)}")
    with np.errstate(invalid="ignore"):
        drawn = resampled(first, statistic, resamples=resamples, seed=seed) / resampled(
            second, statistic, resamples=resamples, seed=seed
        )
        whole = float(statistic(_padded(first).reshape(-1))) / float(statistic(_padded(second).reshape(-1)))
    estimates = np.sort(np.where(np.isnan(drawn), np.inf, drawn))
    return Interval(np.inf if np.isnan(whole) else whole, *_ends(estimates, level))


def resampled(
    groups: Sequence[Sequence[float]],
    statistic: Callable[[npt.NDArray[np.float64]], npt.NDArray[Any]] = median,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> npt.NDArray[np.float64]:
    """The statistic of each resample, `[resamples]`; arguments and errors as `hierarchical_bootstrap`."""
    values = _padded(groups)
    sizes = np.asarray([len(group) for group in groups])
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(groups), size=(resamples, len(groups)))
    members = np.floor(generator.random((*chosen.shape, sizes.max())) * sizes[chosen][..., None]).astype(int)
    drawn = values[chosen[..., None], members]
    drawn[np.arange(sizes.max()) >= sizes[chosen][..., None]] = np.nan
    return np.asarray(statistic(drawn.reshape(resamples, -1)), np.float64)


def _padded(groups: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
    """The values as `[groups, most members]`, filled up with NaN."""
    if not groups or not all(len(group) for group in groups):
        raise InputError("groups: expected at least one, each with a value")
    if any(np.any(np.isnan(np.asarray(group, np.float64))) for group in groups):
        raise InputError("groups: expected numbers, got NaN")
    values = np.full((len(groups), max(map(len, groups))), np.nan)
    for index, group in enumerate(groups):
        values[index, : len(group)] = group
    return values


def _ends(estimates: npt.NDArray[np.float64], level: float) -> tuple[float, float]:
    """Whole estimates rather than points between two, one of which may be infinite."""
    low = np.quantile(estimates, (1 - level) / 2, method="lower")
    high = np.quantile(estimates, (1 + level) / 2, method="higher")
    return float(low), float(high)
