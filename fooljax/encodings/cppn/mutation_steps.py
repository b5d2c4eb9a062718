"""The steps of mutation: weights move, functions are drawn again, connections and nodes come and go.

Each takes uniform draws and gives a valid genome. A step is a `lax.cond`: a real branch where genomes are
mutated one after another, a selection under `vmap`. No scatter, no data-dependent shape.
Source: the authors' code for Nguyen et al. 2015.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from fooljax.encodings.cppn.genome import CPPN, MAX_WEIGHT, Layout
from fooljax.encodings.polynomial import polynomial


def move_weights(draws: jax.Array, genome: CPPN, rate: float, eta: float) -> CPPN:
    """Polynomial mutation of each weight, `draws` `[E]`, with probability `rate`."""
    moved = polynomial(draws, genome.weights, rate, eta, -MAX_WEIGHT, MAX_WEIGHT)
    return dataclasses.replace(genome, weights=jnp.where(_used(genome), moved, 0.0))


def redraw_functions(draws: jax.Array, genome: CPPN, layout: Layout, num_functions: int, rate: float) -> CPPN:
    """Draws each node's function again, `draws` `[N]`, with probability `rate`; it may stay what it was."""
    drawn = _pick(draws / max(rate, 1e-30), num_functions)
    chosen = _is_node(genome, layout) & (draws < rate)
    return dataclasses.replace(genome, functions=jnp.where(chosen, drawn, genome.functions))


def add_connection(
    draws: jax.Array, genome: CPPN, layout: Layout, rate: float, largest: float = MAX_WEIGHT
) -> CPPN:
    """Joins a random input or hidden node to a random node that is neither itself nor its ancestor.

    Where the target stands before the source, the source and its ancestors between the two move before it,
    which keeps the order topological.

    Args:
      draws: `[4]` uniform: whether, source, target, weight.
      genome: one genome.
      layout: its sizes.
      rate: probability that it happens; nothing happens if no target is left or the genome is full.
      largest: the weight is drawn from [-largest, largest].
    """

    def join(genome: CPPN) -> CPPN:
        row = jnp.arange(layout.max_nodes, dtype=jnp.int32)
        above_hidden = layout.num_inputs + genome.num_hidden
        source = _pick(draws[1], above_hidden)
        ancestors = _with_ancestors(genome, row == source)
        counted = _counted(_is_node(genome, layout) & ~ancestors)
        target = jnp.sum(counted <= _pick(draws[2], counted[-1]), dtype=jnp.int32)

        def before(genome: CPPN) -> tuple[CPPN, jax.Array, jax.Array]:
            # A stable partition of the rows between: the source with its ancestors, then the rest.
            moves = (row >= target) & (row <= source)
            early = _counted(moves & ancestors)
            place = jnp.where(moves & ancestors, target + early - 1, row + early[-1] - early)
            place = jnp.where(moves, place, row)
            (functions,) = _sorted((genome.functions,), place, above_hidden)
            sources, targets = place[genome.sources], place[genome.targets]
            sources, targets, weights = _sorted(
                (sources, targets, genome.weights), targets, genome.num_connections
            )
            genome = dataclasses.replace(
                genome, functions=functions, sources=sources, targets=targets, weights=weights
            )
            return genome, place[source], place[target]

        genome, source, target = lax.cond(
            target < source, before, lambda genome: (genome, source, target), genome
        )
        place = jnp.sum(_used(genome) & (genome.targets <= target), dtype=jnp.int32)
        joined = _insert(genome, place, source, target, (2.0 * draws[3] - 1.0) * largest)
        return _where(counted[-1] > 0, joined, genome)

    happens = (draws[0] < rate) & (genome.num_connections < layout.max_connections)
    return lax.cond(happens, join, lambda genome: genome, genome)


