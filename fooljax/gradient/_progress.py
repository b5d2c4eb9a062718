"""The authors' rule: each step is as long as the gain in confidence that it promises; decay and blur follow.

Source: Nguyen et al. 2015, section 3.9, and the authors' `find_fooling_image.py` and `hyperparam_search.py`.
Their code changes one image in BGR order, from 0 to 255, minus a mean image. Here X is the image in [0, 1]
minus the mean image. The length of a step, the decay, the blur and the percentiles do not depend on the unit;
`max_rate` does, and is converted.

Differences:
  The gradient of the confidence is computed from that of the log-odds, which does not vanish where the
  confidence is close to 1: g = p (1 - p) g'. The step, gain / |g|^2 g, is gain / (p (1 - p) |g'|^2) g'. In
  exact arithmetic both are the same. In float32 the authors' step is 0 once the softmax is exactly 1.0, while
  ours goes on by `late_progress` nats of log-odds in each iteration. Where `max_rate` is finite it ends by
  limiting the step, and the gain becomes smaller and smaller.
  For "logit" (their `fc8`) the authors use the same formula for the gain, which is negative for a logit above
  1, so that the image then moves downhill. Here the gain for "logit" and "log_odds" is `early_progress` nats.
  Their constant rate is `optimiser(optax.sgd(rate))`, without decay.
"""

import functools
import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from fooljax.errors import InputError, shown
from fooljax.gradient.filters import below_percentile, blur
from fooljax.gradient.rule import Observation, Rule

MAXIMISED = ("confidence", "log_odds", "logit")
"""What the authors' rule may maximise: the confidence p of the class, its log-odds, or its logit."""
LEAST_BLUR = 0.3
"""Smaller radii are refused. Source: the authors' code, which says that they "work very poorly"."""
MAX_EXPONENT = 40.0
"""Bounds the exponentials below, so that the length of a step stays finite in float32."""


@dataclass(frozen=True)
class ProgressSettings:
    """Settings of the authors' rule. The defaults are those of `find_fooling_image.py`.

    Attributes:
      decay: X is multiplied by 1 - decay after each step; 0 to 1.
      early_progress: the largest gain in confidence that one step may promise; above 0.
      late_progress: the largest gain as a share of the 1 - p that is left; above 0. It is used where the
        confidence is maximised.
      max_rate: the largest factor by which the gradient is multiplied, for pixels from 0 to `scale`; above 0,
        infinity for no bound.
      blur_radius: standard deviation, in pixels, of a Gaussian blur after the step; 0 (none) or at least 0.3.
      blur_every: the blur comes after iterations 0, k, 2 k, ...
      small_value_percentile: values of X whose size is below this percentile become 0; 0 to 100, where 0
        means none.
      small_norm_percentile: pixels of X whose norm over the channels is below this percentile become 0.
      benefit_percentile: pixels become 0 whose loss, by the gradient, would gain least (g . -X).
      absolute_benefit_percentile: pixels become 0 whose loss, by the gradient, would change least (|g . -X|).
      maximise: one of `MAXIMISED`.
      scale: the pixel value that stands for 1 in `max_rate`.
    """

    decay: float = 0.01
    early_progress: float = 0.03
    late_progress: float = 0.1
    max_rate: float = 1e12
    blur_radius: float = 0.0
    blur_every: int = 1
    small_value_percentile: float = 0.0
    small_norm_percentile: float = 0.0
    benefit_percentile: float = 0.0
    absolute_benefit_percentile: float = 0.0
    maximise: str = "confidence"
    scale: float = 255.0


