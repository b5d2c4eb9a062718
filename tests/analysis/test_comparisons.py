"""Tests of ranks agree with scipy's, count targets rather than runs, and their effect sizes cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fooljax.analysis.comparisons import holm, mann_whitney, signed_rank
from fooljax.errors import InputError

SMALL = st.lists(st.integers(0, 9), min_size=2, max_size=5)


def alone(values):
    """One run on each target."""
    return [[float(value)] for value in values]


def test_without_ties_the_p_values_are_scipys_exact_ones():
    generator = np.random.default_rng(0)
    for _ in range(5):
        first, second = generator.normal(size=5), generator.normal(0.5, size=4)
        expected = stats.mannwhitneyu(first, second, method="exact")
        ours = mann_whitney(alone(first), alone(second))
        assert (ours.u, ours.p) == pytest.approx((expected.statistic, expected.pvalue))
        assert signed_rank(alone(first)).p == pytest.approx(stats.wilcoxon(first, method="exact").pvalue)


def test_of_many_they_are_scipys_corrected_for_ties():
    generator = np.random.default_rng(1)
    first, second = generator.integers(0, 6, 40), generator.integers(1, 8, 30)
    expected = stats.mannwhitneyu(first, second, method="asymptotic")
    assert mann_whitney(alone(first), alone(second))[:2] == pytest.approx(expected)
    differences = first[:30] - second
    expected = stats.wilcoxon(differences, method="asymptotic", correction=True)
    assert signed_rank(alone(differences)).p == pytest.approx(expected.pvalue)


@settings(max_examples=20, deadline=None)
@given(SMALL, SMALL)
def test_few_with_ties_are_exact(first, second):
    """Against all ways to deal the ranks, gone through by scipy's general permutation test."""

    ranks = stats.rankdata([*first, *second])
    expected = stats.permutation_test(
        (ranks[: len(first)], ranks[len(first) :]), lambda one, _: np.sum(one), n_resamples=np.inf
    )
    assert mann_whitney(alone(first), alone(second)).p == pytest.approx(expected.pvalue)


def test_a12_is_the_share_of_pairs_and_turns_with_the_sides():
    ours = mann_whitney(alone([1, 2, 2, 5]), alone([2, 3, 0]))  # above the second: 1, 1.5, 1.5 and 3 of 3
    assert ours.a12.estimate == pytest.approx(7 / 12)
    assert ours.u == 7
    turned = mann_whitney(alone([2, 3, 0]), alone([1, 2, 2, 5]))
    assert turned.p == pytest.approx(ours.p)
    assert turned.a12 == pytest.approx((1 - ours.a12[0], 1 - ours.a12[2], 1 - ours.a12[1]))


def test_several_runs_on_a_target_are_one_observation():
    first, second = [[1.0, 9, 2], [3.0]], [[5.0, 5], [8.0]]
    assert mann_whitney(first, second) == mann_whitney(alone([2, 3]), alone([5, 8]))
    assert mann_whitney(first, second).counts == (2, 2)
    assert signed_rank(first) == signed_rank(alone([2, 3]))


def test_runs_that_never_did_it_are_the_largest():
    assert mann_whitney(alone([1, np.inf]), alone([2, 3])) == mann_whitney(alone([1, 9]), alone([2, 3]))


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("truth", [0.5, 0.9, 0.98])
def test_the_interval_of_a12_covers(count, truth):
    generator = np.random.default_rng(7)
    shift = stats.norm.ppf(truth) * np.sqrt(2.0)
    held = []
    with pytest.MonkeyPatch.context() as patch:  # the interval alone: exact p-values would take long
        patch.setattr("fooljax.analysis.comparisons._MOST_ARRANGEMENTS", 0)
        for _ in range(200):
            first, second = generator.normal(shift, size=count), generator.normal(size=5)
            a12 = mann_whitney(alone(first), alone(second)).a12
            held.append(a12.low <= truth <= a12.high)
    assert np.mean(held) >= 0.93


def test_a_side_that_is_always_greater_is_no_certainty():
    (estimate, low, high), counts = mann_whitney(alone(range(5, 10)), alone(range(5)))[2:]
    assert (estimate, high, counts) == (1, 1, (5, 5))
    assert 0.5 < low < 0.7
    assert mann_whitney([[1.0]], [[0.0]]).a12 == (1, 0, 1)


def test_the_signed_ranks_effect_is_the_share_of_ranks_and_leaves_zeros_out():
    found = signed_rank(alone([1, 2, -3, 4, 0]))  # ranks 1, 2, 4 against 3
    assert found.rank_biserial == pytest.approx((7 - 3) / 10)
    assert (found.pairs, found.ties) == (5, 1)
    assert signed_rank(alone([1, 2, 3, 4, 5])) == (0.0625, 1, 5, 0)
    assert signed_rank(alone([0, 0])) == (1, 0, 2, 2)


def test_holms_correction_is_that_of_the_paper():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([]).size == 0
    with pytest.raises(InputError, match=r"^p_values: expected numbers in \[0, 1\], got 1.5"):
        holm([0.5, 1.5])


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_rejects_no_more_than_each_test_and_no_less_than_bonferroni(given_values):
    corrected, values = holm(given_values), np.asarray(given_values)
    assert np.all(corrected >= values)
    assert np.all(corrected <= np.minimum(values * len(values), 1.0) + 1e-12)


@pytest.mark.parametrize("groups", [[], [[]], [[np.nan]]])
def test_wrong_values_are_named(groups):
    for of in (signed_rank, lambda groups: mann_whitney(groups, [[1.0]])):
        with pytest.raises(InputError, match=r"^groups: expected"):
            of(groups)


def test_one_observation_alone_can_be_tested_though_it_tells_little():
    assert mann_whitney([[1.0]], alone([0, 2])).p == 1
    assert mann_whitney([[2.0]], alone([0, 2])).p > 0.5
    assert signed_rank([[3.0]]) == (1, 1, 1, 0)
