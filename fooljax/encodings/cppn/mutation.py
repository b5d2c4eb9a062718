"""Mutation of CPPN genomes: weights, functions, connections, nodes.

Source: the authors' code for Nguyen et al. 2015, in its order and with its rates. Everything is masks and
shifts over the padded arrays: no scatter, no data-dependent shape, so a population mutates under one `vmap`.
Differs: a genome that is full (nodes, or the slots of the chosen target) stays as it is.

Between the steps a genome is a `Draft`, whose slots in use are a mask and may have gaps; they are closed
once, at the end.
"""

import dataclasses
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from fooljax.encodings.cppn.genome import CPPN, MAX_WEIGHT, Layout
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
    """

    weight: float = 0.1
    eta: float = 15.0
    function: float = 0.1
    add_connection: float = 0.5
    delete_connection: float = 0.3
    add_node: float = 0.5
    delete_node: float = 0.2


@flax.struct.dataclass
class Draft:
    """A genome whose slots in use are those of a mask.

    Attributes:
      num_hidden: `[]` int32.
      functions: `[N]` int32.
      sources: `[N, F]` int32; anything where not used.
      weights: `[N, F]` float32; anything where not used.
      used: `[N, F]` bool.
    """

    num_hidden: jax.Array
    functions: jax.Array
    sources: jax.Array
    weights: jax.Array
    used: jax.Array


def mutate(key: jax.Array, genome: CPPN, layout: Layout, num_functions: int, rates: Rates) -> CPPN:
    """One child of a genome: the six steps of the authors' code, in their order.

    Args:
      key: a PRNG key.
      genome: one genome, valid for the layout.
      layout: its sizes.
      num_functions: size of the function set.
      rates: probabilities.
    Returns:
      A valid genome.
    """
    rows, slots = layout.num_nodes, layout.fan_in
    draws = jax.random.uniform(key, (rows * slots + rows + 11,))
    for_weights, for_functions, last = draws[: rows * slots], draws[rows * slots : -11], draws[-11:]
    draft = move_weights(for_weights.reshape(rows, slots), opened(genome), rates.weight, rates.eta)
    draft = redraw_functions(for_functions, draft, layout, num_functions, rates.function)
    # The barriers keep XLA from computing each step again for each leaf of the next.
    draft = add_connection(last[0:4], jax.lax.optimization_barrier(draft), layout, rates.add_connection)
    draft = delete_connection(last[4:6], jax.lax.optimization_barrier(draft), rates.delete_connection)
    draft = add_node(last[6:9], jax.lax.optimization_barrier(draft), layout, num_functions, rates.add_node)
    draft = delete_node(last[9:11], jax.lax.optimization_barrier(draft), layout, rates.delete_node)
    return closed(jax.lax.optimization_barrier(draft))


def opened(genome: CPPN) -> Draft:
    """A genome as a draft."""
    used = jnp.arange(genome.sources.shape[1])[None] < genome.fan_in[:, None]
    return Draft(genome.num_hidden, genome.functions, genome.sources, genome.weights, used)


def closed(draft: Draft) -> CPPN:
    """A draft as a genome: gaps closed, in order, and zeros in the slots that are free.

    Each connection moves up by the number of gaps before it, one binary digit of that number at a time:
    shifts and masks, where sorting would cost many times as much.
    """
    used, num_slots = draft.used, draft.used.shape[1]
    gaps = _counted(~used)
    moves = jnp.where(used, gaps, 0)
    sources, weights = jnp.where(used, draft.sources, 0), jnp.where(used, draft.weights, 0.0)
    for bit in range((num_slots - 1).bit_length()):
        step = 1 << bit
        moves, sources, weights = jax.lax.optimization_barrier((moves, sources, weights))
        leaving = (moves >> bit) & 1 == 1
        arriving = _ahead(moves, step) >> bit & 1 == 1

        def moved(leaf: jax.Array) -> jax.Array:
            return jnp.where(arriving, _ahead(leaf, step), jnp.where(leaving, 0, leaf))  # noqa: B023

        moves, sources, weights = moved(moves), moved(sources), moved(weights)
    fan_in = jnp.sum(used, axis=1, dtype=jnp.int32)
    return CPPN(draft.num_hidden, draft.functions, sources, weights, fan_in)


def move_weights(draws: jax.Array, draft: Draft, rate: float, eta: float) -> Draft:
    """Polynomial mutation of each weight, `draws` `[N, F]`, with probability `rate`."""
    weights = polynomial(draws, draft.weights, rate, eta, -MAX_WEIGHT, MAX_WEIGHT)
    return dataclasses.replace(draft, weights=jnp.where(draft.used, weights, 0.0))


def redraw_functions(
    draws: jax.Array, draft: Draft, layout: Layout, num_functions: int, rate: float
) -> Draft:
    """Draws each node's function again, `draws` `[N]`, with probability `rate`; it may stay what it was."""
    row = jnp.arange(layout.num_nodes)
    hidden = (row >= layout.num_inputs) & (row < layout.num_inputs + draft.num_hidden)
    has_function = hidden | (row >= layout.num_nodes - layout.num_outputs)
    drawn = _pick(draws / max(rate, 1e-30), num_functions)
    return dataclasses.replace(
        draft, functions=jnp.where(has_function & (draws < rate), drawn, draft.functions)
    )


