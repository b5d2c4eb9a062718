"""Draws CPPNs together, for TPUs: all genomes advance row by row, up to the largest live count.

Every function is computed and one selected: there is no serial loop over genomes, and no scatter. The loops
over rows and connections end at counts that the genomes give. A TPU tests such an end itself; a GPU waits for
the host, so there this form is only for meshes, and for functions and cards that the kernel is not for.

Memory beyond images and coordinates: the images twice more, and a table of `4 B N T` bytes, with `T` pixels a
tile such that this stays below 256 MB.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from fooljax.encodings import colour as colours
from fooljax.encodings.cppn import functions
from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.table import CHUNK, VECTOR, tiles

BATCHED_TABLE = 2**26
"""Numbers in the table at most, 256 MB; more pixels go through it tile by tile."""


def draw_together(
    layout: Layout, function_names: tuple[str, ...], colour: str, genomes: CPPN, coordinates: jax.Array
) -> jax.Array:
    """Images `[B, H, W, K']` of genomes `[B, ...]`, all of them row by row."""
    height, width = coordinates.shape[1:]
    num_genomes = genomes.num_hidden.shape[0]
    most = max(BATCHED_TABLE // (num_genomes * layout.max_nodes), VECTOR)
    count, _, pixels = tiles(coordinates, most)
    conversion = colours.lookup(colour)

    def draw_tile(pixels: jax.Array) -> jax.Array:
        outputs = _advance_together(layout, function_names, genomes, pixels)
        return jnp.stack(colours.to_channels(outputs, conversion), axis=-1)

    images = draw_tile(pixels[0])[None] if count == 1 else lax.map(draw_tile, pixels)
    images = jnp.moveaxis(images, 0, 1).reshape(num_genomes, -1, conversion.num_channels)
    return images[:, : height * width].reshape(num_genomes, height, width, -1)


def _advance_together(
    layout: Layout, function_names: tuple[str, ...], genomes: CPPN, pixels: jax.Array
) -> list[jax.Array]:
    """The outputs, `K` arrays `[B, T]`, of pixels `[I, T]`.

    Every genome's row `i` is computed at step `i`, padding included: nothing reads that.
    """
    num_inputs, num_outputs, num_nodes, num_places = layout
    num_genomes, tile = genomes.num_hidden.shape[0], pixels.shape[1]
    nodes = functions.lookup(function_names)
    used = jnp.arange(num_places)[None] < genomes.num_connections[:, None]
    read = jax.vmap(lambda leaf, index: leaf.at[index].get(mode="promise_in_bounds"))

    def value(row: Any, table: jax.Array) -> jax.Array:
        first = jnp.sum(used & (genomes.targets < row), axis=1)
        slots = jnp.sum(used & (genomes.targets == row), axis=1)

        def add(chunk: jax.Array, total: jax.Array) -> jax.Array:
            # Sums go in the order of the connections, in float32, on every platform.
            for slot in [chunk * CHUNK + index for index in range(CHUNK)]:
                here = slot < slots
                place = jnp.where(here, first + slot, 0)
                source = jnp.where(here, read(genomes.sources, place), 0)
                weight = jnp.where(here, read(genomes.weights, place), 0.0)
                total = total + read(table, source) * weight[:, None]
            return total

        chunks = (jnp.max(slots) + (CHUNK - 1)) // CHUNK
        total = lax.fori_loop(0, chunks, add, jnp.zeros((num_genomes, tile)))
        return _select(nodes, lax.dynamic_index_in_dim(genomes.functions, row, 1), total)

    def step(row: Any, table: jax.Array) -> jax.Array:
        return lax.dynamic_update_index_in_dim(table, value(row, table), row, 1)

    inputs = jnp.broadcast_to(pixels[None], (num_genomes, num_inputs, tile))
    table = jnp.concatenate([inputs, jnp.zeros((num_genomes, num_nodes - num_inputs, tile))], axis=1)
    table = lax.fori_loop(num_inputs, num_inputs + jnp.max(genomes.num_hidden), step, table)
    return [value(layout.first_output + output, table) for output in range(num_outputs)]


def _select(nodes: tuple[functions.Function, ...], kind: jax.Array, total: jax.Array) -> jax.Array:
    """Every function of `total`, and the one that is wanted."""
    result = nodes[0](total)
    for index, function in enumerate(nodes[1:], 1):
        result = jnp.where(kind == index, function(total), result)
    return result
