"""The authors' rule: steps sized by the gain in confidence that they promise, decay, and regularisers.

Source: Nguyen et al. 2015, section 3.9; the authors' `find_fooling_image.py` and `hyperparam_search.py`.
Theirs climbs one image in BGR, 0 to 255, minus a mean image; here X is the image in [0, 1] minus `mean`. A
step of promised gain, decay, blur and percentiles do not depend on the unit; `max_rate` does (converted).

Differences:
  The confidence's gradient is taken from the log-odds, whose own does not vanish: g = p (1 - p) g', so that
  the step, wanted gain / |g|^2 g, is wanted gain / (p (1 - p) |g'|^2) g'. In exact arithmetic it is the same;
  in float32, where theirs stands still once the softmax is 1.0, ours goes on by `late_progress` nats of
  log-odds an iteration, until `max_rate` binds: it then gains ever less, unless there is no bound (infinity).
  Of "logit" (their `fc8`) they use the same policy, in which a logit above 1 makes the wanted gain negative,
  so that it descends; here the wanted gain of "logit" and "log_odds" is `early_progress` nats, always.
  Their constant rate is `optimiser(optax.sgd(rate))`, without decay.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.errors import InputError
from fooljax.gradient.rule import OBJECTIVES, Look, Rule

LEAST_BLUR = 0.3
"""Smaller radii are refused. Source: authors' code (they "work very poorly")."""
MAX_EXPONENT = 40.0
"""Far below any confidence that a step can mend, so that lengths of steps stay within float32."""
BLUR_REACH = 4.0
"""Radii after which the Gaussian is cut off. Source: SciPy's `gaussian_filter`, which the authors use."""


@dataclass(frozen=True)
class ProgressSettings:
    """Settings of the authors' rule; the defaults are those of `find_fooling_image.py`.

    Attributes:
      decay: X is multiplied by 1 - decay after each step; 0 to 1.
      early_progress: the most gain in confidence that a step may promise; above 0.
      late_progress: the most, as a share of what is left, 1 - p; above 0. Only for "confidence".
      max_rate: the most by which the gradient of the confidence (or of the objective that is climbed) is
        multiplied, for pixels from 0 to `scale`; above 0, infinity for no bound.
      blur_radius: standard deviation in pixels of a Gaussian blur after the step; 0 (none) or at least 0.3.
      blur_every: it comes after iterations 0, k, 2 k, ...
      small_value_percentile: values of X whose size is below this percentile become 0; 0 to 100, 0 is none.
      small_norm_percentile: so do pixels of small norm over the channels;
      benefit_percentile: and pixels that, by the gradient, would gain least by it (g . -X over the channels);
      absolute_benefit_percentile: and those for which it would matter least.
      objective: what is climbed; see `OBJECTIVES`.
      scale: the pixel value that stands for 1, for `max_rate`.
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
    objective: str = "confidence"
    scale: float = 255.0


class Preset(NamedTuple):
    """Published settings, and for how many iterations they were run."""

    settings: ProgressSettings
    iterations: int


def _searched(decay: float, early: float, late: float, **regularisers: float) -> ProgressSettings:
    return ProgressSettings(decay, early, late, max_rate=1e7, **regularisers)  # type: ignore[arg-type]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "unregularised": Preset(_searched(0.0, 0.02, 0.1), 500),
        "seed_169": Preset(_searched(0.01, 0.03, 0.02), 1500),
        "seed_188": Preset(_searched(0.001, 0.03, 0.05, blur_radius=0.4, blur_every=2), 1000),
        "seed_360": Preset(
            _searched(
                0.001,
                0.03,
                0.05,
                blur_radius=0.3,
                small_norm_percentile=20.0,
                absolute_benefit_percentile=20.0,
            ),
            1500,
        ),
    }
)
"""The four settings of the paper's figures. Source: the authors' random search, seeds -1, 169, 188 and 360,
its draws replayed."""


@functools.lru_cache(maxsize=64)
def progress(settings: ProgressSettings | None = None) -> Rule:
    """Builds the authors' rule; equal settings give the same rule, and so share programs.

    Args:
      settings: `find_fooling_image.py`'s defaults where None.
    Raises:
      InputError: a setting is out of range.
    """
    settings = ProgressSettings() if settings is None else settings
    _check(settings)
    max_rate = settings.max_rate / settings.scale**2

    def step(image: jax.Array, look: Look) -> jax.Array:
        squared = jnp.sum(look.gradient**2)
        gain, weight = jnp.float32(settings.early_progress), jnp.float32(1.0)
        if settings.objective == "confidence":
            log_p, log_rest = jax.nn.log_sigmoid(look.log_odds), jax.nn.log_sigmoid(-look.log_odds)
            # In log-odds: wanted gain in confidence, min(early, late (1 - p)), divided by p (1 - p).
            gain = jnp.minimum(
                settings.early_progress * jnp.exp(jnp.minimum(-log_p - log_rest, MAX_EXPONENT)),
                settings.late_progress * jnp.exp(jnp.minimum(-log_p, MAX_EXPONENT)),
            )
            weight = jnp.exp(log_p + log_rest)
        rate = gain / squared
        if max_rate < math.inf:  # which, times a weight of 0, would be NaN
            rate = jnp.minimum(rate, max_rate * weight)
        x = (image - look.mean + rate * look.gradient) * (1.0 - settings.decay)
        x = _regularise(settings, x, look)
        # A gradient of 0 ends the authors' run; here the image stays as it is.
        return jnp.where(squared == 0.0, image, jnp.clip(x + look.mean, 0.0, 1.0))

    return Rule(
        name="progress",
        climbs="logit" if settings.objective == "logit" else "log_odds",
        init=lambda image: image,
        image=lambda image: image,
        step=step,
    )


def _check(settings: ProgressSettings) -> None:
    if settings.objective not in OBJECTIVES:
        raise InputError(f"objective: expected one of {', '.join(OBJECTIVES)}, got {settings.objective}")
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


def _regularise(settings: ProgressSettings, x: jax.Array, look: Look) -> jax.Array:
    """What follows the step, in the authors' order; `x` is `[H, W, K]`, the image minus the mean."""
    if settings.blur_radius > 0.0:
        now = look.iteration % settings.blur_every == 0
        x = jax.lax.cond(now, lambda x: blur(x, settings.blur_radius), lambda x: x, x)
    if settings.small_value_percentile > 0.0:
        x = jnp.where(below_percentile(jnp.abs(x), settings.small_value_percentile), 0.0, x)
    if settings.small_norm_percentile > 0.0:
        norms = jnp.sqrt(jnp.sum(x**2, axis=-1, keepdims=True))
        x = jnp.where(below_percentile(norms, settings.small_norm_percentile), 0.0, x)
    # The gradient of the log-odds serves for that of the confidence: a positive factor changes no order.
    if settings.benefit_percentile > 0.0:
        benefit = jnp.sum(look.gradient * -x, axis=-1, keepdims=True)
        x = jnp.where(below_percentile(benefit, settings.benefit_percentile), 0.0, x)
    if settings.absolute_benefit_percentile > 0.0:
        benefit = jnp.abs(jnp.sum(look.gradient * -x, axis=-1, keepdims=True))
        x = jnp.where(below_percentile(benefit, settings.absolute_benefit_percentile), 0.0, x)
    return x


