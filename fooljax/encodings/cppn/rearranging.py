"""What mutation does to lists of rows and connections, in two forms that give the same bits.

A third one, for kernels of GPUs, is in `mutation_kernel`.

`ONE_BY_ONE` goes from one member to the next and stops after the last one in use: the cheapest form on a CPU.
`TOGETHER` compares all members with all and has no loop: on an accelerator each turn of a loop is several
kernels of some microseconds each, for any number of genomes, and such a comparison is one kernel.

Memory of `TOGETHER`, for each genome of a batch: some arrays as long as the genome's own, and `N^2 / 8` bytes
for the ancestors. XLA does not keep the comparisons. With the default layout that is about 4 KB a genome:
15 MB for 4,096 genomes, 0.25 GB for 65,536.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fooljax.encodings.cppn import bit_sets
from fooljax.encodings.cppn.genome import CPPN

Leaves = tuple[jax.Array, ...]
"""Arrays `[n]` with a member for each row of a genome, or for each of its places for connections."""


Draws = jax.Array | Sequence[jax.Array]
"""Some uniform numbers: an array `[n]`, or in a kernel one after another."""


class Rearranging(NamedTuple):
    """Eight functions of one genome.

    Attributes:
      at: `at(leaf, index) -> []`: the member at an index that is in range.
      counted: `counted(mask [n]) -> [n]` int32: how many are True up to and including each place.
      placed: `placed(leaves, places [n], count) -> leaves`: the first `count` members of each leaf at the
        places given, which are a permutation of all that stays where it is beyond them.
      ordered: `ordered(leaves, keys [n], count) -> leaves`: the first `count` members of each leaf in the
        order of their keys, which are 0 or more, stably; the others stay.
      kept: `kept(leaves, stays [n], count) -> leaves`: those of the first `count` members of each leaf that
        stay, in their order; zeros beyond them.
      with_ancestors: `with_ancestors(genome, rows [N]) -> [N]`, both bool: the given rows and all that they
        read, directly or through others.
      moved: `moved(leaf, by) -> leaf`: each member so many places further down; zeros come in.
      looked_up: `looked_up(leaf, places [m]) -> [m]`: the members at the places given, which are in range.
    """

    at: Callable[[jax.Array, jax.Array], jax.Array]
    counted: Callable[[jax.Array], jax.Array]
    placed: Callable[[Leaves, jax.Array, jax.Array], Leaves]
    ordered: Callable[[Leaves, jax.Array, jax.Array], Leaves]
    kept: Callable[[Leaves, jax.Array, jax.Array], Leaves]
    with_ancestors: Callable[[CPPN, jax.Array], jax.Array]
    moved: Callable[[jax.Array, int], jax.Array]
    looked_up: Callable[[jax.Array, jax.Array], jax.Array]


def _moved(leaf: jax.Array, by: int) -> jax.Array:
    return lax.pad(leaf, jnp.zeros((), leaf.dtype), [(by, -by, 0)])


def _looked_up(leaf: jax.Array, places: jax.Array) -> jax.Array:
    return leaf[places]


def _at_one_by_one(leaf: jax.Array, index: jax.Array) -> jax.Array:
    return lax.dynamic_index_in_dim(leaf, index, keepdims=False)


def _counted_one_by_one(mask: jax.Array) -> jax.Array:
    return jnp.cumsum(mask, dtype=jnp.int32)


def _placed_one_by_one(leaves: Leaves, places: jax.Array, count: jax.Array) -> Leaves:
    return _put_one_by_one(leaves, lambda index: _at_one_by_one(places, index), count)


def _ordered_one_by_one(leaves: Leaves, keys: jax.Array, count: jax.Array) -> Leaves:
    """By counting, one member at a time: few are in use, and to sort all would take several times as long."""
    place = places_of(keys)
    keys = jnp.where(place < count, keys * keys.size + place, jnp.iinfo(jnp.int32).max)
    return _put_one_by_one(
        leaves, lambda index: jnp.sum(keys < _at_one_by_one(keys, index), dtype=jnp.int32), count
    )


def _put_one_by_one(leaves: Leaves, place_of: Callable[[jax.Array], jax.Array], count: jax.Array) -> Leaves:
    place = places_of(leaves[0])

    def put(index: jax.Array, done: Leaves) -> Leaves:
        here = place == place_of(index)
        pairs = zip(leaves, done, strict=True)
        return tuple(jnp.where(here, _at_one_by_one(leaf, index), other) for leaf, other in pairs)

    return lax.fori_loop(0, count, put, leaves)


def _kept_one_by_one(leaves: Leaves, stays: jax.Array, count: jax.Array) -> Leaves:
    place = places_of(stays)

    def put(index: jax.Array, state: Any) -> Any:
        kept, end = state
        here = (place == end) & _at_one_by_one(stays, index)
        pairs = zip(leaves, kept, strict=True)
        kept = tuple(jnp.where(here, _at_one_by_one(leaf, index), other) for leaf, other in pairs)
        return kept, end + _at_one_by_one(stays, index)

    return lax.fori_loop(0, count, put, (tuple(map(jnp.zeros_like, leaves)), jnp.int32(0)))[0]


def _with_ancestors_one_by_one(genome: CPPN, rows: jax.Array) -> jax.Array:
    row = places_of(rows)

    def look(step: jax.Array, found: jax.Array) -> jax.Array:
        # From the last connection to the first: whatever reads a row comes after what the row reads.
        place = genome.num_connections - 1 - step
        source, target = (_at_one_by_one(leaf, place) for leaf in (genome.sources, genome.targets))
        return found | (_at_one_by_one(found, target) & (row == source))

    return lax.fori_loop(0, genome.num_connections, look, rows)


def _at_together(leaf: jax.Array, index: jax.Array) -> jax.Array:
    return _chosen(places_of(leaf)[None] == index, leaf)[0]


def _counted_together(mask: jax.Array) -> jax.Array:
    return bit_sets.counted(bit_sets.of_mask(mask), mask.size)


def _placed_together(leaves: Leaves, places: jax.Array, count: jax.Array) -> Leaves:
    del count
    here = places[None] == places_of(places)[:, None]
    return tuple(_chosen(here, leaf) for leaf in leaves)


def _ordered_together(leaves: Leaves, keys: jax.Array, count: jax.Array) -> Leaves:
    """By rank: how many keys are smaller."""
    place = places_of(keys)
    # All keys differ; those of the members that stay are the largest and rise.
    keys = jnp.where(place < count, keys * keys.size + place, jnp.iinfo(jnp.int32).max - keys.size + place)
    return _placed_together(leaves, jnp.sum(keys[:, None] < keys[None], axis=0, dtype=jnp.int32), count)


def _kept_together(leaves: Leaves, stays: jax.Array, count: jax.Array) -> Leaves:
    stays = stays & (places_of(stays) < count)
    return _placed_together(leaves, jnp.where(stays, _counted_together(stays) - 1, -1), count)


def _with_ancestors_together(genome: CPPN, rows: jax.Array) -> jax.Array:
    """By the set of what each row reads, which takes in the sets of its members again and again."""
    size = rows.size
    row = np.arange(size, dtype=np.int32)
    used = places_of(genome.sources) < genome.num_connections
    leads = used[None] & (genome.targets[None] == row[:, None])
    reads = bit_sets.union(leads, bit_sets.of_each(genome.sources, size)) | bit_sets.of_each(row, size)
    # After s times a set holds what is read through 2^s connections, and no way through the graph has N.
    for _ in range(math.ceil(math.log2(max(size - 1, 2)))):
        reads = bit_sets.union(bit_sets.members(reads, size), reads)
    return bit_sets.members(bit_sets.union(rows[None], reads), size)[0]


def _chosen(here: jax.Array, leaf: jax.Array) -> jax.Array:
    """`[m]`: the member at which each row of `here`, `[m, n]` bool, is True; zero where it is True nowhere.

    No row is True twice. Members are taken as bits, so that not even a negative zero changes.
    """
    bits = lax.bitcast_convert_type(leaf, jnp.uint32)
    found = bit_sets.joined(jnp.where(here, bits[None], jnp.uint32(0)), 1)
    return lax.bitcast_convert_type(found, leaf.dtype)


def places_of(leaf: jax.Array) -> jax.Array:
    """`[n]` int32: the index of each member of a list."""
    return jnp.arange(leaf.size, dtype=jnp.int32)


ONE_BY_ONE = Rearranging(
    at=_at_one_by_one,
    counted=_counted_one_by_one,
    placed=_placed_one_by_one,
    ordered=_ordered_one_by_one,
    kept=_kept_one_by_one,
    with_ancestors=_with_ancestors_one_by_one,
    moved=_moved,
    looked_up=_looked_up,
)
TOGETHER = Rearranging(
    at=_at_together,
    counted=_counted_together,
    placed=_placed_together,
    ordered=_ordered_together,
    kept=_kept_together,
    with_ancestors=_with_ancestors_together,
    moved=_moved,
    looked_up=_looked_up,
)
