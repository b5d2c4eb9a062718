"""Rates of independent trials, and the agreement of labellers."""

import numpy as np
import pytest
from scipy import stats

from fooljax.analysis.rates import difference_of_rates, krippendorff_alpha, wilson_interval
from fooljax.errors import InputError

NONE = -1
PUBLISHED = np.asarray(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
)
"""Krippendorff 2011, section C: four observers, twelve units, missing answers; alpha is 0.743."""


def test_wilsons_interval_is_the_textbooks():
    assert wilson_interval(9, 10) == pytest.approx((0.9, 0.5958, 0.9821), abs=1e-4)
    assert wilson_interval(0, 10)[:2] == (0, 0)
    for wrong in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(InputError, match=r"^(hits|count): expected"):
            wilson_interval(*wrong)


def test_newcombes_interval_is_the_papers():
    """Newcombe 1998, table II, line a, and what is certain on one side alone."""
    assert difference_of_rates((56, 70), (48, 80)) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert difference_of_rates((48, 80), (56, 70)) == pytest.approx((-0.2, -0.3339, -0.0524), abs=1e-4)
    assert difference_of_rates((10, 10), (0, 20)).high == 1.0


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_wilsons_interval_covers(share):
    weights = stats.binom.pmf(np.arange(41), 40, share)
    ends = [wilson_interval(hits, 40) for hits in range(41)]
    assert weights @ [one.low <= share <= one.high for one in ends] >= 0.93


def test_alpha_of_the_published_example():
    estimate, low, high = krippendorff_alpha(PUBLISHED)
    assert estimate == pytest.approx(0.743, abs=5e-4)
    assert low < estimate < high


def test_alpha_is_1_for_agreement_and_about_0_for_chance():
    answers = np.random.default_rng(0).integers(0, 5, (3, 200))
    assert krippendorff_alpha(answers[[0, 0]]) == (1, 1, 1)
    estimate, low, high = krippendorff_alpha(answers)
    assert low < 0 < high
    assert abs(estimate) < 0.1


def test_alpha_depends_neither_on_the_order_of_people_nor_on_who_left_an_answer_out():
    turned = PUBLISHED[::-1].copy()
    assert krippendorff_alpha(turned) == krippendorff_alpha(PUBLISHED)
    moved = np.sort(PUBLISHED, axis=0)
    assert krippendorff_alpha(moved) == krippendorff_alpha(PUBLISHED)
    alone = np.concatenate([PUBLISHED, np.asarray([[7], [NONE], [NONE], [NONE]])], axis=1)
    assert krippendorff_alpha(alone).estimate == krippendorff_alpha(PUBLISHED).estimate


@pytest.mark.parametrize("answers", [np.full((2, 3), NONE), np.ones((2, 3), int), np.eye(3, dtype=int) - 1])
def test_where_nothing_can_be_said_alpha_is_no_number(answers):
    estimate, low, high = krippendorff_alpha(answers)
    assert np.isnan(estimate)
    assert (low, high) == (-1, 1)


def test_answers_that_are_none_are_named():
    with pytest.raises(InputError, match=r"^answers: expected integers \[people, images\], got float64"):
        krippendorff_alpha(np.ones(3))
