"""Draws CPPNs with a derivative, with respect to the weights and to the coordinates of pixels.

It has the three forms of the renderer (see `lowering`); `differentiable_kernel` has the one for GPUs.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fooljax.encodings import colour as colours
from fooljax.encodings.cppn import functions
from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.in_kernel import all_fit
from fooljax.encodings.cppn.lowering import as_one_kernel, choose
from fooljax.encodings.cppn.table import ZERO, at, check_coordinates, check_drawing, row_of

ONE_KERNEL_PIXELS = 16_384
"""Rows of more pixels are drawn differentiably task by task: then a task's cost is lost beside its work, and
XLA's CPU backend cannot put operations into one function that it would share among threads."""


def make_differentiable_render(
    layout: Layout, function_names: tuple[str, ...], colour: str, lowering: str | None = None
) -> Callable[[CPPN, jax.Array], jax.Array]:
    """Builds a renderer with a reverse-mode derivative with respect to weights and coordinates.

    Levels are not truncated to 8 bits, since the derivative of that is zero everywhere. Rows are never
    written twice, so the values of the forward pass are all that the derivative needs: it walks the
    connections in use back to front, and keeps `12 N H W` bytes a genome.

    Args:
      layout: sizes of the genomes.
      function_names: the function set.
      colour: a name out of `colour.COLOURS`.
      lowering: see `lowering.choose`.
    Returns:
      A function as `make_render` gives, without truncation.
    Raises:
      InputError: as `make_render`.
    """
    check_drawing(layout, function_names, colour)
    nodes = functions.lookup(function_names)
    conversion = colours.lookup(colour)

    def in_turn(one: Callable[[Any, Any], Any], shared: Any, batch: Any) -> Any:
        def run(shared: Any, batch: Any) -> Any:
            return lax.map(lambda member: one(shared, member), batch)

        largest = max(leaf.shape[-1] for leaf in jax.tree.leaves((shared, batch)) if leaf.ndim)
        return as_one_kernel(run, shared, batch) if largest <= ONE_KERNEL_PIXELS else run(shared, batch)

    def each(one: Callable[[Any, Any], Any], name: str) -> Callable[[Any, Any], Any]:
        """`one(shared, genome)` for one genome, fast under `vmap`; `name` is that of its kernel."""

        def batched(shared: Any, batch: Any) -> Any:
            return jax.vmap(lambda member: one(shared, member))(batch)

        def kernel(shared: Any, batch: Any, interpret: bool = False) -> Any:
            if not all_fit(function_names, slopes=True):
                return batched(shared, batch)
            from fooljax.encodings.cppn import differentiable_kernel

            return getattr(differentiable_kernel, name)(layout, function_names, shared, batch, interpret)

        many = choose(lowering, lambda shared, batch: in_turn(one, shared, batch), batched, kernel)

        def lone(shared: Any, member: Any) -> Any:
            result = many(shared, jax.tree.map(lambda leaf: leaf[None], member))
            return jax.tree.map(lambda leaf: leaf[0], result)

        return lone

    forward = each(functools.partial(_forward, layout, nodes), "forward_by_kernel")
    backward = each(functools.partial(_backward, layout, nodes), "backward_by_kernel")

    @jax.custom_vjp
    def outputs(genome: CPPN, pixels: jax.Array) -> jax.Array:
        return forward(pixels, genome)[0][layout.first_output :]

    def outputs_forward(genome: CPPN, pixels: jax.Array) -> tuple[jax.Array, Any]:
        table, sums = forward(pixels, genome)
        return table[layout.first_output :], (genome, table, sums)

    def outputs_backward(kept: Any, slopes: jax.Array) -> tuple[CPPN, jax.Array]:
        genome, table, sums = kept
        weights, pixels = backward((), (genome, table, sums, slopes))
        zero = jax.tree.map(lambda leaf: np.zeros(leaf.shape, jax.dtypes.float0), genome)
        return dataclasses.replace(zero, weights=weights), pixels

    outputs.defvjp(outputs_forward, outputs_backward)

    def render(genome: CPPN, coordinates: jax.Array) -> jax.Array:
        check_coordinates(coordinates, layout)
        rows = outputs(genome, coordinates.reshape(layout.num_inputs, -1))
        channels = colours.to_channels(tuple(rows), conversion, truncate=False)
        return jnp.stack(channels, axis=-1).reshape(*coordinates.shape[1:], -1)

    return render


