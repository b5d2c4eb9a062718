"""Confidence along rays: images times a growing number, far outside the box of possible images.

Hein et al. 2019 show that networks of ReLUs become arbitrarily sure of almost every input when it is scaled
far enough, and measure the factor at which a network reaches 99.9 %. Images outside the box cannot be saved,
so these log-odds are those of floats, and not of 8-bit images.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Apply, Params, Target
from fooljax.errors import InputError
from fooljax.host_targets import HostFunction


def log_odds_along(
    target: Target, images: npt.NDArray[np.uint8], factors: Sequence[float]
) -> npt.NDArray[np.float64]:
    """The log-odds of the class named first, for images times each factor.

    Args:
      target: a network that JAX can run.
      images: `[B, H, W, K]`, where the rays go through; they begin at black.
      factors: 0 or more.
    Returns:
      `[B, F]`; infinite where the logits are too large for float32 to tell more.
    Raises:
      InputError: the network is called on the host, and takes 8-bit images alone.
    """
    if isinstance(target.apply, HostFunction):
        raise InputError(f"target: expected a network that JAX can run, got {target.name}, a black box")
    ask = _scaled(target.apply)
    found = [np.asarray(ask(target.params, images, np.float32(factor)), np.float64) for factor in factors]
    return np.nan_to_num(np.stack(found, axis=1), nan=np.inf, posinf=np.inf)


def factor_needed(
    odds: npt.NDArray[np.float64], factors: Sequence[float], level: float
) -> npt.NDArray[np.float64]:
    """The smallest of the factors at which each ray reaches a level of log-odds.

    Args:
      odds: `[B, F]`.
      factors: rising.
      level: of log-odds.
    Returns:
      `[B]`, infinite where none does.
    """
    reached = odds >= level
    return np.where(reached.any(axis=1), np.asarray(factors)[reached.argmax(axis=1)], np.inf)


@functools.lru_cache(maxsize=16)
def _scaled(apply: Apply) -> Callable[..., jax.Array]:
    def ask(params: Params, images: jax.Array, factor: jax.Array) -> jax.Array:
        return jnp.max(log_odds(apply(params, factor * images.astype(jnp.float32) / 255.0)), axis=-1)

    return jax.jit(ask)
