"""Rates of plain independent trials, such as the answers of people, and how far labellers agree."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.analysis.statistics import Interval
from fooljax.checks import check_counts
from fooljax.errors import InputError

_RESAMPLES = 2_000
"""Draws of images behind the interval of an agreement."""


def wilson_interval(hits: int, count: int) -> Interval:
    """A share of independent trials, with Wilson's interval of 95 %.

    The trials must be alike and independent: images that one person labelled, or photographs that one network
    named. For runs on several targets use `fooljax.analysis.statistics.share_interval`.

    Args:
      hits: trials that succeeded.
      count: all trials, at least 1.
    Raises:
      InputError: `count` is less than 1, or `hits` is not from 0 to `count`.
    """
    check_counts(count=(count, 1), hits=(hits, 0))
    if hits > count:
        raise InputError(f"hits: expected at most {count:,}, the count, got {hits:,}")
    low, high = scipy.stats.binomtest(int(hits), int(count)).proportion_ci(method="wilson")
    return Interval(hits / count, float(low), float(high))


def difference_of_rates(first: tuple[int, int], second: tuple[int, int]) -> Interval:
    """How much greater one share of independent trials is than another, with Newcombe's interval of 95 %.

    Args:
      first: trials that succeeded, and all of them.
      second: the same of what it is compared with.
    Raises:
      InputError: see `wilson_interval`.

    Source: Newcombe 1998, Statistics in Medicine 17, pp. 873-890, method 10.
    """
    one, other = wilson_interval(*first), wilson_interval(*second)
    apart = one.estimate - other.estimate
    below = np.hypot(one.estimate - one.low, other.high - other.estimate)
    above = np.hypot(one.high - one.estimate, other.estimate - other.low)
    return Interval(apart, float(apart - below), float(apart + above))


def krippendorff_alpha(answers: npt.NDArray[Any]) -> Interval:
    """How far labellers agree beyond chance: Krippendorff's alpha for names, with an interval of 95 %.

    1 is perfect agreement, 0 what chance gives, below 0 less than chance. Answers may be missing. An image
    that fewer than two people labelled says nothing and is left out. The interval comes from drawing images
    with replacement, always the same way. It covers other images, not other people.

    Args:
      answers: `[people, images]`, integers; negative where there is no answer.
    Returns:
      NaN with the ends -1 and 1 where no image has two answers, or all answers are the same one.
    Raises:
      InputError: it is not a matrix of integers.

    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability".
    """
    answers = np.asarray(answers)
    if answers.ndim != 2 or not np.issubdtype(answers.dtype, np.integer):
        raise InputError(
            f"answers: expected integers [people, images], got {answers.dtype} {list(answers.shape)}"
        )
    names = np.unique(answers[answers >= 0])
    counts = np.sum(answers[:, :, None] == names, axis=0)  # [images, names]
    counts = counts[counts.sum(axis=1) >= 2]
    alpha = _alpha(counts)
    if np.isnan(alpha):
        return Interval(alpha, -1.0, 1.0)
    generator = np.random.default_rng(0)
    drawn = [_alpha(generator.choice(counts, len(counts))) for _ in range(_RESAMPLES)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(alpha, min(float(low), alpha), max(float(high), alpha))


def _alpha(counts: npt.NDArray[np.int64]) -> float:
    """Alpha of `[images, names]`: how many people gave each image each name."""
    people = counts.sum(axis=1)
    total = counts.sum(axis=0)
    expected = total.sum() ** 2 - np.sum(total**2)
    if expected == 0:
        return float("nan")
    observed = np.sum((people**2 - np.sum(counts**2, axis=1)) / (people - 1))
    return float(1.0 - (total.sum() - 1) * observed / expected)
