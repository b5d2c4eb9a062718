"""Polynomial mutation, which both encodings use.

Source: Deb 2001, without the bound-aware term, as in the authors' code: a chosen gene moves by
`(2 u)^(1 / (eta + 1)) - 1` where u < 1/2, else by `1 - (2 (1 - u))^(1 / (eta + 1))`, with u uniform, in units
of the gene's range; then it is clipped.
"""

import math

import jax
import jax.numpy as jnp


def polynomial(
    draw: jax.Array,
    genes: jax.Array,
    rate: jax.Array | float,
    eta: jax.Array | float,
    low: float = 0.0,
    high: float = 1.0,
) -> jax.Array:
    """Moves each gene with probability `rate`.

    Args:
      draw: uniform in [0, 1), shaped as `genes`. One draw serves both decisions: given that it fell below the
        rate, draw / rate is uniform again.
      genes: in [low, high].
      rate: probability in [0, 1]; a scalar.
      eta: distribution index; larger is smaller steps.
      low: bottom of the genes' range.
      high: top of the genes' range.
    Returns:
      Genes in [low, high]; those not chosen are unchanged to the bit.
    """
    u = draw / jnp.maximum(rate, 1e-30)
    step = (high - low) * (1.0 - power(2.0 * jnp.minimum(u, 1.0 - u), 1.0 / (eta + 1.0)))
    moved = jnp.clip(genes + jnp.where(u < 0.5, -step, step), low, high)
    return jnp.where(draw < rate, moved, genes)


def power(base: jax.Array, exponent: jax.Array | float) -> jax.Array:
    """`base ** exponent` for `base >= 0`; where the exponent is 1 / 2^n, by n square roots: far cheaper."""
    if isinstance(exponent, jax.Array):
        return base**exponent
    roots = math.log2(1.0 / exponent)
    if not roots.is_integer() or roots < 1:
        return base**exponent
    for _ in range(int(roots)):
        base = jnp.sqrt(base)
    return base