def blur(image: jax.Array, radius: float) -> jax.Array:
    """Gaussian blur of each channel, as SciPy's `gaussian_filter` does it with its defaults.

    Args:
      image: `[H, W, K]`; beyond its edges it goes on as its mirror image.
      radius: the standard deviation in pixels.
    """
    reach = int(BLUR_REACH * radius + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / radius) ** 2)
    weights /= weights.sum()
    # A sum of shifted images: convolutions of single channels are slow on CPUs.
    for axis in (0, 1):
        edges = [(reach, reach) if each == axis else (0, 0) for each in range(3)]
        padded, size = jnp.pad(image, edges, mode="symmetric"), image.shape[axis]
        shifted = [jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in range(2 * reach + 1)]
        image = sum(float(weight) * part for weight, part in zip(weights, shifted, strict=True))  # type: ignore[assignment]
    return image


def below_percentile(values: jax.Array, percentile: float) -> jax.Array:
    """Which values are less than a percentile of them all, interpolated linearly as NumPy's is.

    Found without a sort (8 times faster on a CPU, for 784 values): the value at the percentile's lower rank
    is put together bit by bit, by counting how many values are below.

    Args:
      values: any shape, float32, without NaN.
      percentile: 0 to 100.
    Returns:
      bool, shaped as `values`.
    """
    position = (values.size - 1) * percentile / 100.0
    rank = math.floor(position)
    bits = jax.lax.bitcast_convert_type(jnp.where(values == 0.0, 0.0, values), jnp.uint32)
    sign = jnp.uint32(1 << 31)
    keys = jnp.where(bits >= sign, ~bits, bits | sign)  # ordered as the values are

    def next_bit(index: jax.Array, found: jax.Array) -> jax.Array:
        tried = found | (sign >> index.astype(jnp.uint32))
        return jnp.where(jnp.sum(keys < tried) <= rank, tried, found)

    lower = jax.lax.fori_loop(0, 32, next_bit, jnp.uint32(0))
    # Between two ranks the percentile is above the lower of them, unless both have the same value.
    between = (position > rank) & (jnp.sum(keys <= lower) == rank + 1)
    return (keys < lower) | (between & (keys == lower))
