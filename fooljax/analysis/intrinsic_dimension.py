"""The intrinsic dimension of a set of images: how many numbers it takes to say which image of the set it is.

Two estimators ask the distances to the nearest neighbours. The first takes k of them: maximum likelihood
(Levina and Bickel 2004), averaged over points as MacKay and Ghahramani (2005) correct it; Pope et al. (2021)
estimate the dimension of data sets of images by it. The second takes two: TwoNN (Facco et al. 2017).

Both depend on how many points there are, so sets are compared at equal counts.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.statistics import Interval
from fooljax.errors import InputError

Points = npt.NDArray[np.float64]
"""`[N, D]`."""
DISCARDED = 0.1
"""Of the ratios of TwoNN, the largest: so large ones are rare, and noisy. Facco et al. 2017."""
MOST_AT_ONCE = 2**25
"""Distances held in memory at a time."""


class Dimension(NamedTuple):
    """An estimate with its interval of 95 %, and how it was made.

    Attributes:
      interval: of the estimate, for other samples of as many points from the same source.
      points: that were used; of points that are equal one.
    """

    interval: Interval
    points: int


def distinct(points: npt.ArrayLike) -> Points:
    """Points without those that are there already, as rows of float64, in the order of first appearance.

    Args:
      points: `[N, ...]`, as images.
    Returns:
      `[M, D]`.
    Raises:
      InputError: they are not numbers, or one is not finite.
    """
    values = np.asarray(points)
    if values.ndim < 2 or not values.size or values.dtype.kind not in "uif":
        raise InputError(f"points: expected [N, ...] numbers, got {list(values.shape)} {values.dtype}")
    rows = values.reshape(len(values), -1).astype(np.float64)
    if not np.all(np.isfinite(rows)):
        raise InputError("points: expected finite numbers, got some that are not")
    _, first = np.unique(rows, axis=0, return_index=True)
    return rows[np.sort(first)]


def nearest_distances(points: Points, k: int) -> npt.NDArray[np.float64]:
    """The distances of every point to its k nearest neighbours, the nearest first.

    Args:
      points: `[N, D]`, no two equal.
      k: neighbours, fewer than N.
    Returns:
      `[N, k]`.
    Raises:
      InputError: there are not so many neighbours.
    """
    count = len(points)
    if not 1 <= k < count:
        raise InputError(f"k: expected 1 to {count - 1} neighbours among {count} points, got {k}")
    centred = points - np.rint(points.mean(axis=0))  # integers stay integers, whose squares are exact
    squares = np.sum(centred**2, axis=1)
    found = np.empty((count, k))
    step = max(MOST_AT_ONCE // count, 1)
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        apart = squares[part, None] + squares[None, :] - 2.0 * centred[part] @ centred.T
        apart[np.arange(apart.shape[0]), np.arange(part.start, part.stop)] = np.inf
        found[part] = np.sort(np.partition(apart, k - 1, axis=1)[:, :k], axis=1)
    return np.sqrt(np.maximum(found, np.finfo(float).tiny))


def by_likelihood(distances: npt.NDArray[np.float64], k: int) -> float:
    """The dimension by maximum likelihood over k neighbours.

    Args:
      distances: `[N, K]` with K >= k >= 2, see `nearest_distances`.
      k: neighbours.
    Returns:
      The inverse of the mean over points of the mean of ln(T_k / T_j) for j below k.
    Raises:
      InputError: there are not so many neighbours.
    """
    if not 2 <= k <= distances.shape[1]:
        raise InputError(f"k: expected 2 to {distances.shape[1]} neighbours, got {k}")
    logs = np.log(distances[:, k - 1 : k]) - np.log(distances[:, : k - 1])
    with np.errstate(divide="ignore"):
        return float(1.0 / np.mean(logs))


def by_two_neighbours(distances: npt.NDArray[np.float64]) -> float:
    """The dimension by the ratio of the distances to the second and to the first neighbour.

    Args:
      distances: `[N, K]` with K >= 2, see `nearest_distances`.
    Returns:
      The slope, through the origin, of -ln(1 - F) over ln(T_2 / T_1), F being the share of ratios that are
      smaller; the largest tenth of them is left out.
    """
    ratios = np.sort(np.log(distances[:, 1]) - np.log(distances[:, 0]))
    share = np.arange(len(ratios)) / len(ratios)
    kept = int(len(ratios) * (1.0 - DISCARDED))
    x, y = ratios[:kept], -np.log1p(-share[:kept])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.dot(x, y) / np.dot(x, x))


def estimators(ks: Sequence[int]) -> dict[str, Callable[[npt.NDArray[np.float64]], float]]:
    """The estimators by name: "k = 5" and so on for likelihood, and "TwoNN"; each takes distances."""
    found: dict[str, Callable[[npt.NDArray[np.float64]], float]] = {
        f"k = {k}": lambda distances, k=k: by_likelihood(distances, k)  # type: ignore[misc]
        for k in ks
    }
    return {**found, "TwoNN": by_two_neighbours}


def dimensions(
    points: npt.ArrayLike, ks: Sequence[int], *, draws: int = 50, seed: int = 0
) -> dict[str, Dimension]:
    """The intrinsic dimension by every estimator, with intervals by subsampling.

    Each draw takes half of the points, without replacement: so the variance over draws is that of the
    estimate from all of them (Wu 1990). A bootstrap would draw points twice, whose distance is 0. Half of the
    points lie further apart, which shifts an estimate; so the draws tell the spread, around their own median.

    Args:
      points: `[N, ...]`, as images. Of equal ones one is kept.
      ks: numbers of neighbours for likelihood.
      draws: how many halves.
      seed: of the draws.
    Returns:
      By the name of the estimator the estimate from all points and its interval.
    Raises:
      InputError: there are fewer than twice as many different points as neighbours.
    """
    rows = distinct(points)
    most = max([2, *ks])
    if len(rows) // 2 <= most:
        raise InputError(f"points: expected more than {2 * most + 1} different ones, got {len(rows)}")
    named = estimators(ks)
    all_ = {name: estimator(nearest_distances(rows, most)) for name, estimator in named.items()}
    rng = np.random.default_rng(seed)
    halves = []
    for _ in range(draws):
        chosen = rng.permutation(len(rows))[: len(rows) // 2]
        distances = nearest_distances(rows[chosen], most)
        halves.append({name: estimator(distances) for name, estimator in named.items()})
    found = {}
    for name, estimate in all_.items():
        drawn = np.asarray([half[name] for half in halves])
        low, high = estimate + np.quantile(drawn, [0.025, 0.975]) - np.median(drawn)
        interval = Interval(estimate, max(min(float(low), estimate), 0.0), max(float(high), estimate))
        found[name] = Dimension(interval, len(rows))
    return found