def delete_connection(draws: jax.Array, genome: CPPN, rate: float) -> CPPN:
    """Removes one connection, drawn uniformly.

    Args:
      draws: `[2]` uniform: whether, which.
      genome: one genome.
      rate: probability that it happens.
    """

    def remove(genome: CPPN) -> CPPN:
        gone = _pick(draws[1], genome.num_connections)
        place = _places(genome)

        def close(leaf: jax.Array) -> jax.Array:
            # The place beyond the last one in use moves up as well, and it holds 0.
            return jnp.where(place < gone, leaf, jnp.append(leaf[1:], jnp.zeros((), leaf.dtype)))

        return dataclasses.replace(
            genome,
            num_connections=genome.num_connections - 1,
            sources=close(genome.sources),
            targets=close(genome.targets),
            weights=close(genome.weights),
        )

    happens = (draws[0] < rate) & (genome.num_connections > 0)
    return lax.cond(happens, remove, lambda genome: genome, genome)


def add_node(draws: jax.Array, genome: CPPN, layout: Layout, num_functions: int, rate: float) -> CPPN:
    """Splits a random connection by a node with a random function; both halves carry the old weight.

    Args:
      draws: `[3]` uniform: whether, which connection, which function.
      genome: one genome.
      layout: its sizes.
      num_functions: size of the function set.
      rate: probability that it happens; nothing happens without a connection or where the genome is full.
    """

    def split(genome: CPPN) -> CPPN:
        row = jnp.arange(layout.max_nodes, dtype=jnp.int32)
        above_hidden = layout.num_inputs + genome.num_hidden
        place, used = _pick(draws[1], genome.num_connections), _used(genome)
        source, weight = _at(genome.sources, place), _at(genome.weights, place)
        # The new row stands just before the target, or last of the hidden rows where that is an output.
        new = jnp.minimum(_at(genome.targets, place), above_hidden)

        def shifted(rows: jax.Array) -> jax.Array:
            return rows + (used & (rows >= new) & (rows < layout.first_output))

        down = jnp.concatenate([genome.functions[:1], genome.functions[:-1]])
        functions = jnp.where((row > new) & (row <= above_hidden), down, genome.functions)
        genome = dataclasses.replace(
            genome,
            num_hidden=genome.num_hidden + 1,
            functions=jnp.where(row == new, _pick(draws[2], num_functions), functions),
            sources=jnp.where(_places(genome) == place, new, shifted(genome.sources)),
            targets=shifted(genome.targets),
        )
        return _insert(genome, jnp.sum(used & (genome.targets < new), dtype=jnp.int32), source, new, weight)

    room = (genome.num_hidden < layout.max_hidden) & (genome.num_connections < layout.max_connections)
    happens = (draws[0] < rate) & room & (genome.num_connections > 0)
    return lax.cond(happens, split, lambda genome: genome, genome)


def delete_node(draws: jax.Array, genome: CPPN, layout: Layout, rate: float) -> CPPN:
    """Removes a random hidden node with all its connections.

    Args:
      draws: `[2]` uniform: whether, which.
      genome: one genome.
      layout: its sizes.
      rate: probability that it happens.
    """

    def remove(genome: CPPN) -> CPPN:
        row = jnp.arange(layout.max_nodes, dtype=jnp.int32)
        node = layout.num_inputs + _pick(draws[1], genome.num_hidden)
        stays = _used(genome) & (genome.sources != node) & (genome.targets != node)

        def shifted(rows: jax.Array) -> jax.Array:
            return jnp.where(stays, rows - ((rows > node) & (rows < layout.first_output)), 0)

        leaves = (shifted(genome.sources), shifted(genome.targets), jnp.where(stays, genome.weights, 0.0))
        sources, targets, weights = _kept(leaves, stays, genome.num_connections)
        last = layout.num_inputs + genome.num_hidden - 1
        up = jnp.concatenate([genome.functions[1:], genome.functions[-1:]])
        functions = jnp.where((row >= node) & (row < last), up, genome.functions)
        return CPPN(
            num_hidden=genome.num_hidden - 1,
            num_connections=jnp.sum(stays, dtype=jnp.int32),
            functions=jnp.where(row == last, 0, functions),
            sources=sources,
            targets=targets,
            weights=weights,
        )

    happens = (draws[0] < rate) & (genome.num_hidden > 0)
    return lax.cond(happens, remove, lambda genome: genome, genome)


def _pick(draw: jax.Array, count: jax.Array | int) -> jax.Array:
    """An index below `count` (0 where `count` is 0), from a uniform draw."""
    index = jnp.floor(draw * jnp.asarray(count, jnp.float32)).astype(jnp.int32)
    return jnp.clip(index, 0, jnp.maximum(count - 1, 0))