def add_connection(draws: jax.Array, draft: Draft, layout: Layout, rate: float) -> Draft:
    """Joins a random input or hidden node to a random node that is neither an input nor its ancestor.

    Where the target stands before the source, the source and its ancestors between the two move before it,
    which keeps the order topological.

    Args:
      draws: `[4]` uniform: whether, source, target, weight.
      draft: one genome.
      layout: its sizes.
      rate: probability that it happens; nothing happens if no target is left or the target's slots are full.
    """
    row = jnp.arange(layout.num_nodes)
    first_output = layout.num_nodes - layout.num_outputs
    above_hidden = layout.num_inputs + draft.num_hidden
    source = _pick(draws[1], above_hidden)
    ancestors = _ancestors(draft, layout, source)
    targets = (row >= first_output) | ((row >= layout.num_inputs) & (row < above_hidden))
    targets &= ~ancestors & (row != source)
    counted = _counted(targets)
    wanted = _pick(draws[2], counted[-1])
    target = jnp.argmax(targets & (counted == wanted + 1))
    free = ~draft.used & (row == target)[:, None]
    happens = (draws[0] < rate) & jnp.any(free) & (counted[-1] > 0)

    # A stable partition of the rows between: the source with its ancestors, then the rest, target first.
    moves = happens & (target < source) & (row >= target) & (row <= source)
    early = moves & (ancestors | (row == source))
    late = moves & ~early
    place = jnp.where(early, target + _counted(early) - 1, row)
    place = jnp.where(late, target + jnp.sum(early) + _counted(late) - 1, place)
    comes_from = jnp.sum(jnp.where(place[None] == row[:, None], row[None], 0), axis=1)
    place, comes_from, free = jax.lax.optimization_barrier((place, comes_from, free))

    slot = free & (_counted(free) == 1) & happens
    sources = jnp.where(slot, source, draft.sources)
    weights = jnp.where(slot, (2.0 * draws[3] - 1.0) * MAX_WEIGHT, draft.weights)
    return Draft(
        num_hidden=draft.num_hidden,
        functions=draft.functions[comes_from],
        sources=place[sources][comes_from],
        weights=weights[comes_from],
        used=(draft.used | slot)[comes_from],
    )


def delete_connection(draws: jax.Array, draft: Draft, rate: float) -> Draft:
    """Removes one connection, drawn uniformly.

    Args:
      draws: `[2]` uniform: whether, which.
      draft: one genome.
      rate: probability that it happens.
    """
    return dataclasses.replace(
        draft, used=draft.used & ~(_one_connection(draws[1], draft) & (draws[0] < rate))
    )


def add_node(draws: jax.Array, draft: Draft, layout: Layout, num_functions: int, rate: float) -> Draft:
    """Splits a random connection by a node with a random function; both halves carry the old weight.

    Args:
      draws: `[3]` uniform: whether, which connection, which function.
      draft: one genome.
      layout: its sizes.
      num_functions: size of the function set.
      rate: probability that it happens; nothing happens without a connection or a free row.
    """
    row = jnp.arange(layout.num_nodes)
    above_hidden = layout.num_inputs + draft.num_hidden
    split = _one_connection(draws[1], draft)
    happens = (draws[0] < rate) & jnp.any(split) & (draft.num_hidden < layout.max_hidden)
    source = jnp.sum(jnp.where(split, draft.sources, 0))
    weight = jnp.sum(jnp.where(split, draft.weights, 0.0))
    target = jnp.sum(jnp.where(split, row[:, None], 0))
    # The new row stands just before the target, or last of the hidden rows where the target is an output.
    new = jnp.where(happens, jnp.minimum(target, above_hidden), layout.num_nodes)
    new, source, weight = jax.lax.optimization_barrier((new, source, weight))
    shifted = (row > new) & (row <= above_hidden)

    def insert(leaf: jax.Array, value: jax.Array) -> jax.Array:
        mask = (leaf.shape[0], *(1,) * (leaf.ndim - 1))
        down = jnp.where(shifted.reshape(mask), jnp.roll(leaf, 1, axis=0), leaf)
        return jnp.where((row == new).reshape(mask), value, down)

    return Draft(
        num_hidden=draft.num_hidden + happens,
        functions=insert(draft.functions, _pick(draws[2], num_functions)),
        sources=insert(jnp.where(split & happens, new, draft.sources + (draft.sources >= new)), source),
        weights=insert(draft.weights, weight),
        used=insert(draft.used, (jnp.arange(layout.fan_in) == 0)[None]),
    )


