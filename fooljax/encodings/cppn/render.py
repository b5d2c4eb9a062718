"""Draws CPPNs: one renderer, and two forms of it that the compiler chooses between by platform.

`jax.vmap(render, (0, None))` does not add an axis to every operation. On CPU ("serial") genomes are taken one
after another, each as far as its own last node, with one real branch per node: padding costs nothing, and a
node costs its own function only. Elsewhere ("batched") all genomes advance row by row together, up to the
largest live count, and every function is computed and one selected: no serial loop over genomes, no scatter.

Memory beyond the images (`4 K' H W` bytes each) and the coordinates (`4 I H W`), with `T` pixels a tile:
serial `4 N T` bytes, T at most 2,048 however large the image; batched `4 B N T`, T such that this stays below
256 MB.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_batching import custom_vmap
from jax.experimental.xla_metadata import set_xla_metadata

from fooljax.encodings.cppn import colour as colours
from fooljax.encodings.cppn import functions
from fooljax.encodings.cppn.genome import CPPN, Layout, check_layout
from fooljax.errors import InputError

Render = Callable[[CPPN, jax.Array], jax.Array]

SERIAL_TILE = 2048
"""Pixels per tile of the serial form: the live rows of a table stay within a level-2 cache."""
PARALLEL_TILE = 65536
"""And of the parallel form: a row long enough for XLA to give each core a part of it."""
BATCHED_TABLE = 2**26
"""Numbers in the table of the batched form at most, 256 MB; more pixels go through it tile by tile."""
UNROLLED = (1, 2, 4)
"""Fan-ins that have a branch of their own; a node that reads more does it four rows at a time."""
CHUNK = 4
VECTOR = 16
"""Tiles are a multiple of this many pixels."""

_ZERO = np.int32(0)


def make_render(
    layout: Layout, function_names: tuple[str, ...], colour: str, lowering: str | None = None
) -> Render:
    """Builds `render(genome, coordinates) -> image` for one genome; vmap it over as many axes as wanted.

    Args:
      layout: sizes of the genomes.
      function_names: the function set; a genome's function `i` is the i-th.
      colour: a name out of `colour.COLOURS`.
      lowering: "serial", "parallel", "batched", or None: serial where the program is compiled for a CPU, else
        batched. "parallel" is the serial form with each operation spread over the CPU's cores, for large
        images on many idle cores; on two it costs half as much again in core seconds for the same speed.
        Under a mesh of several CPUs without `shard_map`, ask for "batched": XLA cannot split a serial loop.
    Returns:
      A function of a CPPN and of coordinates `[I, H, W]` (see `coordinates`), giving `[H, W, K']` in [0, 1],
      multiples of 1/255 (grey, rgb). It has no reverse-mode derivative: see `make_differentiable_render`.
    Raises:
      InputError: an unknown name, or a layout without the outputs that `colour` needs.
    """
    _check(layout, function_names, colour)
    if lowering not in (None, "serial", "parallel", "batched"):
        raise InputError(f"lowering: expected serial, parallel, batched or None, got {lowering!r}")

    def serial(genomes: CPPN, coordinates: jax.Array) -> jax.Array:
        return _serial(layout, function_names, colour, genomes, coordinates, lowering == "parallel")

    def batched(genomes: CPPN, coordinates: jax.Array) -> jax.Array:
        return _batched(layout, function_names, colour, genomes, coordinates)

    @custom_vmap
    def render_many(genomes: CPPN, coordinates: jax.Array) -> jax.Array:
        if lowering in ("serial", "parallel"):
            return serial(genomes, coordinates)
        if lowering == "batched":
            return batched(genomes, coordinates)
        image: jax.Array = lax.platform_dependent(genomes, coordinates, cpu=serial, default=batched)
        return image

    def many_rule(
        axis_size: int, is_batched: Any, genomes: CPPN, coordinates: jax.Array
    ) -> tuple[jax.Array, bool]:
        if is_batched[1]:
            return _one_by_one(render_many, axis_size, is_batched, genomes, coordinates), True
        # Runs x children are one flat batch.
        genomes = _with_axis(genomes, is_batched[0], axis_size)
        flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), genomes)
        images = render_many(flat, coordinates)
        return images.reshape(axis_size, -1, *images.shape[1:]), True

    @custom_vmap
    def render_one(genome: CPPN, coordinates: jax.Array) -> jax.Array:
        return render_many(jax.tree.map(lambda leaf: leaf[None], genome), coordinates)[0]

    def one_rule(
        axis_size: int, is_batched: Any, genome: CPPN, coordinates: jax.Array
    ) -> tuple[jax.Array, bool]:
        if is_batched[1]:
            return _one_by_one(render_one, axis_size, is_batched, genome, coordinates), True
        return render_many(_with_axis(genome, is_batched[0], axis_size), coordinates), True

    render_many.def_vmap(many_rule)
    render_one.def_vmap(one_rule)

    def render(genome: CPPN, coordinates: jax.Array) -> jax.Array:
        _check_coordinates(coordinates, layout)
        return render_one(genome, coordinates)

    return render


def make_differentiable_render(layout: Layout, function_names: tuple[str, ...], colour: str) -> Render:
    """Builds a renderer with a reverse-mode derivative with respect to weights and coordinates.

    It always goes through all `N` rows and computes every function; levels are not truncated to 8 bits, since
    the derivative of that is zero everywhere. A derivative keeps about `4 N F H W` bytes a genome.

    Args:
      layout: sizes of the genomes.
      function_names: the function set.
      colour: a name out of `colour.COLOURS`.
    Returns:
      A function as `make_render` gives, without truncation.
    Raises:
      InputError: as `make_render`.
    """
    _check(layout, function_names, colour)

    def render(genome: CPPN, coordinates: jax.Array) -> jax.Array:
        _check_coordinates(coordinates, layout)
        genomes = jax.tree.map(lambda leaf: leaf[None], genome)
        pixels = coordinates.reshape(layout.num_inputs, -1)
        rows = layout.num_inputs + layout.max_hidden
        outputs = _advance_together(layout, function_names, genomes, pixels, rows)
        channels = colours.to_channels(outputs, colours.lookup(colour), truncate=False)
        return jnp.stack(channels, axis=-1).reshape(*coordinates.shape[1:], -1)

    return render


def _check(layout: Layout, function_names: tuple[str, ...], colour: str) -> None:
    check_layout(layout)
    functions.lookup(function_names)
    wanted = colours.lookup(colour).num_outputs
    if layout.num_outputs != wanted:
        raise InputError(f"num_outputs: {colour} needs {wanted}, got {layout.num_outputs}")


def _check_coordinates(coordinates: jax.Array, layout: Layout) -> None:
    if coordinates.ndim != 3 or coordinates.shape[0] != layout.num_inputs:
        raise InputError(f"coordinates: expected [{layout.num_inputs}, H, W], got {list(coordinates.shape)}")


def _with_axis(genomes: CPPN, is_batched: CPPN, axis_size: int) -> CPPN:
    """Gives the leaves that have no batch axis one."""
    return jax.tree.map(
        lambda leaf, has: leaf if has else jnp.broadcast_to(leaf[None], (axis_size, *leaf.shape)),
        genomes,
        is_batched,
    )


def _one_by_one(
    render: Render, axis_size: int, is_batched: Any, genomes: CPPN, coordinates: jax.Array
) -> jax.Array:
    """Where the coordinates differ as well: one after another, on every platform."""
    genomes = _with_axis(genomes, is_batched[0], axis_size)
    return lax.map(lambda pair: render(*pair), (genomes, coordinates))


# -------------------------------------------------------------------------------------------- serial, for CPU


def _at(array: jax.Array, *index: jax.Array) -> jax.Array:
    """`array[index]` of int32 indices that are in range: `array[...]` would guard each against both ends."""
    rest = array.shape[len(index) :]
    start: list[Any] = [*index, *(_ZERO for _ in rest)]
    return lax.dynamic_slice(array, start, (*(1 for _ in index), *rest)).reshape(rest)


def _serial(
    layout: Layout,
    function_names: tuple[str, ...],
    colour: str,
    genomes: CPPN,
    coordinates: jax.Array,
    parallel: bool,
) -> jax.Array:
    """Images `[B, H, W, K']` of genomes `[B, ...]`, tile by tile and genome by genome."""
    num_inputs, num_outputs, num_nodes, fan_in = layout
    height, width = coordinates.shape[1:]
    count, tile, pixels = _tiles(coordinates, PARALLEL_TILE if parallel else SERIAL_TILE)
    num_genomes = genomes.num_hidden.shape[0]
    conversion = colours.lookup(colour)
    # Slots in whole chunks: a slice that ran over the end would be moved back, and read rows twice.
    more = -fan_in % CHUNK
    sources = jnp.pad(genomes.sources, ((0, 0), (0, 0), (0, more)))
    weights = jnp.pad(genomes.weights, ((0, 0), (0, 0), (0, more)))
    branches = _branches(functions.lookup(function_names))
    first_output = num_nodes - num_outputs

    def run(
        num_hidden: jax.Array,
        codes: jax.Array,
        used: jax.Array,
        sources: jax.Array,
        weights: jax.Array,
        pixels: jax.Array,
    ) -> jax.Array:
        def node(step: jax.Array, table: jax.Array, genome: jax.Array, hidden: jax.Array) -> jax.Array:
            row = jnp.where(step < num_inputs + hidden, step, step - hidden + (first_output - num_inputs))
            slots = _at(used, genome, row)
            code = _at(codes, genome, row) * (len(UNROLLED) + 1)
            for width in UNROLLED:
                code += (slots > width).astype(jnp.int32)
            operands = (_at(sources, genome, row), _at(weights, genome, row), slots, table)
            # A branch returns its row; one that wrote it would make XLA copy the table.
            value = lax.switch(code, branches, *operands)
            return lax.dynamic_update_slice(table, value[None], (row, _ZERO))

        def draw(genome: jax.Array, carry: Any) -> Any:
            table, images, index = carry
            hidden = _at(num_hidden, genome)
            end = num_inputs + num_outputs + hidden
            table = lax.fori_loop(
                np.int32(num_inputs), end, lambda step, table: node(step, table, genome, hidden), table
            )
            channels = colours.to_channels(tuple(table[first_output:]), conversion)
            image = jnp.stack(channels)[None, :, None]
            return table, lax.dynamic_update_slice(images, image, (genome, _ZERO, index, _ZERO)), index

        def draw_tile(index: jax.Array, carry: Any) -> Any:
            # The table is never cleared: a genome reads only rows that it has written, and the inputs.
            table, images = carry
            table = lax.dynamic_update_slice(table, _at(pixels, index), (_ZERO, _ZERO))
            table, images, _ = lax.fori_loop(_ZERO, np.int32(num_genomes), draw, (table, images, index))
            return table, images

        # Always 0, but made of every argument: XLA's compiler fails on a kernel with one that it never reads,
        # as weights are where all functions are constant.
        begin = jnp.int32(0)
        for leaf in (num_hidden, codes, used, sources, weights, pixels):
            number = leaf[(0,) * leaf.ndim]
            begin ^= number if number.dtype == jnp.int32 else lax.bitcast_convert_type(number, jnp.int32)
        begin = jnp.minimum(begin & 1, 0)
        table = jnp.zeros((num_nodes, tile))
        images = jnp.zeros((num_genomes, conversion.num_channels, count, tile))
        return lax.fori_loop(begin, np.int32(count), draw_tile, (table, images))[1]

    arrays = (genomes.num_hidden, genomes.functions, genomes.fan_in, sources, weights, pixels)
    images = run(*arrays) if parallel else _one_kernel(run, *arrays)
    images = images.reshape(num_genomes, conversion.num_channels, -1)[..., : height * width]
    return jnp.moveaxis(images, 1, -1).reshape(num_genomes, height, width, -1)


def _branches(nodes: tuple[functions.Function, ...]) -> list[Callable[..., jax.Array]]:
    """A branch for each function x fan-in: `branch(sources, weights, slots, table) -> row [T]`."""

    def partial_sum(sources: jax.Array, weights: jax.Array, table: jax.Array, width: int) -> jax.Array:
        total = _at(table, sources[0]) * weights[0]
        for slot in range(1, width):
            total = total + _at(table, sources[slot]) * weights[slot]
        return total

    def unrolled(function: functions.Function, width: int) -> Callable[..., jax.Array]:
        return lambda sources, weights, slots, table: function(partial_sum(sources, weights, table, width))

    def looped(function: functions.Function) -> Callable[..., jax.Array]:
        def branch(sources: jax.Array, weights: jax.Array, slots: jax.Array, table: jax.Array) -> jax.Array:
            def add(chunk: jax.Array, total: jax.Array) -> jax.Array:
                some_sources = lax.dynamic_slice(sources, (chunk * CHUNK,), (CHUNK,))
                some_weights = lax.dynamic_slice(weights, (chunk * CHUNK,), (CHUNK,))
                for slot in range(CHUNK):
                    total = total + _at(table, some_sources[slot]) * some_weights[slot]
                return total

            first = partial_sum(sources, weights, table, CHUNK)
            return function(lax.fori_loop(np.int32(1), (slots + (CHUNK - 1)) // CHUNK, add, first))

        return branch

    return [
        branch
        for function in nodes
        for branch in (*(unrolled(function, width) for width in UNROLLED), looped(function))
    ]


def _one_kernel(run: Callable[..., jax.Array], *arrays: jax.Array) -> jax.Array:
    """Calls `run`, compiled by XLA's CPU backend as one function of machine code, loops and branches and all.

    Otherwise every operation of every node is a task of its own, some 50 ns each, which at 28 x 28 costs more
    than the arithmetic. The mark is the one that XLA itself puts on small loops; a version that does not know
    it ignores it, and the images are the same.
    """
    return set_xla_metadata(jax.jit(run)(*arrays), xla_cpu_small_call="true", inlineable="false")


# -------------------------------------------------------------------------------------------- batched


def _batched(
    layout: Layout, function_names: tuple[str, ...], colour: str, genomes: CPPN, coordinates: jax.Array
) -> jax.Array:
    """Images `[B, H, W, K']` of genomes `[B, ...]`, all of them row by row."""
    height, width = coordinates.shape[1:]
    num_genomes = genomes.num_hidden.shape[0]
    most = max(BATCHED_TABLE // (num_genomes * layout.num_nodes), VECTOR)
    count, _, pixels = _tiles(coordinates, most)
    conversion = colours.lookup(colour)
    rows = layout.num_inputs + jnp.max(genomes.num_hidden)

    def draw_tile(pixels: jax.Array) -> jax.Array:
        outputs = _advance_together(layout, function_names, genomes, pixels, rows)
        return jnp.stack(colours.to_channels(outputs, conversion), axis=-1)

    images = draw_tile(pixels[0])[None] if count == 1 else lax.map(draw_tile, pixels)
    images = jnp.moveaxis(images, 0, 1).reshape(num_genomes, -1, conversion.num_channels)
    return images[:, : height * width].reshape(num_genomes, height, width, -1)


def _advance_together(
    layout: Layout, function_names: tuple[str, ...], genomes: CPPN, pixels: jax.Array, rows: Any
) -> list[jax.Array]:
    """The outputs, `K` arrays `[B, T]`, of pixels `[I, T]`; hidden rows below `rows` are computed.

    Every genome's row `i` is computed at step `i`, padding included: nothing reads that.
    """
    num_inputs, num_outputs, num_nodes, fan_in = layout
    num_genomes, tile = genomes.num_hidden.shape[0], pixels.shape[1]
    nodes = functions.lookup(function_names)

    def value(row: Any, table: jax.Array) -> jax.Array:
        sources = lax.dynamic_index_in_dim(genomes.sources, row, 1, keepdims=False)
        weights = lax.dynamic_index_in_dim(genomes.weights, row, 1, keepdims=False)
        total = jnp.zeros((num_genomes, tile))
        for slot in range(fan_in):
            # Whole rows are gathered; sums go in the order of the slots, in float32, on every platform.
            read = jax.vmap(lambda rows, source: rows.at[source].get(mode="promise_in_bounds"))(
                table, sources[:, slot]
            )
            total = total + read * weights[:, slot, None]
        kind = lax.dynamic_index_in_dim(genomes.functions, row, 1)
        result = nodes[0](total)
        for index, function in enumerate(nodes[1:], 1):
            result = jnp.where(kind == index, function(total), result)
        return result

    def step(row: Any, table: jax.Array) -> jax.Array:
        return lax.dynamic_update_index_in_dim(table, value(row, table), row, 1)

    inputs = jnp.broadcast_to(pixels[None], (num_genomes, num_inputs, tile))
    table = jnp.concatenate([inputs, jnp.zeros((num_genomes, num_nodes - num_inputs, tile))], axis=1)
    table = lax.fori_loop(num_inputs, rows, step, table)
    return [value(num_nodes - num_outputs + output, table) for output in range(num_outputs)]


def _tiles(coordinates: jax.Array, most: int) -> tuple[int, int, jax.Array]:
    """How many tiles, of how many pixels, and the coordinates `[tiles, I, pixels]`, padded with zeros."""
    num_inputs, height, width = coordinates.shape
    count = -(-height * width // most)
    tile = -(-height * width // (count * VECTOR)) * VECTOR
    pixels = jnp.pad(coordinates.reshape(num_inputs, -1), ((0, 0), (0, count * tile - height * width)))
    return count, tile, jnp.moveaxis(pixels.reshape(num_inputs, count, tile), 1, 0)