@functools.lru_cache(maxsize=64)
def progress(settings: ProgressSettings | None = None) -> Rule:
    """Builds the authors' rule. Equal settings give the same rule, which shares its programs.

    Args:
      settings: None for the defaults of `find_fooling_image.py`.
    Raises:
      InputError: a setting is out of range.
    """
    settings = ProgressSettings() if settings is None else settings
    _check(settings)
    max_rate = settings.max_rate / settings.scale**2

    def step(image: jax.Array, seen: Observation) -> jax.Array:
        squared = jnp.sum(seen.gradient**2)
        gain, weight = jnp.float32(settings.early_progress), jnp.float32(1.0)
        if settings.maximise == "confidence":
            log_p, log_rest = jax.nn.log_sigmoid(seen.log_odds), jax.nn.log_sigmoid(-seen.log_odds)
            # The gain in confidence, min(early, late (1 - p)), divided by p (1 - p) to be in log-odds.
            gain = jnp.minimum(
                settings.early_progress * jnp.exp(jnp.minimum(-log_p - log_rest, MAX_EXPONENT)),
                settings.late_progress * jnp.exp(jnp.minimum(-log_p, MAX_EXPONENT)),
            )
            weight = jnp.exp(log_p + log_rest)
        rate = gain / squared
        if max_rate < math.inf:  # infinity times a weight of 0 would be NaN
            rate = jnp.minimum(rate, max_rate * weight)
        x = (image - seen.mean + rate * seen.gradient) * (1.0 - settings.decay)
        x = _regularise(settings, x, seen)
        # A gradient of 0 ends the authors' run; here the image stays as it is.
        return jnp.where(squared == 0.0, image, jnp.clip(x + seen.mean, 0.0, 1.0))

    return Rule(
        name="progress",
        maximise="logit" if settings.maximise == "logit" else "log_odds",
        init=lambda image: image,
        image=lambda image: image,
        step=step,
    )


def _check(settings: ProgressSettings) -> None:
    if settings.maximise not in MAXIMISED:
        raise InputError(f"maximise: expected one of {', '.join(MAXIMISED)}, got {shown(settings.maximise)}")
    if not settings.max_rate > 0.0:
        raise InputError(f"max_rate: expected a number above 0, got {settings.max_rate}")
    for name in ("early_progress", "late_progress", "scale"):
        if not 0.0 < (value := getattr(settings, name)) < math.inf:
            raise InputError(f"{name}: expected a number above 0, got {value}")
    if not 0.0 <= settings.decay <= 1.0:
        raise InputError(f"decay: expected a number from 0 to 1, got {settings.decay}")
    if settings.blur_radius != 0.0 and not LEAST_BLUR <= settings.blur_radius < math.inf:
        raise InputError(f"blur_radius: expected 0 or at least {LEAST_BLUR}, got {settings.blur_radius}")
    if settings.blur_every < 1:
        raise InputError(f"blur_every: expected 1 or more, got {settings.blur_every}")
    for name in (
        "small_value_percentile",
        "small_norm_percentile",
        "benefit_percentile",
        "absolute_benefit_percentile",
    ):
        if not 0.0 <= (value := getattr(settings, name)) <= 100.0:
            raise InputError(f"{name}: expected a number from 0 to 100, got {value}")


def _regularise(settings: ProgressSettings, x: jax.Array, seen: Observation) -> jax.Array:
    """Does what follows the step, in the authors' order; `x` is the image minus the mean, `[H, W, K]`."""
    if settings.blur_radius > 0.0:
        now = seen.iteration % settings.blur_every == 0
        x = jax.lax.cond(now, lambda x: blur(x, settings.blur_radius), lambda x: x, x)
    if settings.small_value_percentile > 0.0:
        x = jnp.where(below_percentile(jnp.abs(x), settings.small_value_percentile), 0.0, x)
    if settings.small_norm_percentile > 0.0:
        norms = jnp.sqrt(jnp.sum(x**2, axis=-1, keepdims=True))
        x = jnp.where(below_percentile(norms, settings.small_norm_percentile), 0.0, x)
    # The gradient of the log-odds serves for that of the confidence: a positive factor changes no order.
    if settings.benefit_percentile > 0.0:
        benefit = jnp.sum(seen.gradient * -x, axis=-1, keepdims=True)
        x = jnp.where(below_percentile(benefit, settings.benefit_percentile), 0.0, x)
    if settings.absolute_benefit_percentile > 0.0:
        benefit = jnp.abs(jnp.sum(seen.gradient * -x, axis=-1, keepdims=True))
        x = jnp.where(below_percentile(benefit, settings.absolute_benefit_percentile), 0.0, x)
    return x
