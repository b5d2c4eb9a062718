"""How the size of a change is measured, and which change of a given size does the most."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
from optax import projections

AXES = (1, 2, 3)


class Norm(NamedTuple):
    """A norm of changes `[B, H, W, K]`, each image's by itself.

    Attributes:
      name: short, as in flags.
      length: `length(change) -> [B]`.
      steepest: `steepest(gradient) -> [B, H, W, K]`, the change of length 1 along which a function with this
        gradient rises fastest; 0 where the gradient is.
      project: `project(change, radius [B]) -> [B, H, W, K]`, the nearest change that is no longer than that.
      first: the length that a search tries first.
    """

    name: str
    length: Callable[[jax.Array], jax.Array]
    steepest: Callable[[jax.Array], jax.Array]
    project: Callable[[jax.Array, jax.Array], jax.Array]
    first: float


def _euclidean(change: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.sum(change**2, AXES))


def _greatest(change: jax.Array) -> jax.Array:
    return jnp.max(jnp.abs(change), AXES)


def _of_length_1(gradient: jax.Array) -> jax.Array:
    # The largest value is divided out first, since the squares of small ones would vanish in float32.
    largest = _greatest(gradient)[:, None, None, None]
    even = gradient / jnp.where(largest > 0.0, largest, 1.0)
    length = _euclidean(even)[:, None, None, None]
    return even / jnp.where(length > 0.0, length, 1.0)


L2 = Norm("l2", _euclidean, _of_length_1, jax.vmap(projections.projection_l2_ball), first=0.5)
LINF = Norm("linf", _greatest, jnp.sign, jax.vmap(projections.projection_linf_ball), first=2 / 255)
NORMS: Mapping[str, Norm] = MappingProxyType({norm.name: norm for norm in (L2, LINF)})
"""By name. Lengths are in units of the range of values, so that 1/255 is one grey level."""
