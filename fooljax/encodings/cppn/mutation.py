"""Mutation of CPPN genomes: which steps a child goes through, and with what probabilities.

Source: the authors' code for Nguyen et al. 2015, in its order and with its rates. Differs: a genome that is
full (of nodes, or of connections) stays as it is where something would be added.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.lowering import as_one_kernel, choose
from fooljax.encodings.cppn.mutation_kernel import change_graphs
from fooljax.encodings.cppn.mutation_steps import (
    add_connection,
    add_node,
    delete_connection,
    delete_node,
    move_weights,
    redraw_functions,
)
from fooljax.encodings.cppn.rearranging import ONE_BY_ONE, TOGETHER, Draws, Rearranging


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
        one with n connections, where m is how many the first genomes have. It may be more than 1: then all
        children of the largest genomes are such ones. Ours: once drawings have grown, nearly all children
        made by the other steps are worse.
      fine_weight: of each weight to move in such a child.
      fine_eta: distribution index of those moves.
      fine_eta_most: 0, or the largest index: each such child draws one between `fine_eta` and this, uniformly
        by its logarithm. No single scale of steps is the best from the beginning of a search to its end.
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
    fine_eta_most: float = 0.0


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
      lowering: see `lowering.choose`; all forms give the same genomes.
    Returns:
      A function of a PRNG key and one valid genome, giving a valid genome; vmap it over populations.
    """
    num_nodes, num_places = layout.max_nodes, layout.max_connections
    num_first = layout.num_inputs * layout.num_outputs
    # No draw where nothing is decided by it, so that genomes without fine steps are what they always were.
    num_choices = (rates.fine > 0.0) * (1 + (rates.fine_connection > 0.0) + (rates.fine_eta_most > 0.0))
    num_draws = num_places + num_nodes + _FOR_STEPS + num_choices

    def is_fine(choices: Draws, genome: CPPN) -> jax.Array:
        # Without a quotient, which a kernel rounds otherwise than other programs do.
        count = jnp.maximum(genome.num_connections, num_first)
        return choices[0] * count < rates.fine * (count - num_first)

    def gains(choices: Draws) -> jax.Array:
        """Whether a fine child gains a connection, and so has no weight moved."""
        return choices[1] < rates.fine_connection

    def values(draws: jax.Array, genome: CPPN) -> CPPN:
        """The first steps, which leave the graph as it is: what one weight or function becomes."""
        for_weights, for_functions, last = jnp.split(draws, (num_places, num_places + num_nodes))
        choices = last[_FOR_STEPS:]

        def coarse(genome: CPPN) -> CPPN:
            genome = move_weights(for_weights, genome, rates.weight, rates.eta)
            return redraw_functions(for_functions, genome, layout, num_functions, rates.function)

        def fine(genome: CPPN) -> CPPN:
            eta: jax.Array | float = rates.fine_eta
            if rates.fine_eta_most > 0.0:
                eta = eta * (rates.fine_eta_most / eta) ** choices[-1]
            moved = functools.partial(move_weights, for_weights, rate=rates.fine_weight, eta=eta)
            if rates.fine_connection == 0.0:
                return moved(genome)
            return lax.cond(gains(choices), lambda genome: genome, moved, genome)

        if rates.fine == 0.0:
            return coarse(genome)
        return lax.cond(is_fine(choices, genome), fine, coarse, genome)

    def graph(how: Rearranging, draws: Draws, genome: CPPN) -> CPPN:
        """The other steps, from the draws that `for_graph` picks out."""
        for_fine, last, choices = draws[:4], draws[4 : 4 + _FOR_STEPS], draws[4 + _FOR_STEPS :]

        def coarse(genome: CPPN) -> CPPN:
            genome = add_connection(last[0:4], genome, layout, how, rates.add_connection)
            genome = delete_connection(last[4:6], genome, how, rates.delete_connection)
            genome = add_node(last[6:9], genome, layout, how, num_functions, rates.add_node)
            return delete_node(last[9:11], genome, layout, how, rates.delete_node)

        def fine(genome: CPPN) -> CPPN:
            if rates.fine_connection == 0.0:
                return genome
            add = functools.partial(
                add_connection, for_fine, layout=layout, how=how, rate=1.0, largest=SMALL_WEIGHT
            )
            return lax.cond(gains(choices), add, lambda genome: genome, genome)

        if rates.fine == 0.0:
            return coarse(genome)
        return lax.cond(is_fine(choices, genome), fine, coarse, genome)

    def for_graph(draws: jax.Array) -> jax.Array:
        return jnp.concatenate([draws[:4], draws[num_places + num_nodes :]])

    def one(how: Rearranging, pair: tuple[jax.Array, CPPN]) -> CPPN:
        draws, genome = pair
        return graph(how, for_graph(draws), values(draws, genome))

    def by_kernel(_: tuple[()], pairs: tuple[jax.Array, CPPN], interpret: bool = False) -> CPPN:
        draws, genomes = pairs
        # Here, since a kernel rounds quotients and square roots otherwise.
        genomes = jax.vmap(values)(draws, genomes)
        return change_graphs(graph, jax.vmap(for_graph)(draws), genomes, interpret)

    many = choose(
        lowering,
        serial=lambda _, pairs: as_one_kernel(
            functools.partial(lax.map, functools.partial(one, ONE_BY_ONE)), pairs
        ),
        batched=lambda _, pairs: jax.vmap(functools.partial(one, TOGETHER))(pairs),
        kernel=by_kernel,
    )

    def mutate(key: jax.Array, genome: CPPN) -> CPPN:
        draws = jax.random.uniform(key, (num_draws,))
        pairs = jax.tree.map(lambda leaf: leaf[None], (draws, genome))
        children: CPPN = jax.tree.map(lambda leaf: leaf[0], many((), pairs))
        return children

    return mutate
