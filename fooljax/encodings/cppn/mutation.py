"""Mutation of CPPN genomes: weights, functions, connections, nodes.

Source: the authors' code for Nguyen et al. 2015, in its order and with its rates. Differs: a genome that is
full (of nodes, or of connections) stays as it is where something would be added.

A step is a `lax.cond`: a real branch where genomes are mutated one after another, a selection under `vmap`.
No scatter, no data-dependent shape.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from fooljax.encodings.cppn.genome import CPPN, MAX_WEIGHT, Layout
from fooljax.encodings.cppn.lowering import as_one_kernel, choose
from fooljax.encodings.polynomial import polynomial


class Rates(NamedTuple):
    """Probabilities, each in [0, 1], and the index of polynomial mutation. Source: the authors' code.

    Attributes:
      weight: of each weight to move.
      eta: distribution index of those moves.
      function: of each node's function to be drawn again.
      add_connection: of the genome to gain a connection.
      delete_connection: of the genome to lose a connection.
      add_node: of the genome to gain a node.
      delete_node: of the genome to lose a node.
      fine: of a large genome to have nothing but its weights moved, by small steps; `fine * (1 - m / n)` of
        one with n connections, where m is how many the first genomes have. Ours: once drawings have
        grown, nearly all children made by the other steps are worse.
      fine_weight: of each weight to move in such a child.
      fine_eta: distribution index of those moves.
      fine_connection: of such a child to gain a connection with a small weight instead, all else as it was:
        room for later moves.
    """

    weight: float = 0.1
    eta: float = 15.0
    function: float = 0.1
    add_connection: float = 0.5
    delete_connection: float = 0.3
    add_node: float = 0.5
    delete_node: float = 0.2
    fine: float = 0.0
    fine_weight: float = 0.3
    fine_eta: float = 300.0
    fine_connection: float = 0.0


_FOR_STEPS = 11
"""Draws of the four steps that change the graph."""
SMALL_WEIGHT = 0.3
"""The most that a connection weighs which a fine child gains."""


def make_mutate(
    layout: Layout, num_functions: int, rates: Rates, lowering: str | None = None
) -> Callable[[jax.Array, CPPN], CPPN]:
    """Builds `mutate(key, genome) -> genome`: the authors' six steps in their order, or a fine one.

    Args:
      layout: sizes of the genomes.
      num_functions: size of the function set.
      rates: probabilities.
      lowering: see `lowering.choose`; both forms give the same genomes.
    Returns:
      A function of a PRNG key and one valid genome, giving a valid genome; vmap it over populations.
    """
    num_nodes, num_places = layout.max_nodes, layout.max_connections
    num_first = layout.num_inputs * layout.num_outputs
    for_fine = num_places + num_nodes + _FOR_STEPS
    # No draw where nothing is decided by it, so that genomes without fine steps are what they always were.
    num_draws = for_fine + (rates.fine > 0.0) * (1 + (rates.fine_connection > 0.0))

    def one(pair: tuple[jax.Array, CPPN]) -> CPPN:
        draws, genome = pair
        if rates.fine == 0.0:
            return coarse(draws, genome)
        grown = 1.0 - num_first / jnp.maximum(genome.num_connections, num_first)
        return lax.cond(draws[for_fine] < rates.fine * grown, fine, coarse, draws, genome)

    def fine(draws: jax.Array, genome: CPPN) -> CPPN:
        def moved(draws: jax.Array, genome: CPPN) -> CPPN:
            return move_weights(draws[:num_places], genome, rates.fine_weight, rates.fine_eta)

        def joined(draws: jax.Array, genome: CPPN) -> CPPN:
            return add_connection(draws[:4], genome, layout, 1.0, SMALL_WEIGHT)

        if rates.fine_connection == 0.0:
            return moved(draws, genome)
        return lax.cond(draws[for_fine + 1] < rates.fine_connection, joined, moved, draws, genome)

    def coarse(draws: jax.Array, genome: CPPN) -> CPPN:
        for_weights, for_functions, last = jnp.split(draws, (num_places, num_places + num_nodes))
        genome = move_weights(for_weights, genome, rates.weight, rates.eta)
        genome = redraw_functions(for_functions, genome, layout, num_functions, rates.function)
        genome = add_connection(last[0:4], genome, layout, rates.add_connection)
        genome = delete_connection(last[4:6], genome, rates.delete_connection)
        genome = add_node(last[6:9], genome, layout, num_functions, rates.add_node)
        return delete_node(last[9:11], genome, layout, rates.delete_node)

    many = choose(
        lowering,
        serial=lambda _, pairs: as_one_kernel(functools.partial(lax.map, one), pairs),
        batched=lambda _, pairs: jax.vmap(one)(pairs),
    )

    def mutate(key: jax.Array, genome: CPPN) -> CPPN:
        draws = jax.random.uniform(key, (num_draws,))
        pairs = jax.tree.map(lambda leaf: leaf[None], (draws, genome))
        children: CPPN = jax.tree.map(lambda leaf: leaf[0], many((), pairs))
        return children

    return mutate


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
