"""The differentiable form by two kernels, for GPUs: one walks the nodes forwards, one backwards.

Each program takes one genome and one tile of its pixels, with real branches, and only live rows: it neither
reads nor writes the others, so they hold anything. See `kernel` for what is the same there.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from fooljax.encodings.cppn.functions import lookup
from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.in_kernel import slope_at, written
from fooljax.encodings.cppn.kernel import WARPS, Work, barrier_of, shared_out, sums_of
from fooljax.encodings.cppn.table import row_of


def forward_by_kernel(
    layout: Layout, function_names: tuple[str, ...], pixels: jax.Array, genomes: CPPN, interpret: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Values and weighted sums of live rows, `[B, N, P]` each, of genomes `[B, ...]` and pixels `[I, P]`."""
    nodes, barrier = written(lookup(function_names), interpret), barrier_of(interpret)

    def kernel(genomes: CPPN, pixels: Any, table: Any, sums: Any) -> None:
        genome, place, inside = _tile(table.shape)
        hidden = genomes.num_hidden[genome]

        def read(row: jax.Array) -> jax.Array:
            values: jax.Array = triton.load(table.at[genome, row, place], mask=inside, other=0.0)
            return values

        sum_into = sums_of(genomes, genome, read, inside.size)

        def read_input(row: jax.Array, nothing: None) -> None:
            values = triton.load(pixels.at[row, place], mask=inside, other=0.0)
            triton.store(table.at[genome, row, place], values, mask=inside)

        def node(step: jax.Array, first: jax.Array) -> jax.Array:
            row = row_of(layout, hidden, step)
            first, total = sum_into(row, first)
            value = lax.switch(genomes.functions[genome, row], nodes, total)
            triton.store(sums.at[genome, row, place], total, mask=inside)
            triton.store(table.at[genome, row, place], value, mask=inside)
            barrier()
            return first

        lax.fori_loop(0, layout.num_inputs, read_input, None)
        barrier()
        lax.fori_loop(0, hidden + layout.num_outputs, node, jnp.int32(0))

    shape = (genomes.num_hidden.shape[0], layout.max_nodes, pixels.shape[1])
    table, sums = _called("draw_cppns_forwards", kernel, shape, [shape, shape], interpret)(genomes, pixels)
    return table, sums


def backward_by_kernel(
    layout: Layout, function_names: tuple[str, ...], shared: Any, kept: Any, interpret: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Derivatives with respect to weights `[B, E]` and pixels `[B, I, P]`.

    Args:
      layout: sizes of the genomes.
      function_names: the function set.
      shared: nothing.
      kept: genomes, what `forward_by_kernel` gives, and derivatives with respect to the outputs, `[B, K, P]`.
      interpret: as in `kernel.draw_by_kernel`.
    """
    del shared
    genomes, barrier = kept[0], barrier_of(interpret)
    slope_of = written([slope_at(node) for node in lookup(function_names)], interpret)

    def kernel(genomes: CPPN, table: Any, sums: Any, slopes: Any, adjoint: Any, weights: Any) -> None:
        genome, place, inside = _tile(table.shape)
        hidden, tile = genomes.num_hidden[genome], pl.program_id(0)

        def read(rows: Any, row: jax.Array) -> jax.Array:
            values: jax.Array = triton.load(rows.at[genome, row, place], mask=inside, other=0.0)
            return values

        def write(row: jax.Array, values: jax.Array) -> None:
            triton.store(adjoint.at[genome, row, place], values, mask=inside)

        def node(step: jax.Array, last: jax.Array) -> jax.Array:
            row = row_of(layout, hidden, hidden + layout.num_outputs - 1 - step)
            kind = genomes.functions[genome, row]
            slope = lax.switch(kind, slope_of, read(sums, row), read(adjoint, row))

            def pass_on(connection: jax.Array) -> jax.Array:
                source = genomes.sources[genome, connection]
                weights[tile, connection] = jnp.sum(slope * read(table, source))
                write(source, read(adjoint, source) + genomes.weights[genome, connection] * slope)
                barrier()
                return connection - 1

            def leads_here(connection: jax.Array) -> jax.Array:
                return (connection >= 0) & (genomes.targets[genome, jnp.maximum(connection, 0)] == row)

            return lax.while_loop(leads_here, pass_on, last)

        nothing = jnp.zeros(inside.shape)
        lax.fori_loop(0, layout.num_inputs + hidden, lambda row, _: write(row, nothing), None)
        lax.fori_loop(
            0, layout.num_outputs, lambda row, _: write(row + layout.first_output, read(slopes, row)), None
        )
        barrier()
        lax.fori_loop(0, hidden + layout.num_outputs, node, genomes.num_connections[genome] - 1)

    shape = kept[1].shape
    shapes = [shape, (shape[0] * _work(shape).tiles, layout.max_connections)]
    adjoint, weights = _called("draw_cppns_backwards", kernel, shape, shapes, interpret)(*kept)
    weights = jnp.sum(weights.reshape(shape[0], -1, layout.max_connections), axis=1)
    used = jnp.arange(layout.max_connections)[None] < genomes.num_connections[:, None]
    return jnp.where(used, weights, 0.0), adjoint[:, : layout.num_inputs]


def _work(shape: tuple[int, ...]) -> Work:
    """How the work on arrays `[B, N, P]` is shared out."""
    return shared_out(shape[0], shape[2], shape[1])


def _tile(shape: tuple[int, ...]) -> tuple[jax.Array, Any, jax.Array]:
    """This program's genome, the slice of its pixels, and which of them are in the image."""
    work = _work(shape)
    program = pl.program_id(0)
    start = lax.rem(program, work.tiles) * work.tile
    return lax.div(program, work.tiles), pl.ds(start, work.tile), start + jnp.arange(work.tile) < shape[2]


def _called(
    name: str, kernel: Any, shape: tuple[int, ...], results: Sequence[tuple[int, ...]], interpret: bool
) -> Any:
    """A kernel of one program for each genome and tile of arrays `[B, N, P]`."""
    return pl.pallas_call(
        kernel,
        grid=(shape[0] * _work(shape).tiles,),
        out_shape=[jax.ShapeDtypeStruct(result, jnp.float32) for result in results],
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=1),
        interpret=interpret,
        name=name,
    )