def delete_node(draws: jax.Array, draft: Draft, layout: Layout, rate: float) -> Draft:
    """Removes a random hidden node with all its connections.

    Args:
      draws: `[2]` uniform: whether, which.
      draft: one genome.
      layout: its sizes.
      rate: probability that it happens.
    """
    row = jnp.arange(layout.num_nodes)
    happens = (draws[0] < rate) & (draft.num_hidden > 0)
    node = jnp.where(happens, layout.num_inputs + _pick(draws[1], draft.num_hidden), layout.num_nodes)
    last = layout.num_inputs + draft.num_hidden - 1
    shifted = (row >= node) & (row < last)
    emptied = happens & (row == last)

    def close(leaf: jax.Array) -> jax.Array:
        mask = (leaf.shape[0], *(1,) * (leaf.ndim - 1))
        up = jnp.where(shifted.reshape(mask), jnp.roll(leaf, -1, axis=0), leaf)
        return jnp.where(emptied.reshape(mask), jnp.zeros((), leaf.dtype), up)

    return Draft(
        num_hidden=draft.num_hidden - happens,
        functions=close(draft.functions),
        sources=close(draft.sources - (draft.sources > node)),
        weights=close(draft.weights),
        used=close(draft.used & (draft.sources != node)),
    )


def _pick(draw: jax.Array, count: jax.Array | int) -> jax.Array:
    """An index below `count` (0 where `count` is 0), from a uniform draw."""
    index = jnp.floor(draw * jnp.asarray(count, jnp.float32)).astype(jnp.int32)
    return jnp.clip(index, 0, jnp.maximum(count - 1, 0))


def _one_connection(draw: jax.Array, draft: Draft) -> jax.Array:
    """`[N, F]` bool: True at one connection, drawn uniformly; nowhere if there is none."""
    in_rows = _counted(jnp.sum(draft.used, axis=1))
    wanted = _pick(draw, in_rows[-1])
    row = jnp.argmax(in_rows > wanted)
    here = draft.used & (jnp.arange(in_rows.size) == row)[:, None]
    left = wanted - jnp.sum(jnp.where(jnp.arange(in_rows.size) < row, jnp.sum(draft.used, axis=1), 0))
    return here & (_counted(here) == left + 1)


def _counted(mask: jax.Array) -> jax.Array:
    """How many are True up to and including each place along the last axis, int32."""
    return jnp.cumsum(mask, axis=-1, dtype=jnp.int32)


def _ahead(leaf: jax.Array, step: int) -> jax.Array:
    """`leaf[:, i + step]` at `i`, zeros at the end."""
    return jnp.pad(leaf[:, step:], ((0, 0), (0, step)))


def _ancestors(draft: Draft, layout: Layout, node: jax.Array) -> jax.Array:
    """`[N]` bool: the rows that a row reads, directly or through others; itself not. As sets of bits."""
    words, row = jnp.arange(-(-layout.num_nodes // 32)), jnp.arange(layout.num_nodes)

    def bits(rows: jax.Array) -> jax.Array:
        one = jnp.uint32(1) << (rows % 32).astype(jnp.uint32)
        here = words.reshape((1,) * rows.ndim + words.shape) == (rows // 32)[..., None]
        return jnp.where(here, one[..., None], jnp.uint32(0))

    def look(step: jax.Array, found: jax.Array) -> jax.Array:
        at = layout.num_inputs + draft.num_hidden - 1 - step
        reached = jnp.any((bits(at) & found) > 0)
        reads = jnp.where(draft.used[at][:, None], bits(draft.sources[at]), 0)
        return jnp.where(
            reached, found | jax.lax.reduce(reads, jnp.uint32(0), jax.lax.bitwise_or, (0,)), found
        )

    found = jax.lax.fori_loop(0, draft.num_hidden, look, bits(node))
    return jnp.any((bits(row) & found[None]) > 0, axis=-1) & (row != node)
