"""Gradient ascent by any optax optimiser, on the log-odds, with optional smoothness and size penalties.

Ours, for comparison with the authors' rule. Total variation is the regulariser of Mahendran and Vedaldi 2015,
L2 that of Simonyan et al. 2013.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from fooljax.errors import InputError
from fooljax.gradient.rule import Look, Rule

LEARNING_RATE = 0.02
"""Of Adam, the default: five of 256 levels a pixel and iteration, at most about."""
PARAMETERISATIONS = ("clip", "sigmoid")
OUTERMOST = 0.5 / 255.0
"""A sigmoid never is 0 or 1; start images are drawn in by less than half of an 8-bit level."""
SOFT = 1.0 / 255.0
"""Differences below about a level count by their squares, so that the total variation has a gradient at 0."""


@functools.lru_cache(maxsize=64)
def optimiser(
    transform: optax.GradientTransformation | None = None,
    *,
    parameterisation: str = "clip",
    climbs: str = "log_odds",
    total_variation: float = 0.0,
    l2: float = 0.0,
) -> Rule:
    """Builds a rule of an optax optimiser; equal arguments give the same rule, and so share programs.

    Every image has an optimiser state of its own, so that an optimiser that takes a norm takes one image's.

    Args:
      transform: what optax gives, as `optax.adam(0.02)`, which is the default.
      parameterisation: how pixels stay in [0, 1]. "clip": the optimiser moves pixels, clipped after each
        step. "sigmoid": it moves logits of pixels, which slow down towards black and white.
      climbs: "log_odds" or "logit".
      total_variation: weight, in nats, of the sum of differences between neighbours (beside and below, per
        channel), rounded off at 0.
      l2: weight, in nats, of the sum of squared distances from the mean image.
    Raises:
      InputError: an argument is not as above.
    """
    if transform is None:
        transform = optax.adam(LEARNING_RATE)
    if not isinstance(transform, optax.GradientTransformation):
        raise InputError(
            f"transform: expected an optax.GradientTransformation, got {type(transform).__name__}"
        )
    if parameterisation not in PARAMETERISATIONS:
        known = ", ".join(PARAMETERISATIONS)
        raise InputError(f"parameterisation: expected one of {known}, got {parameterisation}")
    if climbs not in ("log_odds", "logit"):
        raise InputError(f"climbs: expected one of log_odds, logit, got {climbs}")
    for name, weight in (("total_variation", total_variation), ("l2", l2)):
        if not 0.0 <= weight < math.inf:
            raise InputError(f"{name}: expected 0 or more, got {weight}")
    clips = parameterisation == "clip"

    def to_image(pixels: jax.Array) -> jax.Array:
        return pixels if clips else jax.nn.sigmoid(pixels)

    def penalty(image: jax.Array, mean: jax.Array) -> jax.Array:
        total = jnp.float32(0.0)
        if total_variation:
            total += total_variation * variation(image)
        return total + l2 * jnp.sum((image - mean) ** 2) if l2 else total

    def init(image: jax.Array) -> Any:
        pixels = image if clips else jax.scipy.special.logit(jnp.clip(image, OUTERMOST, 1.0 - OUTERMOST))
        return pixels, transform.init(pixels)

    def step(state: Any, look: Look) -> Any:
        pixels, optimiser_state = state
        image, pull_back = jax.vjp(to_image, pixels)
        (downhill,) = pull_back(jax.grad(penalty)(image, look.mean) - look.gradient)
        updates, optimiser_state = transform.update(downhill, optimiser_state, pixels)
        pixels = optax.apply_updates(pixels, updates)
        return jnp.clip(pixels, 0.0, 1.0) if clips else pixels, optimiser_state

    return Rule("optimiser", climbs, init, lambda state: to_image(state[0]), step)


def variation(image: jax.Array) -> jax.Array:
    """Total variation of an image `[H, W, K]`: sqrt(d^2 + s^2) - s over neighbours; s is a level."""
    down, beside = jnp.diff(image, axis=0), jnp.diff(image, axis=1)
    return jnp.sum(jnp.sqrt(down**2 + SOFT**2) - SOFT) + jnp.sum(jnp.sqrt(beside**2 + SOFT**2) - SOFT)
