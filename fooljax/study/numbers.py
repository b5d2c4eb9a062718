"""How a published number is written: what was seen as it was seen, and no bound or confidence flattered.

A share, a chance such as an AUROC, and a confidence are cut, never rounded up: 99.99 % is not written as
100 %, and a sentence and a table that hold the same share agree in their digits. The lower end of an interval
is rounded down, the upper one up. What is no share, as a correlation or log-odds, is rounded to the nearest.
"""

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from fooljax.analysis.statistics import Interval
from fooljax.engine.log_odds import format_confidence

NONE = "-"


def plain(value: float, digits: int = 0, rounding: str = ROUND_HALF_EVEN) -> str:
    """A number with so many digits after the point, and commas between thousands.

    The shortest decimal that is this float is what is rounded, so 0.29 is not taken for 0.28999.
    """
    return f"{Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding):,}"


def significant(value: float, digits: int, rounding: str = ROUND_HALF_EVEN) -> str:
    """A number with so many digits that count, written without an exponent."""
    exact = Decimal(repr(float(value)))
    if exact == 0:
        return "0"
    cut = exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1), rounding)
    return f"{cut:,f}" if cut.as_tuple().exponent <= 0 else f"{int(cut):,}"  # type: ignore[operator]


def percent(share: float | None, digits: int = 1, rounding: str = ROUND_FLOOR) -> str:
    """A share as a percentage, cut; without a fraction where it is 0 or all."""
    if share is None:
        return NONE
    exact = _exact(share) * 100
    digits = 0 if exact in (0, 100) else digits
    return f"{exact.quantize(Decimal(1).scaleb(-digits), rounding)} %"


def chance(value: float, digits: int = 3, rounding: str = ROUND_FLOOR) -> str:
    """A chance as a decimal, such as an AUROC, cut to the same digits as `percent` writes it with."""
    return f"{_exact(value).quantize(Decimal(1).scaleb(-digits), rounding)}"


def chances(interval: Interval, digits: int = 3) -> str:
    """A chance with its interval; one without ends stands alone."""
    estimate, low, high = interval
    if math.isinf(low):
        return chance(estimate, digits)
    return f"{chance(estimate, digits)} [{chance(low, digits)}, {chance(high, digits, ROUND_CEILING)}]"


def _exact(share: float) -> Decimal:
    """A share as it is cut: a mean of shares is off in the last of 16 digits, which must not make it less."""
    return Decimal(repr(round(float(share), 12)))


def confidence(log_odds: float | None, digits: int | None = None) -> str:
    """A confidence, cut to so many digits after the point; near 0 and 1 as figures write it."""
    written = format_confidence(log_odds)
    if digits is None or log_odds is None or not -9.2 < log_odds < 6.9:
        return written
    return percent(1.0 / (1.0 + math.exp(-log_odds)), digits)


def needed(interval: Interval, budget: float | None = None) -> str:
    """What runs needed, with its interval; what lies beyond the budget was not seen.

    Args:
      interval: of generations or passes, infinite where never done.
      budget: the most that a run was given.
    """

    def written(value: float, rounding: str) -> str:
        beyond = value > (math.inf if budget is None else budget) or math.isinf(value)
        if beyond:
            return f"> {budget:,.0f}" if budget is not None else "never"
        return plain(value, 0, rounding)

    middle = written(interval.estimate, ROUND_HALF_EVEN)
    if interval.low <= 0.0 and math.isinf(interval.high):
        return middle
    return f"{middle} [{written(interval.low, ROUND_FLOOR)}, {written(interval.high, ROUND_CEILING)}]"


def shares(interval: Interval, digits: int = 1) -> str:
    """A share with its interval, which is left out where there is none: exactly from 0 to 1."""
    estimate, low, high = interval
    if (low, high) == (0.0, 1.0):
        return percent(estimate, digits)
    ends = f"[{percent(low, digits)}, {percent(high, digits, ROUND_CEILING)}]"
    return f"{percent(estimate, digits)} {ends.replace(' %', '')}"


def ratio(interval: Interval, digits: int = 2) -> str:
    """A ratio with its interval."""
    if not math.isfinite(interval.estimate):
        return NONE
    middle = significant(interval.estimate, digits)
    if interval.low <= 0.0 and math.isinf(interval.high):
        return middle
    high = "unbounded" if math.isinf(interval.high) else significant(interval.high, digits, ROUND_CEILING)
    return f"{middle} [{significant(interval.low, digits, ROUND_FLOOR)}, {high}]"


def signed(interval: Interval, digits: int = 2) -> str:
    """A number of either sign with its interval, such as a correlation; "-" where there is none."""
    if math.isnan(interval.estimate):
        return NONE
    estimate, low, high = (f"{round(value, digits) + 0.0:.{digits}f}" for value in interval)  # no "-0.00"
    return estimate if math.isinf(interval.low) else f"{estimate} [{low}, {high}]"


def p_value(p: float) -> str:
    """A p-value; one that is very small is written as less than 0.0001, never as 0."""
    return "< 0.0001" if p < 0.0001 else "1" if p >= 1.0 else significant(p, 2)


def spread(measured: Mapping[str, float], digits: int = 3) -> str:
    """A measurement's median with the least and the most seen."""
    low, high = (
        significant(measured["min"], digits, ROUND_FLOOR),
        significant(measured["max"], digits, ROUND_CEILING),
    )
    return f"{significant(measured['median'], digits)} [{low}, {high}]"
