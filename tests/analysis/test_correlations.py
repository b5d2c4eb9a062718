"""Rank correlations are scipy's, and their intervals cover."""

import numpy as np
import pytest
from scipy import stats

from fooljax.analysis.correlations import mean_correlation, spearman
from fooljax.errors import InputError


def pairs(generator, count, correlation):
    first = generator.standard_normal(count)
    return first, correlation * first + np.sqrt(1 - correlation**2) * generator.standard_normal(count)


def test_coefficient_and_p_are_scipys():
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 9, 30), generator.integers(0, 9, 30)
    ours, expected = spearman(first, second), stats.spearmanr(first, second)
    assert (ours.rho.estimate, ours.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert ours.pairs == 30


def test_of_few_the_p_value_is_exact():
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]).p == pytest.approx(2 / 24)
    assert spearman([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]).p == pytest.approx(2 / 120)


@pytest.mark.parametrize("count", [10, 50])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_interval_covers(count, correlation):
    generator = np.random.default_rng(3)
    truth = 6 / np.pi * np.arcsin(correlation / 2)
    found = [spearman(*pairs(generator, count, correlation)).rho for _ in range(300)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.93


def test_an_order_without_exception_is_no_certainty_over_few():
    (estimate, low, high), p, _ = spearman(range(10), range(10))
    assert (estimate, high) == pytest.approx((1, 1))
    assert 0.8 < low < 1
    assert p < 1e-6


def test_what_does_not_vary_has_no_correlation():
    (estimate, low, high), p, _ = spearman([1, 1, 1, 1], [1, 2, 3, 4])
    assert np.isnan(estimate)
    assert (low, high, p) == (-1, 1, 1)


def test_infinite_passes_are_the_largest():
    assert spearman([1, 2, 3, np.inf], [1, 2, 3, 4]) == spearman([1, 2, 3, 9], [1, 2, 3, 4])


def test_the_mean_of_targets_lies_between_them_and_covers_them_as_units():
    estimate, low, high = mean_correlation([[0.5, 0.6], [0.3], [0.4]])
    assert low < estimate < high
    assert 0.3 < estimate < 0.55
    assert mean_correlation([[0.5]]) == pytest.approx((0.5, -1, 1))
    assert mean_correlation([[1.0], [1.0]])[2] <= 1


def test_wrong_values_are_named():
    with pytest.raises(InputError, match=r"^second: expected as many numbers as the first has"):
        spearman([1, 2, 3, 4], [1, 2, 3])
    with pytest.raises(InputError, match=r"^first, second: expected numbers, got NaN"):
        spearman([1, 2, 3, np.nan], [1, 2, 3, 4])
    with pytest.raises(InputError, match=r"^groups: expected numbers in \[-1, 1\], got 1.5"):
        mean_correlation([[1.5]])
