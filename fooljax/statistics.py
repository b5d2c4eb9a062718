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
    if not groups or not all(len(group) for group in groups):
        raise InputError("groups: expected at least one, each with a value")
    if not 0.0 < level < 1.0:
        raise InputError(f"level: expected a number inside (0, 1), got {level}")
    sizes = np.asarray([len(group) for group in groups])
    values = np.full((len(groups), sizes.max()), np.nan)
    for index, group in enumerate(groups):
        values[index, : len(group)] = group
    if np.any(np.isnan(values[np.arange(sizes.max()) < sizes[:, None]])):
        raise InputError("groups: expected numbers, got NaN")
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(groups), size=(resamples, len(groups)))
    members = np.floor(generator.random((*chosen.shape, sizes.max())) * sizes[chosen][..., None]).astype(int)
    drawn = values[chosen[..., None], members]
    drawn[np.arange(sizes.max()) >= sizes[chosen][..., None]] = np.nan
    estimates = np.sort(statistic(drawn.reshape(resamples, -1)))
    # Whole estimates rather than points between two, one of which may be infinite.
    low = np.quantile(estimates, (1 - level) / 2, method="lower")
    high = np.quantile(estimates, (1 + level) / 2, method="higher")
    return Interval(float(statistic(values.reshape(-1))), float(low), float(high))
