"""Intervals cover what they say: over few targets, with runs that never did it, in any order of runs."""

import numpy as np
import pytest
from scipy import stats

from fooljax.analysis.statistics import (
    lower_median,
    mean_interval,
    mean_share_interval,
    median,
    median_interval,
    observations,
    ratio_interval,
    share_interval,
)
from fooljax.errors import InputError

DATA_SETS = 1000
AT_LEAST = 0.93
"""Of 95 %: the standard error of a share of 1,000 is 0.7 %."""


def lognormal(generator, targets, runs, between=1.0):
    """What runs needed, around 100, where targets vary as much as the runs on one of them."""
    return 100.0 * np.exp(
        between * generator.standard_normal((targets, 1)) + generator.standard_normal((targets, runs))
    )


def coverage(interval_of, truth):
    """The share of intervals that hold the truth, of as many as there are data sets."""
    generator = np.random.default_rng(7)
    intervals = [interval_of(generator) for _ in range(DATA_SETS)]
    return np.mean([one.low <= truth <= one.high for one in intervals])


@pytest.mark.parametrize(("targets", "runs"), [(3, 10), (5, 4), (5, 5), (1, 6)])
def test_the_interval_of_a_median_covers(targets, runs):
    between = 1.0 if targets > 1 else 0.0  # of one target it speaks of that one
    assert coverage(lambda g: median_interval(lognormal(g, targets, runs, between)), 100.0) >= AT_LEAST


@pytest.mark.parametrize(("targets", "runs"), [(3, 10), (5, 4)])
@pytest.mark.parametrize("budget", [60.0, 200.0, 400.0])
def test_it_covers_where_runs_ended_before_they_did_it(targets, runs, budget):
    def interval(generator):
        needed = lognormal(generator, targets, runs)
        return median_interval(np.where(needed > budget, np.inf, needed))

    assert coverage(interval, 100.0) >= AT_LEAST


@pytest.mark.parametrize(("targets", "runs"), [(3, 10), (5, 4)])
def test_the_interval_of_a_ratio_covers_though_targets_share_most_of_their_difficulty(targets, runs):
    def interval(generator):
        shared = np.exp(generator.standard_normal((targets, 1)))
        first = 0.05 * shared * lognormal(generator, targets, runs, between=0.5)
        second = shared * lognormal(generator, targets, runs, between=0.5)
        return ratio_interval(first, second)

    assert coverage(interval, 0.05) >= AT_LEAST


@pytest.mark.parametrize(("targets", "runs"), [(3, 10), (5, 4)])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("images", [1, 10])
def test_the_interval_of_a_share_covers(targets, runs, share, images):
    """Of runs that did it, or of the images in each; targets and runs vary as much as their parts."""
    centre = stats.norm.ppf(share) * np.sqrt(3.0 if images > 1 else 2.0)

    def interval(generator):
        ease = centre + generator.standard_normal((targets, 1, 1))
        ease = ease + (generator.standard_normal((targets, runs, 1)) if images > 1 else 0.0)
        return share_interval(np.mean(ease + generator.standard_normal((targets, runs, images)) > 0, axis=-1))

    assert coverage(interval, share) >= AT_LEAST


@pytest.mark.parametrize(("targets", "runs"), [(3, 10), (5, 5), (1, 6)])
def test_the_interval_of_a_mean_of_log_odds_covers(targets, runs):
    between = 1.0 if targets > 1 else 0.0
    assert coverage(lambda g: mean_interval(np.log(lognormal(g, targets, runs, between))), np.log(100.0)) >= (
        AT_LEAST
    )


def test_a_mean_counts_each_target_once():
    groups = [[1.0, 2, 90], [-3.0], [4.0, 6]]
    assert observations(groups).tolist() == [2, -3, 5]
    expected = stats.t.interval(0.95, 2, np.mean([2, -3, 5]), stats.sem([2, -3, 5]))
    assert mean_interval(groups) == pytest.approx((4 / 3, *expected))
    assert mean_interval([[2.0]]) == (2, -np.inf, np.inf)
    assert observations([[1.0, 5, 3]]).tolist() == [1, 5, 3]
    with pytest.raises(InputError, match=r"^groups: expected finite numbers, got inf"):
        mean_interval([[1.0, np.inf], [2.0]])


def test_a_mean_of_shares_stays_within_what_shares_can_be():
    assert mean_share_interval([[0.5], [0.5]]) == (0.5, 0.5, 0.5)
    assert mean_share_interval([[0.75]]) == (0.75, 0, 1)
    groups = [[0.9], [1.0], [0.8]]
    assert mean_interval(groups).high > 1.0
    assert mean_share_interval(groups) == (*mean_interval(groups)[:2], 1.0)


def test_the_order_of_runs_and_of_targets_changes_nothing():
    generator = np.random.default_rng(3)
    first, second = lognormal(generator, 4, 6), 3.0 * lognormal(generator, 4, 6)
    second[2, :4] = np.inf
    shares = generator.random((4, 6))
    targets = generator.permutation(4)

    def shuffled(groups):
        return [generator.permutation(groups[target]) for target in targets]

    for _ in range(3):
        assert ratio_interval(shuffled(first), shuffled(second)) == pytest.approx(
            ratio_interval(first, second)
        )
        assert median_interval(shuffled(second)) == pytest.approx(median_interval(second))
        assert share_interval(shuffled(shares)) == pytest.approx(share_interval(shares))
    one = ratio_interval(first[:1], second[:1])
    assert ratio_interval([first[0][::-1]], [generator.permutation(second[0])]) == pytest.approx(one)