def _forward(
    layout: Layout, nodes: tuple[functions.Function, ...], pixels: jax.Array, genome: CPPN
) -> tuple[jax.Array, jax.Array]:
    """All rows' values and weighted sums, `[N, P]` each, of one genome and pixels `[I, P]`."""
    table = jnp.pad(pixels, ((0, layout.max_nodes - layout.num_inputs), (0, 0)))

    def node(step: jax.Array, carry: Any) -> Any:
        table, sums, place = carry
        row = row_of(layout, genome.num_hidden, step)

        def add(carry: Any) -> Any:
            place, total = carry
            return place + 1, total + at(genome.weights, place) * at(table, at(genome.sources, place))

        place, total = lax.while_loop(
            lambda carry: (
                (carry[0] < genome.num_connections) & (_at_or_last(genome.targets, carry[0]) == row)
            ),
            add,
            (place, jnp.zeros_like(pixels[0])),
        )
        value = lax.switch(at(genome.functions, row), nodes, total)
        table = lax.dynamic_update_slice(table, value[None], (row, ZERO))
        return table, lax.dynamic_update_slice(sums, total[None], (row, ZERO)), place

    steps = genome.num_hidden + layout.num_outputs
    table, sums, _ = lax.fori_loop(ZERO, steps, node, (table, jnp.zeros_like(table), ZERO))
    return table, sums


def _backward(
    layout: Layout, nodes: tuple[functions.Function, ...], shared: Any, kept: Any
) -> tuple[jax.Array, jax.Array]:
    """Derivatives with respect to weights `[E]` and pixels `[I, P]`, of those with respect to the outputs."""
    del shared
    genome, table, sums, slopes = kept
    adjoint = jnp.pad(slopes, ((layout.first_output, 0), (0, 0)))
    branches = [lambda total, slope, node=node: jax.vjp(node, total)[1](slope)[0] for node in nodes]
    places = jnp.arange(layout.max_connections)

    def node(step: jax.Array, carry: Any) -> Any:
        adjoint, weights, place = carry
        row = row_of(layout, genome.num_hidden, genome.num_hidden + layout.num_outputs - 1 - step)
        slope = lax.switch(at(genome.functions, row), branches, at(sums, row), at(adjoint, row))

        def pass_on(carry: Any) -> Any:
            place, adjoint, weights = carry
            source = at(genome.sources, place)
            weights = jnp.where(places == place, jnp.vdot(slope, at(table, source)), weights)
            moved = at(adjoint, source) + at(genome.weights, place) * slope
            return place - 1, lax.dynamic_update_slice(adjoint, moved[None], (source, ZERO)), weights

        place, adjoint, weights = lax.while_loop(
            lambda carry: (carry[0] >= 0) & (_at_or_last(genome.targets, carry[0]) == row),
            pass_on,
            (place, adjoint, weights),
        )
        return adjoint, weights, place

    begin = (adjoint, jnp.zeros_like(genome.weights), genome.num_connections - 1)
    adjoint, weights, _ = lax.fori_loop(ZERO, genome.num_hidden + layout.num_outputs, node, begin)
    return weights, adjoint[: layout.num_inputs]


def _at_or_last(array: jax.Array, index: jax.Array) -> jax.Array:
    """`array[index]` of an index that may be one beyond either end."""
    return at(array, jnp.clip(index, 0, array.shape[0] - 1))