def _at(leaf: jax.Array, index: jax.Array) -> jax.Array:
    """`leaf[index]`, where the index is known to be in range."""
    return lax.dynamic_index_in_dim(leaf, index, keepdims=False)


def _places(genome: CPPN) -> jax.Array:
    return jnp.arange(genome.sources.size, dtype=jnp.int32)


def _used(genome: CPPN) -> jax.Array:
    """`[E]` bool: the places in use."""
    return _places(genome) < genome.num_connections


def _is_node(genome: CPPN, layout: Layout) -> jax.Array:
    """`[N]` bool: hidden nodes and outputs."""
    row = jnp.arange(layout.max_nodes)
    hidden = (row >= layout.num_inputs) & (row < layout.num_inputs + genome.num_hidden)
    return hidden | (row >= layout.first_output)


def _counted(mask: jax.Array) -> jax.Array:
    """How many are True up to and including each place, int32."""
    return jnp.cumsum(mask, dtype=jnp.int32)


def _where(condition: jax.Array, first: CPPN, second: CPPN) -> CPPN:
    chosen: CPPN = jax.tree.map(lambda a, b: jnp.where(condition, a, b), first, second)
    return chosen


def _insert(genome: CPPN, place: jax.Array, source: jax.Array, target: jax.Array, weight: jax.Array) -> CPPN:
    """Puts one connection at a place; those from there on move one down (there must be room)."""
    here, below = _places(genome) == place, _places(genome) > place

    def insert(leaf: jax.Array, value: jax.Array) -> jax.Array:
        down = jnp.concatenate([leaf[:1], leaf[:-1]])
        return jnp.where(here, value, jnp.where(below, down, leaf))

    return dataclasses.replace(
        genome,
        num_connections=genome.num_connections + 1,
        sources=insert(genome.sources, source),
        targets=insert(genome.targets, target),
        weights=insert(genome.weights, weight),
    )


def _sorted(leaves: tuple[jax.Array, ...], keys: jax.Array, count: jax.Array) -> tuple[jax.Array, ...]:
    """The first `count` members of each leaf in the order of their keys, stably; the others stay.

    By counting, one member at a time: few are in use, and a comparison of all with all, or a sort of all
    places, would cost several times as much.
    """
    place = jnp.arange(keys.size, dtype=jnp.int32)
    keys = jnp.where(place < count, keys * keys.size + place, jnp.iinfo(jnp.int32).max)

    def put(index: jax.Array, sorted_leaves: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        here = place == jnp.sum(keys < _at(keys, index), dtype=jnp.int32)
        pairs = zip(leaves, sorted_leaves, strict=True)
        return tuple(jnp.where(here, _at(leaf, index), other) for leaf, other in pairs)

    return lax.fori_loop(0, count, put, leaves)


def _kept(leaves: tuple[jax.Array, ...], stays: jax.Array, count: jax.Array) -> tuple[jax.Array, ...]:
    """Those of the first `count` members of each leaf that stay, in their order; zeros beyond them."""
    place = jnp.arange(stays.size, dtype=jnp.int32)

    def put(index: jax.Array, state: Any) -> Any:
        kept, end = state
        here = (place == end) & _at(stays, index)
        pairs = zip(leaves, kept, strict=True)
        kept = tuple(jnp.where(here, _at(leaf, index), other) for leaf, other in pairs)
        return kept, end + _at(stays, index)

    return lax.fori_loop(0, count, put, (tuple(map(jnp.zeros_like, leaves)), jnp.int32(0)))[0]


def _with_ancestors(genome: CPPN, rows: jax.Array) -> jax.Array:
    """`[N]` bool: the given rows and all that they read, directly or through others."""
    row = jnp.arange(rows.size, dtype=jnp.int32)

    def look(step: jax.Array, found: jax.Array) -> jax.Array:
        # From the last connection to the first: whatever reads a row comes after what the row reads.
        place = genome.num_connections - 1 - step
        return found | (_at(found, _at(genome.targets, place)) & (row == _at(genome.sources, place)))

    return lax.fori_loop(0, genome.num_connections, look, rows)
