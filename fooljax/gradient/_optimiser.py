"""A rule that moves images by any optax optimiser, with optional penalties on roughness and size.

It is our own, for comparison with the authors' rule. The penalty on total variation is that of Mahendran and
Vedaldi 2015, the L2 penalty that of Simonyan et al. 2013.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from fooljax.errors import InputError, shown
from fooljax.gradient.filters import variation
from fooljax.gradient.rule import Observation, Rule

LEARNING_RATE = 0.02
"""Of Adam: in one iteration a pixel moves by at most about five of 256 levels."""
PARAMETERISATIONS = ("clip", "sigmoid")
"""How pixels are kept in [0, 1]; see `optimiser`."""
OUTERMOST = 0.5 / 255.0
"""A sigmoid is never exactly 0 or 1, so start images are moved inwards by half of an 8-bit level at most."""


@functools.lru_cache(maxsize=64)
def optimiser(
    transform: optax.GradientTransformation | None = None,
    *,
    parameterisation: str = "clip",
    maximise: str = "log_odds",
    total_variation: float = 0.0,
    l2: float = 0.0,
) -> Rule:
    """Builds a rule from an optax optimiser. Equal arguments give the same rule, which shares its programs.

    Every image has its own optimiser state, so an optimiser that needs a norm takes the norm of one image.

    Args:
      transform: the optimiser, such as `optax.adam(0.02)`, which is the default.
      parameterisation: how pixels are kept in [0, 1]. With "clip" the optimiser moves the pixels, which are
        clipped after each step. With "sigmoid" it moves their logits, which slow down near black and white.
      maximise: "log_odds" or "logit" of the class.
      total_variation: weight, in nats, of the sum of differences between neighbouring pixels (beside and
        below, in each channel). The sum is smooth at 0.
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
        raise InputError(f"parameterisation: expected one of {known}, got {shown(parameterisation)}")
    if maximise not in ("log_odds", "logit"):
        raise InputError(f"maximise: expected one of log_odds, logit, got {shown(maximise)}")
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

    def step(state: Any, seen: Observation) -> Any:
        pixels, optimiser_state = state
        image, pull_back = jax.vjp(to_image, pixels)
        (downhill,) = pull_back(jax.grad(penalty)(image, seen.mean) - seen.gradient)
        updates, optimiser_state = transform.update(downhill, optimiser_state, pixels)
        pixels = optax.apply_updates(pixels, updates)
        return jnp.clip(pixels, 0.0, 1.0) if clips else pixels, optimiser_state

    return Rule("optimiser", maximise, init, lambda state: to_image(state[0]), step)
