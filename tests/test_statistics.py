"""Intervals against the textbook, and what they must say of censored and grouped values."""

import numpy as np
import pytest

from fooljax.errors import InputError
from fooljax.statistics import hierarchical_bootstrap, median


def test_the_median_is_a_value_seen_and_infinity_is_the_largest():
    np.testing.assert_array_equal(median(np.asarray([[3.0, 1, 2], [4, np.inf, np.inf]])), [2, np.inf])
    assert median(np.asarray([4.0, 1, np.inf, np.nan])) == 4
    assert median(np.asarray([1.0, 2, 3, 4])) == 2


def test_one_group_gives_the_ordinary_interval_of_a_mean():
    values = np.random.default_rng(0).normal(5, 2, 60)
    estimate, low, high = hierarchical_bootstrap([values], lambda v: np.nanmean(v, axis=-1))
    assert estimate == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(60)
    assert low == pytest.approx(values.mean() - half, abs=0.1)
    assert high == pytest.approx(values.mean() + half, abs=0.1)


def test_groups_that_differ_widen_the_interval():
    """Runs on one target tell little about other targets, however many they are."""
    generator = np.random.default_rng(1)
    centres = generator.normal(0, 5, 6)
    groups = [centre + generator.normal(0, 0.1, 20) for centre in centres]

    def mean(v):
        return np.nanmean(v, axis=-1)

    grouped = hierarchical_bootstrap(groups, mean)
    pooled = hierarchical_bootstrap([np.concatenate(groups)], mean)
    assert grouped.high - grouped.low > 2.5 * (pooled.high - pooled.low)
    assert grouped.high - grouped.low == pytest.approx(2 * 1.96 * centres.std() / np.sqrt(6), rel=0.15)


def test_short_groups_are_not_filled_up_with_anything():
    estimate, low, high = hierarchical_bootstrap([[1.0], [1.0, 1.0, 1.0]])
    assert (estimate, low, high) == (1, 1, 1)


def test_censored_runs_make_the_upper_end_infinite():
    groups = [[10.0, 20, np.inf], [15.0, np.inf, np.inf], [12.0, 11, 30]]
    estimate, low, high = hierarchical_bootstrap(groups)
    assert estimate == 20
    assert low <= 15
    assert high == np.inf


@pytest.mark.parametrize("groups", [[], [[1.0], []], [[np.nan]]])
def test_wrong_values_are_named(groups):
    with pytest.raises(InputError, match=r"^groups: expected"):
        hierarchical_bootstrap(groups)
    with pytest.raises(InputError, match=r"^level: expected a number inside \(0, 1\), got 95"):
        hierarchical_bootstrap([[1.0]], level=95)
