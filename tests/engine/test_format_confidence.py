"""A confidence is never written as more than it is."""

import math
import re
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.engine.log_odds import NO_VALUE, format_confidence


def true_percent(log_odds):
    with localcontext() as context:
        context.prec = 800
        return 100 / (1 + (-Decimal(log_odds)).exp())


@settings(deadline=None)  # cores are shared
@given(st.floats(-700, 700) | st.floats(8, 15) | st.floats(-1e-9, 1e-9))
def test_confidence_never_says_more_than_is_true(log_odds):
    text = format_confidence(log_odds)
    value = Decimal(re.search(r"[\d.]+", text).group())
    if text.startswith("<"):
        assert true_percent(log_odds) < value
    else:
        assert value <= true_percent(log_odds)
        # ... nor much less, except where it says "or more".
        assert true_percent(log_odds) < value + Decimal("0.01") or text.startswith("≥")


@pytest.mark.parametrize(
    ("log_odds", "text"),
    [
        (math.log(0.99989 / 0.00011), "99.98 %"),
        (math.log(9999), "99.99 %"),
        (math.nextafter(math.log(9999), 0), "99.98 %"),
        (math.log(99999), "99.999 %"),
        (14.0, "≥ 99.9999 %"),
        (math.inf, "≥ 99.9999 %"),
        (1e308, "≥ 99.9999 %"),
        (0, "50.00 %"),
        (-1e308, "< 0.01 %"),
        (-math.inf, NO_VALUE),
        (math.nan, NO_VALUE),
        (None, NO_VALUE),
    ],
)
def test_confidence_at_the_edges(log_odds, text):
    assert format_confidence(log_odds) == text
