"""Draws CPPNs by one kernel, for GPUs: real branches, and only live rows, as in the serial form.

The kernel is written in Pallas and compiled by Triton. Its programs share out the tiles of all images; each
draws one tile after another, reads the numbers of its genome one by one, and keeps the rows of its tile in a
table of its own in the device's memory. So padding costs nothing, and a node costs its own function only.

Memory beyond images and coordinates: the tables, `4 N T` bytes for each program, with tiles of `T` pixels.
Together they are 512 MB at most, however many genomes and pixels there are, unless a single one is larger.
Images are written once, in the order in which they are given back.

A program that is exported for several platforms at once cannot hold a kernel: JAX refuses it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from fooljax.encodings import colour as colours
from fooljax.encodings.cppn import functions
from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.in_kernel import written
from fooljax.encodings.cppn.table import row_of

WARPS = 1
"""Of 32 threads, which work on one tile together. They need not wait long for each other if they are few."""
TILE = 128
"""Pixels of a tile, a power of two: four for each thread."""
MOST_PROGRAMS = 8192
"""Programs at most: about twice as many as the largest cards run at a time."""
MOST_NUMBERS = 2**27
"""Numbers in all tables at most, 512 MB."""


class Work(NamedTuple):
    """How a drawing is shared out.

    Attributes:
      tile: pixels of a tile.
      tiles: tiles of an image; the last may reach beyond its end.
      programs: programs of the kernel. Program `p` draws the tiles `p`, `p + programs`, ... of all images.
    """

    tile: int
    tiles: int
    programs: int


def shared_out(num_genomes: int, num_pixels: int, num_nodes: int) -> Work:
    """How the drawing of one or more genomes with room for `num_nodes` is shared out."""
    tiles = pl.cdiv(num_pixels, TILE)
    room = max(MOST_NUMBERS // (num_nodes * TILE), 1)
    return Work(TILE, tiles, min(num_genomes * tiles, MOST_PROGRAMS, room))


def barrier_of(interpret: bool) -> Callable[[], None]:
    """Lets the threads of a program wait for each other; nothing where the kernel is interpreted.

    Triton promises no order between them: one thread may read what another has written.
    """
    return (lambda: None) if interpret else triton.debug_barrier


def sums_of(
    genomes: CPPN, genome: jax.Array, read: Callable[[jax.Array], jax.Array], tile: int
) -> Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    """The weighted sums of one genome, whose connections are sorted by target.

    Args:
      genomes: what a kernel is given.
      genome: which of them.
      read: `read(row) -> [T]`: the values of a row that is computed already.
      tile: T, pixels.
    Returns:
      `sum_into(row, first)`: the place behind the last connection into a row, and the row's sum `[T]`. The
      rows go up, and `first` is the place behind the last connection into the row before.
    """
    used, last = genomes.num_connections[genome], genomes.targets.shape[1] - 1

    def sum_into(row: jax.Array, first: jax.Array) -> tuple[jax.Array, jax.Array]:
        def leads_here(carry: Any) -> jax.Array:
            # A place beyond the list is read as its last.
            target = genomes.targets[genome, jnp.minimum(carry[0], last)]
            return (carry[0] < used) & (target == row)

        def add(carry: Any) -> Any:
            connection, total = carry
            values = read(genomes.sources[genome, connection])
            return connection + 1, total + genomes.weights[genome, connection] * values

        return lax.while_loop(leads_here, add, (first, jnp.zeros(tile)))

    return sum_into


def draw_by_kernel(
    layout: Layout,
    function_names: tuple[str, ...],
    colour: str,
    genomes: CPPN,
    coordinates: jax.Array,
    interpret: bool = False,
) -> jax.Array:
    """Images `[B, H, W, K']` of genomes `[B, ...]`.

    Args:
      layout: sizes of the genomes.
      function_names: the function set; see `in_kernel.all_fit`.
      colour: a name out of `colour.COLOURS`.
      genomes: leaves `[B, ...]`, B 1 or more.
      coordinates: `[I, H, W]`.
      interpret: runs the kernel as plain operations of XLA, on any platform; slow.
    """
    num_inputs, num_outputs, num_nodes, _ = layout
    height, width = coordinates.shape[1:]
    num_genomes, num_pixels = genomes.num_hidden.shape[0], height * width
    tile, tiles, programs = shared_out(num_genomes, num_pixels, num_nodes)
    conversion = colours.lookup(colour)
    nodes, barrier = written(functions.lookup(function_names), interpret), barrier_of(interpret)

    def draw(
        genomes: CPPN, pixels: Any, images: Any, table: Any, genome: jax.Array, index: jax.Array
    ) -> None:
        place = pl.ds(index * tile, tile)
        inside = index * tile + jnp.arange(tile) < num_pixels
        hidden = genomes.num_hidden[genome]
        sum_into = sums_of(genomes, genome, lambda row: table[row], tile)

        def read_input(row: jax.Array, nothing: None) -> None:
            table[row] = triton.load(pixels.at[row, place], mask=inside, other=0.0)

        def node(step: jax.Array, first: jax.Array) -> jax.Array:
            row = row_of(layout, hidden, step)
            first, total = sum_into(row, first)
            table[row] = lax.switch(genomes.functions[genome, row], nodes, total)
            barrier()
            return first

        barrier()  # The rows of the tile before may still be read.
        lax.fori_loop(0, num_inputs, read_input, None)
        barrier()
        lax.fori_loop(0, hidden + num_outputs, node, jnp.int32(0))
        outputs = [table[layout.first_output + output] for output in range(num_outputs)]
        for channel, values in enumerate(colours.to_channels(outputs, conversion)):
            # The interpreter takes no constant for an index here.
            triton.store(images.at[genome, place, channel + 0 * genome], values, mask=inside)

    def kernel(genomes: CPPN, pixels: Any, images: Any, table: Any) -> None:
        program = pl.program_id(0)

        def draw_next(step: jax.Array, nothing: None) -> None:
            item = program + step * programs
            draw(genomes, pixels, images, table, lax.div(item, tiles), lax.rem(item, tiles))

        lax.fori_loop(0, lax.div(num_genomes * tiles - 1 - program, programs) + 1, draw_next, None)

    images, _ = pl.pallas_call(
        kernel,
        grid=(programs,),
        out_specs=[pl.BlockSpec(), pl.BlockSpec((None, num_nodes, tile), lambda program: (program, 0, 0))],
        out_shape=[
            jax.ShapeDtypeStruct((num_genomes, num_pixels, conversion.num_channels), jnp.float32),
            jax.ShapeDtypeStruct((programs, num_nodes, tile), jnp.float32),
        ],
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=1),
        interpret=interpret,
        name="draw_cppns",
    )(genomes, coordinates.reshape(num_inputs, num_pixels))
    return images.reshape(num_genomes, height, width, -1)