def test_of_values_that_are_all_finite_it_is_the_t_interval_of_the_textbook():
    logs = np.asarray([1.0, 2.0, 4.0])
    _, low, high = median_interval([[value] for value in np.expm1(logs)])
    expected = stats.t.interval(0.95, 2, logs.mean(), logs.std(ddof=1) / np.sqrt(3))
    assert np.log1p([low, high]) == pytest.approx([max(expected[0], 0.0), expected[1]])


def test_of_one_target_the_ratio_is_welchs():
    first, second = [3.0, 4, 5, 9], [10.0, 30, 50]
    expected = stats.ttest_ind(np.log(first), np.log(second), equal_var=False).confidence_interval(0.95)
    estimate, low, high = ratio_interval([first], [second])
    assert estimate == 4.0 / 30.0
    assert np.log([low, high]) == pytest.approx([expected.low, expected.high])


def test_the_lower_median_is_a_value_seen_and_infinity_is_the_largest():
    assert lower_median([3.0, 1, 2]) == 2
    assert lower_median([4.0, np.inf, np.inf]) == np.inf
    assert lower_median([1.0, 2, 3, 4]) == 2
    assert lower_median([1.0, np.inf]) == 1


def test_the_median_is_between_the_two_in_the_middle():
    assert median([3.0, 1, 2]) == 2
    assert median([4.0, 1, 2, 3]) == 2.5


@pytest.mark.parametrize("of", [median, lower_median])
def test_there_is_no_median_of_nothing(of):
    with pytest.raises(InputError, match=r"^values: expected at least one"):
        of([])


def test_a_target_that_never_did_it_leaves_the_upper_end_open():
    estimate, low, high = median_interval([[10.0, 20, 30], [15.0, 16, np.inf], [12.0, 11, 30], [np.inf] * 3])
    assert estimate == 20
    assert 0 < low < 16
    assert high == np.inf


def test_where_hardly_any_run_did_it_no_lower_end_is_claimed():
    assert median_interval([[np.inf] * 10] * 3) == (np.inf, 0, np.inf)
    assert median_interval([[10.0], [np.inf]]) == (10, 0, np.inf)
    assert median_interval([[10.0]]) == (10, 0, np.inf)
    assert ratio_interval([[1.0, 2], [3.0, np.inf]], [[np.inf] * 2] * 2)[1:] == (0, np.inf)


def test_a_target_that_never_did_it_as_the_denominator_leaves_the_lower_end_open():
    estimate, low, high = ratio_interval([[1.0], [2], [2], [3]], [[10.0], [30], [20], [np.inf]])
    assert estimate == 2 / 20
    assert low == 0
    assert 0.1 < high < 1.0


def test_ends_beyond_all_floats_are_infinite():
    assert median_interval([[1.0], [1e300]])[1:] == (0, np.inf)
    assert ratio_interval([[1.0], [1e300]], [[1e300], [1.0]])[1:] == (0, np.inf)


def test_many_runs_are_no_trouble():
    values = np.append(np.random.default_rng(0).lognormal(3.0, 1.0, 3000), np.inf)
    estimate, low, high = median_interval([values])
    assert 0.9 * np.exp(3.0) < low < estimate < high < 1.1 * np.exp(3.0)
    estimate, low, high = median_interval([[value] for value in values])
    assert 0.9 * np.exp(3.0) < low <= estimate
    assert high == np.inf


def test_of_one_target_the_ends_are_runs_whatever_their_distribution():
    assert median_interval([[3.0, 100, 1, 2, 50, np.inf]]) == (3, 1, np.inf)
    skewed = coverage(lambda g: median_interval([g.exponential(1.0, 10) ** 4]), np.log(2.0) ** 4)
    assert skewed >= 0.95


def test_a_share_without_exception_is_no_certainty():
    estimate, low, high = share_interval([[1.0] * 5] * 5)
    assert (estimate, high) == (1, 1)
    assert 0.7 < low < 0.9
    assert share_interval([[0.0] * 5] * 5) == pytest.approx((0, 0, 1 - low))
    assert share_interval([[0.5]]) == (0.5, 0, 1)


@pytest.mark.parametrize("groups", [[], [[1.0], []], [[np.nan]], [[-1.0]]])
def test_wrong_values_are_named(groups):
    for of in (median_interval, share_interval, lambda groups: ratio_interval(groups, groups)):
        with pytest.raises(InputError, match=r"^groups: expected"):
            of(groups)
    with pytest.raises(InputError, match=r"^groups: expected numbers in \[0, 1\], got 1.5"):
        share_interval([[1.5]])
    with pytest.raises(InputError, match=r"^groups: expected numbers above 0, got 0"):
        ratio_interval([[1.0]], [[0.0]])
    with pytest.raises(InputError, match=r"^second: expected 1 groups, as the first has, got 2"):
        ratio_interval([[1.0]], [[1.0], [2.0]])
