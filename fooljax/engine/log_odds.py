"""Log-odds, what they mean as confidence, and the levels of confidence that are reported.

Fitness is the log-odds of a class against all others, ln p / (1 - p). It ranks images as the paper's
confidence p does, but in float32 a softmax over ten classes is exactly 1.0 from a margin near 17 and holds
only some 1,700 values above 0.9999; log-odds keep ranking. A confidence of 0.9999 is ln 9999 = 9.2103.
"""

import math
from decimal import ROUND_DOWN, Decimal, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

LARGE_LOGITS = 1000.0
"""Where the largest logit is further from 0, log-odds are worked out after it is shifted to 0."""


def log_odds(logits: jax.Array) -> jax.Array:
    """Log-odds of each class against all others, in O(B C) memory and in float32.

    Args:
      logits: `[..., C]`, unnormalised log-probabilities, `C >= 2`, of any floating-point type.
    Returns:
      `[..., C]` float32: `logits[c] - logsumexp(logits[others])`. The sum over the others is exact for the
      arg-max class too: it is summed without it, not found by a difference.
    Raises:
      InputError: there are fewer than 2 classes.
    """
    num_classes = logits.shape[-1]
    if num_classes < 2:
        raise InputError(f"logits: expected at least 2 classes on the last axis, got {num_classes}")
    logits = logits.astype(jnp.float32)
    is_top = jax.nn.one_hot(jnp.argmax(logits, axis=-1), num_classes, dtype=bool)
    top = jnp.max(logits, axis=-1, keepdims=True)
    # Large logits would swallow the sum over the others. Log-odds are the same after any shift. Smaller
    # logits are not shifted, so that their log-odds keep every bit that published results have.
    shift = jnp.where(jnp.abs(top) > LARGE_LOGITS, top, 0.0)
    logits, top = logits - shift, top - shift
    others = jnp.where(is_top, -jnp.inf, logits)
    rest_of_top = jax.nn.logsumexp(others, axis=-1, keepdims=True)
    # For any other class the arg-max class dominates the sum, so a difference is safe there: 1 + (s - e).
    shares = jnp.exp(others - top)
    rest_of_other = top + jnp.log1p(jnp.maximum(jnp.sum(shares, axis=-1, keepdims=True) - shares, 0.0))
    return logits - jnp.where(is_top, rest_of_top, rest_of_other)


def confidence(odds: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The softmax probability that belongs to log-odds, in float64; for display, never for ranking.

    Args:
      odds: natural log-odds, of any shape.
    Returns:
      Probabilities in [0, 1], float64, shaped as `odds`.
    """
    odds = np.asarray(odds, np.float64)
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-odds))


def rounded(odds: npt.ArrayLike, digits: int = 3) -> list[float]:
    """Log-odds as the rows of a study hold them.

    Args:
      odds: `[N]` log-odds.
      digits: after the point.
    Returns:
      As many floats.
    """
    return [round(float(one), digits) for one in np.asarray(odds)]


def to_log_odds(probability: float) -> float:
    """The log-odds of a probability in (0, 1): `to_log_odds(0.9999)` is ln 9999.

    Args:
      probability: inside (0, 1).
    Returns:
      Natural log-odds.
    Raises:
      InputError: `probability` is not inside (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise InputError(f"probability: expected a number inside (0, 1), got {probability}")
    return math.log(probability / (1.0 - probability))


SHARES = {f"share_{name}": to_log_odds(p) for name, p in (("90", 0.9), ("99", 0.99), ("9999", 0.9999))}
"""Metrics that tell the share of cells at a confidence or more, and its log-odds."""
FOOLED_CONFIDENCE = 0.9999
FOOLED = to_log_odds(FOOLED_CONFIDENCE)
"""What the paper calls fooled, as log-odds. Source: Nguyen et al. 2015, abstract."""


def format_confidence(log_odds: float | None) -> str:
    """Writes a confidence so that it is never more than the truth.

    Digits are cut, not rounded: 0.99989 is "99.98 %" and 0.9999 "99.99 %". Above, only whole nines count:
    "99.999 %", then "≥ 99.9999 %", beyond which float32 networks tell little.

    Args:
      log_odds: natural log-odds, any float; None, NaN and -inf stand for an empty cell.
    Returns:
      The percentage, or "–" for an empty cell.
    """
    if log_odds is None or not log_odds > -math.inf:
        return NO_VALUE
    if log_odds < -50:
        return "< 0.01 %"
    with localcontext() as context:
        # Floats would put some values on the wrong side of a digit. So many digits tell all floats apart;
        # near 0, where confidences are 50 % and next to nothing, it takes hundreds, which cost milliseconds.
        context.prec = 50 if abs(log_odds) > 1e-20 else 400
        percent = 100 / (1 + (-Decimal(min(float(log_odds), 50.0))).exp())
    if percent < Decimal("0.01"):
        return "< 0.01 %"
    if percent >= Decimal("99.9999"):
        return "≥ 99.9999 %"
    if percent >= Decimal("99.999"):
        return "99.999 %"
    return f"{percent.quantize(Decimal('0.01'), ROUND_DOWN)} %"


NO_VALUE = "\N{EN DASH}"
"""Stands for an empty cell."""
