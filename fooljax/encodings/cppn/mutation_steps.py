"""The steps of mutation: weights move, functions are drawn again, connections and nodes come and go.

Each takes uniform draws and gives a valid genome. A step is a `lax.cond`: a real branch where genomes are
mutated one after another, a selection under `vmap`. No scatter, no data-dependent shape.
Source: the authors' code for Nguyen et al. 2015.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax

from fooljax.encodings.cppn.genome import CPPN, MAX_WEIGHT, Layout
from fooljax.encodings.cppn.rearranging import Draws, Rearranging
from fooljax.encodings.polynomial import polynomial


def move_weights(draws: jax.Array, genome: CPPN, rate: float, eta: jax.Array | float) -> CPPN:
    """Polynomial mutation of each weight, `draws` `[E]`, with probability `rate`."""
    moved = polynomial(draws, genome.weights, rate, eta, -MAX_WEIGHT, MAX_WEIGHT)
    return dataclasses.replace(genome, weights=jnp.where(_used(genome), moved, 0.0))


def redraw_functions(draws: jax.Array, genome: CPPN, layout: Layout, num_functions: int, rate: float) -> CPPN:
    """Draws each node's function again, `draws` `[N]`, with probability `rate`; it may stay what it was."""
    drawn = _pick(draws / max(rate, 1e-30), num_functions)
    chosen = _is_node(genome, layout) & (draws < rate)
    return dataclasses.replace(genome, functions=jnp.where(chosen, drawn, genome.functions))


def add_connection(
    draws: Draws,
    genome: CPPN,
    layout: Layout,
    how: Rearranging,
    rate: float,
    largest: float = MAX_WEIGHT,
) -> CPPN:
    """Joins a random input or hidden node to a random node that is neither itself nor its ancestor.

    Where the target stands before the source, the source and its ancestors between the two move before it,
    which keeps the order topological.

    Args:
      draws: `[4]` uniform: whether, source, target, weight.
      genome: one genome.
      layout: its sizes.
      how: the form.
      rate: probability that it happens; nothing happens if no target is left or the genome is full.
      largest: the weight is drawn from [-largest, largest].
    """

    def join(genome: CPPN) -> CPPN:
        row = _rows(genome)
        above_hidden = layout.num_inputs + genome.num_hidden
        source = _pick(draws[1], above_hidden)
        ancestors = how.with_ancestors(genome, row == source)
        free = _is_node(genome, layout) & ~ancestors
        num_free = jnp.sum(free, dtype=jnp.int32)
        # Rows beyond the last free one count as many as it does.
        counted = how.counted(free)
        target = jnp.sum(counted <= _pick(draws[2], num_free), dtype=jnp.int32)

        def before(genome: CPPN) -> tuple[CPPN, jax.Array, jax.Array]:
            # A stable partition of the rows between: the source with its ancestors, then the rest.
            moves = (row >= target) & (row <= source)
            early = how.counted(moves & ancestors)
            num_early = jnp.sum(moves & ancestors, dtype=jnp.int32)
            place = jnp.where(moves & ancestors, target + early - 1, row + num_early - early)
            place = jnp.where(moves, place, row)
            (functions,) = how.placed((genome.functions,), place, above_hidden)
            sources, targets = (how.looked_up(place, leaf) for leaf in (genome.sources, genome.targets))
            sources, targets, weights = how.ordered(
                (sources, targets, genome.weights), targets, genome.num_connections
            )
            genome = dataclasses.replace(
                genome, functions=functions, sources=sources, targets=targets, weights=weights
            )
            return genome, how.at(place, source), how.at(place, target)

        genome, source, target = lax.cond(
            target < source, before, lambda genome: (genome, source, target), genome
        )
        place = jnp.sum(_used(genome) & (genome.targets <= target), dtype=jnp.int32)
        joined = _insert(genome, how, place, source, target, (2.0 * draws[3] - 1.0) * largest)
        return _where(num_free > 0, joined, genome)

    happens = (draws[0] < rate) & (genome.num_connections < layout.max_connections)
    return lax.cond(happens, join, lambda genome: genome, genome)


def delete_connection(draws: Draws, genome: CPPN, how: Rearranging, rate: float) -> CPPN:
    """Removes one connection, drawn uniformly.

    Args:
      draws: `[2]` uniform: whether, which.
      genome: one genome.
      how: the form.
      rate: probability that it happens.
    """

    def remove(genome: CPPN) -> CPPN:
        gone = _pick(draws[1], genome.num_connections)
        place = _places(genome)

        def close(leaf: jax.Array) -> jax.Array:
            # The place beyond the last one in use moves up as well, and it holds 0.
            return jnp.where(place < gone, leaf, how.moved(leaf, -1))

        return dataclasses.replace(
            genome,
            num_connections=genome.num_connections - 1,
            sources=close(genome.sources),
            targets=close(genome.targets),
            weights=close(genome.weights),
        )

    happens = (draws[0] < rate) & (genome.num_connections > 0)
    return lax.cond(happens, remove, lambda genome: genome, genome)


