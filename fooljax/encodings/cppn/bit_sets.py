"""Sets of small whole numbers, held as bits: bit `i % 32` of word `i / 32` is 1 if number `i` is in the set.

A set is an array `[W]` of uint32, with as many words as the numbers need. An accelerator counts and joins
such sets by a few instructions, in the midst of other arithmetic.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_BITS = 32
"""Of a word."""


def of_each(numbers: Any, size: int) -> jax.Array:
    """`[n, W]`: for each of some numbers, `[n]` int32 from 0 to below `size`, the set of it alone."""
    word = np.arange(-(-size // _BITS), dtype=np.int32)
    bit = jnp.left_shift(jnp.uint32(1), (numbers % _BITS).astype(jnp.uint32))
    return jnp.where(numbers[:, None] // _BITS == word[None], bit[:, None], jnp.uint32(0))


def of_mask(mask: jax.Array) -> jax.Array:
    """`[W]`: the places at which a mask, `[n]` bool, is True."""
    full = jnp.pad(mask, (0, -mask.size % _BITS)).reshape(-1, _BITS)
    bits = np.left_shift(np.uint32(1), np.arange(_BITS, dtype=np.uint32))
    return joined(jnp.where(full, bits[None], jnp.uint32(0)), 1)


def members(sets: jax.Array, size: int) -> jax.Array:
    """`[m, size]` bool: which numbers are in each of some sets `[m, W]`."""
    bits = (sets[:, :, None] >> np.arange(_BITS, dtype=np.uint32)[None, None]) & np.uint32(1)
    return bits.reshape(len(sets), -1)[:, :size] != 0


def union(chosen: jax.Array, sets: jax.Array) -> jax.Array:
    """`[m, W]`: for each row of `chosen`, `[m, n]` bool, those of the sets `[n, W]` together."""
    return joined(jnp.where(chosen[:, :, None], sets[None], jnp.uint32(0)), 1)


def counted(one: jax.Array, size: int) -> jax.Array:
    """`[size]` int32: how many numbers up to and including each place are in a set `[W]`."""
    place, total = np.arange(size), jnp.zeros(size, jnp.int32)
    for word in range(one.size):
        # How many of this word's bits count: none before it, all behind it.
        bits = np.clip(place + 1 - word * _BITS, 0, _BITS)
        mask = ((np.uint64(1) << bits.astype(np.uint64)) - np.uint64(1)).astype(np.uint32)
        total += lax.population_count(one[word] & mask).astype(jnp.int32)
    return total


def joined(numbers: jax.Array, axis: int) -> jax.Array:
    """Unsigned integers along an axis, bit by bit or."""
    return lax.reduce(numbers, np.zeros((), numbers.dtype), lax.bitwise_or, (axis,))
