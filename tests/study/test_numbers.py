"""How published numbers are written: bounds outward, nothing rounded up to more than it is."""

from decimal import ROUND_CEILING, ROUND_FLOOR

import numpy as np
import pytest

from fooljax.analysis.statistics import Interval
from fooljax.study import numbers


def test_shares_and_confidences_are_cut_and_floats_are_not_taken_for_less():
    assert numbers.percent(0.96699) == "96.6 %"
    assert numbers.percent(0.29) == "29.0 %"
    assert numbers.percent(0.99999) == "99.9 %"
    assert (numbers.percent(1.0), numbers.percent(0.0), numbers.percent(None)) == ("100 %", "0 %", "-")
    assert numbers.percent(0.96101, rounding=ROUND_CEILING) == "96.2 %"
    assert numbers.confidence(np.log(0.96699 / 0.03301), 1) == "96.6 %"
    assert numbers.confidence(30.0, 1) == "≥ 99.9999 %"
    assert numbers.confidence(9.2, 1) == "99.98 %"
    assert numbers.confidence(-20.0, 1) == "< 0.01 %"
    assert numbers.confidence(None, 1) == numbers.format_confidence(None)


@pytest.mark.parametrize("value", [0.61999, 0.29, 0.9999, 0.0004, 1.0, float(np.mean([0.654] * 3))])
def test_a_chance_has_the_digits_of_the_same_share(value):
    assert float(numbers.percent(value).removesuffix(" %")) == round(100 * float(numbers.chance(value)), 1)
    assert float(numbers.chance(value)) <= value + 1e-9
    assert (numbers.chance(value) == "1.000") == (value == 1.0)


def test_a_chance_has_its_interval_outward():
    assert numbers.chances(Interval(0.6196, 0.5009, 0.7301)) == "0.619 [0.500, 0.731]"
    assert numbers.chances(Interval(0.6196, -np.inf, np.inf)) == "0.619"


@pytest.mark.parametrize("value", [3.049, 0.0333, 1.1, 146999.5, 0.99951, 12345.6, 1e-4])
def test_bounds_go_outward(value):
    for digits in (2, 3):
        low = float(numbers.significant(value, digits, ROUND_FLOOR).replace(",", ""))
        high = float(numbers.significant(value, digits, ROUND_CEILING).replace(",", ""))
        assert low <= value <= high
        assert high - low <= 10.0 ** (np.floor(np.log10(value)) - digits + 1) * 1.001


def test_spreads_and_intervals_are_written_with_their_bounds_outward():
    assert numbers.spread({"median": 3.76, "min": 3.049, "max": 4.301}) == "3.76 [3.04, 4.31]"
    assert numbers.ratio(Interval(0.0166, 0.00146, 0.231)) == "0.017 [0.0014, 0.24]"
    assert numbers.ratio(Interval(0.5, 0.1, np.inf)) == "0.50 [0.10, unbounded]"
    assert numbers.ratio(Interval(0.5, 0.0, np.inf)) == "0.50"
    assert numbers.ratio(Interval(np.inf, 0.0, np.inf)) == numbers.ratio(Interval(np.nan, 0.0, np.inf)) == "-"
    assert numbers.shares(Interval(0.9796, 0.6913, 0.99951)) == "97.9 % [69.1, 100.0]"
    assert numbers.shares(Interval(float(np.mean([0.94] * 5)), 0.411, 1.0)) == "94.0 % [41.1, 100]"
    assert numbers.shares(Interval(1.0, 0.0, 1.0)) == "100 %"
    assert numbers.shares(Interval(0.5, 1e-13, 1.0 - 1e-13)) == "50.0 % [0, 100]"


def test_what_was_not_seen_is_beyond_the_budget():
    assert numbers.needed(Interval(96.0, 90.7, 101.2), 1000) == "96 [90, 102]"
    assert numbers.needed(Interval(147_000.0, 99_822.9, 500_000.0), 400_000) == "147,000 [99,822, > 400,000]"
    assert numbers.needed(Interval(np.inf, 0.0, np.inf), 200) == "> 200"
    assert numbers.needed(Interval(np.inf, 3.0, np.inf)) == "never [3, never]"
    assert numbers.needed(Interval(7.0, 0.0, np.inf), 200) == "7"
