"""Trends against scipy, and against numbers that were made with one."""

import numpy as np
import pytest
from scipy import stats

from fooljax.analysis.trends import trend
from fooljax.errors import InputError

LEVELS = [250, 1000, 4000, 16000]


def test_a_straight_line_is_found_with_its_slope():
    values = [[2.0 - 3.0 * np.log10(level) + seed for level in LEVELS] for seed in range(3)]
    found = trend(LEVELS, values)
    assert found.slope == pytest.approx((-3.0, -3.0, -3.0))
    assert found.correlation.rho.estimate < -0.9
    assert found.correlation.pairs == 12
    assert found.page < 0.01


def test_it_agrees_with_scipy_on_noise():
    values = np.random.default_rng(0).normal(size=(5, 4))
    found = trend(LEVELS, values)
    rho = stats.spearmanr(np.tile(LEVELS, 5), values.ravel()).statistic
    assert found.correlation.rho.estimate == pytest.approx(rho)
    up, down = stats.page_trend_test(values).pvalue, stats.page_trend_test(-values).pvalue
    assert found.page == pytest.approx(min(1.0, 2.0 * min(up, down)))
    slopes = [np.polyfit(np.log10(LEVELS), one, 1)[0] for one in values]
    assert found.slope.estimate == pytest.approx(np.mean(slopes))
    assert found.slope.low < np.mean(slopes) < found.slope.high


def test_what_was_never_done_has_a_rank_and_no_slope():
    found = trend(LEVELS[:3], [[100.0, 200.0, np.inf], [90.0, np.inf, np.inf]])
    assert found.correlation.rho.estimate > 0.8
    assert np.isnan(found.slope.estimate)
    assert 0.0 < found.page <= 1.0


def test_one_network_a_level_has_no_blocks():
    found = trend([20, 32, 44, 56], [[4.0, 3.0, 2.0, 1.0]])
    assert found.page is None
    assert found.correlation.rho.estimate == -1.0
    assert found.slope.low == -np.inf


@pytest.mark.parametrize("levels", [[1000, 250], [0, 1], [250], [250, 1000, 4000]])
def test_levels_that_do_not_fit_are_one_line(levels):
    with pytest.raises(InputError, match=r"^values: expected \[S, L\] for rising levels \[L\], got \[2, 2\]"):
        trend(levels, [[1.0, 2.0], [3.0, 4.0]])