def add_node(
    draws: Draws, genome: CPPN, layout: Layout, how: Rearranging, num_functions: int, rate: float
) -> CPPN:
    """Splits a random connection by a node with a random function; both halves carry the old weight.

    Args:
      draws: `[3]` uniform: whether, which connection, which function.
      genome: one genome.
      layout: its sizes.
      how: the form.
      num_functions: size of the function set.
      rate: probability that it happens; nothing happens without a connection or where the genome is full.
    """

    def split(genome: CPPN) -> CPPN:
        row = _rows(genome)
        above_hidden = layout.num_inputs + genome.num_hidden
        place, used = _pick(draws[1], genome.num_connections), _used(genome)
        source, weight = how.at(genome.sources, place), how.at(genome.weights, place)
        # The new row stands just before the target, or last of the hidden rows where that is an output.
        new = jnp.minimum(how.at(genome.targets, place), above_hidden)

        def shifted(rows: jax.Array) -> jax.Array:
            return rows + (used & (rows >= new) & (rows < layout.first_output))

        functions = jnp.where(
            (row > new) & (row <= above_hidden), how.moved(genome.functions, 1), genome.functions
        )
        genome = dataclasses.replace(
            genome,
            num_hidden=genome.num_hidden + 1,
            functions=jnp.where(row == new, _pick(draws[2], num_functions), functions),
            sources=jnp.where(_places(genome) == place, new, shifted(genome.sources)),
            targets=shifted(genome.targets),
        )
        first = jnp.sum(used & (genome.targets < new), dtype=jnp.int32)
        return _insert(genome, how, first, source, new, weight)

    room = (genome.num_hidden < layout.max_hidden) & (genome.num_connections < layout.max_connections)
    happens = (draws[0] < rate) & room & (genome.num_connections > 0)
    return lax.cond(happens, split, lambda genome: genome, genome)


def delete_node(draws: Draws, genome: CPPN, layout: Layout, how: Rearranging, rate: float) -> CPPN:
    """Removes a random hidden node with all its connections.

    Args:
      draws: `[2]` uniform: whether, which.
      genome: one genome.
      layout: its sizes.
      how: the form.
      rate: probability that it happens.
    """

    def remove(genome: CPPN) -> CPPN:
        row = _rows(genome)
        node = layout.num_inputs + _pick(draws[1], genome.num_hidden)
        stays = _used(genome) & (genome.sources != node) & (genome.targets != node)

        def shifted(rows: jax.Array) -> jax.Array:
            return jnp.where(stays, rows - ((rows > node) & (rows < layout.first_output)), 0)

        leaves = (shifted(genome.sources), shifted(genome.targets), jnp.where(stays, genome.weights, 0.0))
        sources, targets, weights = how.kept(leaves, stays, genome.num_connections)
        last = layout.num_inputs + genome.num_hidden - 1
        earlier = how.moved(genome.functions, -1)
        functions = jnp.where((row >= node) & (row < last), earlier, genome.functions)
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


def _places(genome: CPPN) -> jax.Array:
    return jnp.arange(genome.sources.size, dtype=jnp.int32)


def _rows(genome: CPPN) -> jax.Array:
    # In a kernel there are more than the layout's, which nothing uses.
    return jnp.arange(genome.functions.size, dtype=jnp.int32)


def _used(genome: CPPN) -> jax.Array:
    """`[E]` bool: the places in use."""
    return _places(genome) < genome.num_connections


def _is_node(genome: CPPN, layout: Layout) -> jax.Array:
    """`[N]` bool: hidden nodes and outputs."""
    row = _rows(genome)
    hidden = (row >= layout.num_inputs) & (row < layout.num_inputs + genome.num_hidden)
    return hidden | ((row >= layout.first_output) & (row < layout.max_nodes))


def _where(condition: jax.Array, first: CPPN, second: CPPN) -> CPPN:
    chosen: CPPN = jax.tree.map(lambda a, b: jnp.where(condition, a, b), first, second)
    return chosen


def _insert(
    genome: CPPN,
    how: Rearranging,
    place: jax.Array,
    source: jax.Array,
    target: jax.Array,
    weight: jax.Array,
) -> CPPN:
    """Puts one connection at a place; those from there on move one down (there must be room)."""
    here, below = _places(genome) == place, _places(genome) > place

    def insert(leaf: jax.Array, value: jax.Array) -> jax.Array:
        return jnp.where(here, value, jnp.where(below, how.moved(leaf, 1), leaf))

    return dataclasses.replace(
        genome,
        num_connections=genome.num_connections + 1,
        sources=insert(genome.sources, source),
        targets=insert(genome.targets, target),
        weights=insert(genome.weights, weight),
    )
