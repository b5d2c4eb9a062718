"""Draws CPPNs one after another, for CPUs: each as far as its own last node, with one real branch per node.

Padding costs nothing, and a node costs its own function only. Memory beyond images and coordinates: both once
more, and a table of `4 N T` bytes, with a tile of `T` pixels, at most 2,048 however large the image.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fooljax.encodings import colour as colours
from fooljax.encodings.cppn import functions
from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.lowering import as_one_kernel
from fooljax.encodings.cppn.table import CHUNK, ZERO, at, tiles

SERIAL_TILE = 2048
"""Pixels per tile: the live rows of a table stay within a level-2 cache."""
UNROLLED = (1, 2, 4)
"""Fan-ins that have a branch of their own; a node that reads more does it `CHUNK` rows at a time."""


def draw_in_turn(
    layout: Layout, function_names: tuple[str, ...], colour: str, genomes: CPPN, coordinates: jax.Array
) -> jax.Array:
    """Images `[B, H, W, K']` of genomes `[B, ...]`, tile by tile and genome by genome."""
    num_inputs, num_outputs, num_nodes, num_places = layout
    height, width = coordinates.shape[1:]
    count, tile, pixels = tiles(coordinates, SERIAL_TILE)
    num_genomes = genomes.num_hidden.shape[0]
    conversion = colours.lookup(colour)
    branches = _branches(functions.lookup(function_names))

    def run(genomes: CPPN, pixels: jax.Array) -> jax.Array:
        def node(step: jax.Array, carry: Any, genome: jax.Array, hidden: jax.Array) -> Any:
            table, first = carry
            row = jnp.where(
                step < num_inputs + hidden, step, step - hidden + (layout.first_output - num_inputs)
            )
            # Connections are sorted by target: those into this row begin where those into the last one ended.
            end = lax.while_loop(
                lambda place: (place < num_places) & (at(genomes.targets, genome, place) == row),
                lambda place: place + 1,
                first,
            )
            slots = end - first
            code = at(genomes.functions, genome, row) * (len(UNROLLED) + 1)
            for width in UNROLLED:
                code += (slots > width).astype(jnp.int32)
            # A branch returns its row; one that wrote it would make XLA copy the table.
            value = lax.switch(code, branches, genomes.sources, genomes.weights, genome, first, end, table)
            return lax.dynamic_update_slice(table, value[None], (row, ZERO)), end

        def draw(genome: jax.Array, carry: Any) -> Any:
            table, images, index = carry
            hidden = at(genomes.num_hidden, genome)
            table, _ = lax.fori_loop(
                np.int32(num_inputs),
                num_inputs + num_outputs + hidden,
                lambda step, carry: node(step, carry, genome, hidden),
                (table, ZERO),
            )
            channels = colours.to_channels(tuple(table[layout.first_output :]), conversion)
            image = jnp.stack(channels)[None, :, None]
            return table, lax.dynamic_update_slice(images, image, (genome, ZERO, index, ZERO)), index

        def draw_tile(index: jax.Array, carry: Any) -> Any:
            # The table is never cleared: a genome reads only rows that it has written, and the inputs.
            table, images = carry
            table = lax.dynamic_update_slice(table, at(pixels, index), (ZERO, ZERO))
            table, images, _ = lax.fori_loop(ZERO, np.int32(num_genomes), draw, (table, images, index))
            return table, images

        # Always 0, but made of every argument: XLA's compiler fails on a kernel with one that it never reads,
        # as weights are where all functions are constant.
        begin = jnp.int32(0)
        for leaf in jax.tree.leaves((genomes, pixels)):
            number = leaf[(0,) * leaf.ndim]
            begin ^= number if number.dtype == jnp.int32 else lax.bitcast_convert_type(number, jnp.int32)
        begin = jnp.minimum(begin & 1, 0)
        table = jnp.zeros((num_nodes, tile))
        images = jnp.zeros((num_genomes, conversion.num_channels, count, tile))
        return lax.fori_loop(begin, np.int32(count), draw_tile, (table, images))[1]

    images = as_one_kernel(run, genomes, pixels)
    images = images.reshape(num_genomes, conversion.num_channels, -1)[..., : height * width]
    return jnp.moveaxis(images, 1, -1).reshape(num_genomes, height, width, -1)


def _branches(nodes: tuple[functions.Function, ...]) -> list[Callable[..., jax.Array]]:
    """A branch for each function x fan-in: `branch(sources, weights, genome, first, end, table) -> row [T]`.

    It reads the genome's connections from `first` to before `end`. JAX traces each function and each sum
    once, and copies them into the branches: to trace all in every branch would take twice as long.
    """

    def unrolled(function: functions.Function, width: int) -> Callable[..., jax.Array]:
        return lambda sources, weights, genome, first, end, table: function(
            _chunk(width, None, first, end, genome, sources, table, weights)
        )

    def looped(function: functions.Function) -> Callable[..., jax.Array]:
        def branch(
            sources: jax.Array,
            weights: jax.Array,
            genome: jax.Array,
            first: jax.Array,
            end: jax.Array,
            table: jax.Array,
        ) -> jax.Array:
            def add(index: jax.Array, total: jax.Array) -> jax.Array:
                return _chunk(CHUNK, total, first + index * CHUNK, end, genome, sources, table, weights)

            total = _chunk(CHUNK, None, first, end, genome, sources, table, weights)
            count = (end - first + (CHUNK - 1)) // CHUNK
            return function(lax.fori_loop(np.int32(1), count, add, total))

        return branch

    return [
        branch
        for function in (jax.jit(node, inline=True) for node in nodes)
        for branch in (*(unrolled(function, width) for width in UNROLLED), looped(function))
    ]


@partial(jax.jit, static_argnums=0, inline=True)
def _chunk(
    size: int,
    total: jax.Array | None,
    first: jax.Array,
    end: jax.Array,
    genome: jax.Array,
    sources: jax.Array,
    table: jax.Array,
    weights: jax.Array,
) -> jax.Array:
    """`total`, where there is one, plus what `size` connections from `first` on bring, `[T]`."""
    for place in [first + slot for slot in range(size)]:
        # Beyond the end: an input times 0, since a row not written yet might hold anything. A place beyond
        # the list is read as its last.
        here = place < end
        source = jnp.where(here, at(sources, genome, place), 0)
        product = at(table, source) * jnp.where(here, at(weights, genome, place), 0.0)
        total = product if total is None else total + product
    assert total is not None
    return total
