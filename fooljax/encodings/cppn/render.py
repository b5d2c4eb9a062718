"""Draws CPPNs: one renderer, in two forms (see `lowering`).

`jax.vmap(render, (0, None))` does not add an axis to every operation. On CPU ("serial") genomes are taken one
after another, each as far as its own last node, with one real branch per node: padding costs nothing, and a
node costs its own function only. Elsewhere ("batched") all genomes advance row by row together, up to the
largest live count, and every function is computed and one selected: no serial loop over genomes, no scatter.

Memory, with `T` pixels a tile: the images, `4 K' H W` bytes each, and the coordinates, `4 I H W`. Beyond
these, at most: serial, both once more and a table of `4 N T`, T at most 2,048 however large the image;
batched, the images twice more and a table of `4 B N T`, T such that this stays below 256 MB.
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
from fooljax.encodings.cppn.genome import CPPN, Layout, check_layout
from fooljax.encodings.cppn.lowering import as_one_kernel, choose
from fooljax.errors import InputError

Render = Callable[[CPPN, jax.Array], jax.Array]

SERIAL_TILE = 2048
"""Pixels per tile of the serial form: the live rows of a table stay within a level-2 cache."""
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
      lowering: see `lowering.choose`.
    Returns:
      A function of a CPPN and of coordinates `[I, H, W]` (see `coordinates`), giving `[H, W, K']` in [0, 1],
      multiples of 1/255 (grey, rgb). It has no reverse-mode derivative: see `make_differentiable_render`.
    Raises:
      InputError: an unknown name, or a layout without the outputs that `colour` needs.
    """
    _check(layout, function_names, colour)

    def serial(coordinates: jax.Array, genomes: CPPN) -> jax.Array:
        return _serial(layout, function_names, colour, genomes, coordinates)

    def batched(coordinates: jax.Array, genomes: CPPN) -> jax.Array:
        return _batched(layout, function_names, colour, genomes, coordinates)

    many = choose(lowering, serial, batched)

    def render(genome: CPPN, coordinates: jax.Array) -> jax.Array:
        _check_coordinates(coordinates, layout)
        image: jax.Array = many(coordinates, jax.tree.map(lambda leaf: leaf[None], genome))[0]
        return image

    return render


ONE_KERNEL_PIXELS = 16_384
"""Rows of more pixels are drawn differentiably task by task: then a task's cost is lost beside its work, and
XLA's CPU backend cannot put operations into one function that it would share among threads."""


def make_differentiable_render(
    layout: Layout, function_names: tuple[str, ...], colour: str, lowering: str | None = None
) -> Render:
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
    _check(layout, function_names, colour)
    nodes = functions.lookup(function_names)
    conversion = colours.lookup(colour)

    def in_turn(one: Callable[[Any, Any], Any], shared: Any, batch: Any) -> Any:
        def run(shared: Any, batch: Any) -> Any:
            return lax.map(lambda member: one(shared, member), batch)

        largest = max(leaf.shape[-1] for leaf in jax.tree.leaves((shared, batch)) if leaf.ndim)
        return as_one_kernel(run, shared, batch) if largest <= ONE_KERNEL_PIXELS else run(shared, batch)

    def each(one: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """`one(shared, genome)` for one genome, fast under `vmap`."""
        many = choose(
            lowering,
            serial=lambda shared, batch: in_turn(one, shared, batch),
            batched=lambda shared, batch: jax.vmap(lambda member: one(shared, member))(batch),
        )

        def lone(shared: Any, member: Any) -> Any:
            result = many(shared, jax.tree.map(lambda leaf: leaf[None], member))
            return jax.tree.map(lambda leaf: leaf[0], result)

        return lone

    forward = each(functools.partial(_forward, layout, nodes))
    backward = each(functools.partial(_backward, layout, nodes))

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
        _check_coordinates(coordinates, layout)
        rows = outputs(genome, coordinates.reshape(layout.num_inputs, -1))
        channels = colours.to_channels(tuple(rows), conversion, truncate=False)
        return jnp.stack(channels, axis=-1).reshape(*coordinates.shape[1:], -1)

    return render


def _row_of(layout: Layout, genome: CPPN, step: jax.Array) -> jax.Array:
    """The row that is computed at a step: hidden rows first, then the outputs."""
    hidden = genome.num_hidden
    return jnp.where(step < hidden, layout.num_inputs + step, layout.first_output + step - hidden).astype(
        jnp.int32
    )


def _forward(
    layout: Layout, nodes: tuple[functions.Function, ...], pixels: jax.Array, genome: CPPN
) -> tuple[jax.Array, jax.Array]:
    """All rows' values and weighted sums, `[N, P]` each, of one genome and pixels `[I, P]`."""
    table = jnp.pad(pixels, ((0, layout.max_nodes - layout.num_inputs), (0, 0)))

    def node(step: jax.Array, carry: Any) -> Any:
        table, sums, place = carry
        row = _row_of(layout, genome, step)

        def add(carry: Any) -> Any:
            place, total = carry
            return place + 1, total + _at(genome.weights, place) * _at(table, _at(genome.sources, place))

        place, total = lax.while_loop(
            lambda carry: (
                (carry[0] < genome.num_connections) & (_at_or_last(genome.targets, carry[0]) == row)
            ),
            add,
            (place, jnp.zeros_like(pixels[0])),
        )
        value = lax.switch(_at(genome.functions, row), nodes, total)
        table = lax.dynamic_update_slice(table, value[None], (row, _ZERO))
        return table, lax.dynamic_update_slice(sums, total[None], (row, _ZERO)), place

    steps = genome.num_hidden + layout.num_outputs
    table, sums, _ = lax.fori_loop(_ZERO, steps, node, (table, jnp.zeros_like(table), _ZERO))
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
        row = _row_of(layout, genome, genome.num_hidden + layout.num_outputs - 1 - step)
        slope = lax.switch(_at(genome.functions, row), branches, _at(sums, row), _at(adjoint, row))

        def pass_on(carry: Any) -> Any:
            place, adjoint, weights = carry
            source = _at(genome.sources, place)
            weights = jnp.where(places == place, jnp.vdot(slope, _at(table, source)), weights)
            moved = _at(adjoint, source) + _at(genome.weights, place) * slope
            return place - 1, lax.dynamic_update_slice(adjoint, moved[None], (source, _ZERO)), weights

        place, adjoint, weights = lax.while_loop(
            lambda carry: (carry[0] >= 0) & (_at_or_last(genome.targets, carry[0]) == row),
            pass_on,
            (place, adjoint, weights),
        )
        return adjoint, weights, place

    begin = (adjoint, jnp.zeros_like(genome.weights), genome.num_connections - 1)
    adjoint, weights, _ = lax.fori_loop(_ZERO, genome.num_hidden + layout.num_outputs, node, begin)
    return weights, adjoint[: layout.num_inputs]


def _at_or_last(array: jax.Array, index: jax.Array) -> jax.Array:
    """`array[index]` of an index that may be one beyond either end."""
    return _at(array, jnp.clip(index, 0, array.shape[0] - 1))


def _select(nodes: tuple[functions.Function, ...], kind: jax.Array, total: jax.Array) -> jax.Array:
    """Every function of `total`, and the one that is wanted."""
    result = nodes[0](total)
    for index, function in enumerate(nodes[1:], 1):
        result = jnp.where(kind == index, function(total), result)
    return result


def _check(layout: Layout, function_names: tuple[str, ...], colour: str) -> None:
    check_layout(layout)
    functions.lookup(function_names)
    wanted = colours.lookup(colour).num_outputs
    if layout.num_outputs != wanted:
        raise InputError(f"num_outputs: {colour} needs {wanted}, got {layout.num_outputs}")


def _check_coordinates(coordinates: jax.Array, layout: Layout) -> None:
    if coordinates.ndim != 3 or coordinates.shape[0] != layout.num_inputs:
        raise InputError(f"coordinates: expected [{layout.num_inputs}, H, W], got {list(coordinates.shape)}")


# -------------------------------------------------------------------------------------------- serial, for CPU


def _at(array: jax.Array, *index: jax.Array) -> jax.Array:
    """`array[index]` of int32 indices that are in range: `array[...]` would guard each against both ends."""
    rest = array.shape[len(index) :]
    start: list[Any] = [*index, *(_ZERO for _ in rest)]
    return lax.dynamic_slice(array, start, (*(1 for _ in index), *rest)).reshape(rest)


def _serial(
    layout: Layout, function_names: tuple[str, ...], colour: str, genomes: CPPN, coordinates: jax.Array
) -> jax.Array:
    """Images `[B, H, W, K']` of genomes `[B, ...]`, tile by tile and genome by genome."""
    num_inputs, num_outputs, num_nodes, num_places = layout
    height, width = coordinates.shape[1:]
    count, tile, pixels = _tiles(coordinates, SERIAL_TILE)
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
                lambda place: (place < num_places) & (_at(genomes.targets, genome, place) == row),
                lambda place: place + 1,
                first,
            )
            slots = end - first
            code = _at(genomes.functions, genome, row) * (len(UNROLLED) + 1)
            for width in UNROLLED:
                code += (slots > width).astype(jnp.int32)
            # A branch returns its row; one that wrote it would make XLA copy the table.
            value = lax.switch(code, branches, genomes.sources, genomes.weights, genome, first, end, table)
            return lax.dynamic_update_slice(table, value[None], (row, _ZERO)), end

        def draw(genome: jax.Array, carry: Any) -> Any:
            table, images, index = carry
            hidden = _at(genomes.num_hidden, genome)
            table, _ = lax.fori_loop(
                np.int32(num_inputs),
                num_inputs + num_outputs + hidden,
                lambda step, carry: node(step, carry, genome, hidden),
                (table, _ZERO),
            )
            channels = colours.to_channels(tuple(table[layout.first_output :]), conversion)
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

    It reads the genome's connections from `first` to before `end`.
    """

    def chunk(size: int) -> Callable[..., jax.Array]:
        def add(
            total: jax.Array | None,
            sources: jax.Array,
            weights: jax.Array,
            genome: jax.Array,
            first: jax.Array,
            end: jax.Array,
            table: jax.Array,
        ) -> jax.Array:
            for place in [first + slot for slot in range(size)]:
                # Beyond the end: an input times 0, since a row not written yet might hold anything. A place
                # beyond the list is read as its last.
                here = place < end
                source = jnp.where(here, _at(sources, genome, place), 0)
                product = _at(table, source) * jnp.where(here, _at(weights, genome, place), 0.0)
                total = product if total is None else total + product
            assert total is not None
            return total

        return add

    def unrolled(function: functions.Function, width: int) -> Callable[..., jax.Array]:
        return lambda *operands: function(chunk(width)(None, *operands))

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
                return chunk(CHUNK)(total, sources, weights, genome, first + index * CHUNK, end, table)

            total = chunk(CHUNK)(None, sources, weights, genome, first, end, table)
            count = (end - first + (CHUNK - 1)) // CHUNK
            return function(lax.fori_loop(np.int32(1), count, add, total))

        return branch

    return [
        branch
        for function in nodes
        for branch in (*(unrolled(function, width) for width in UNROLLED), looped(function))
    ]


# -------------------------------------------------------------------------------------------- batched


def _batched(
    layout: Layout, function_names: tuple[str, ...], colour: str, genomes: CPPN, coordinates: jax.Array
) -> jax.Array:
    """Images `[B, H, W, K']` of genomes `[B, ...]`, all of them row by row."""
    height, width = coordinates.shape[1:]
    num_genomes = genomes.num_hidden.shape[0]
    most = max(BATCHED_TABLE // (num_genomes * layout.max_nodes), VECTOR)
    count, _, pixels = _tiles(coordinates, most)
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


def _tiles(coordinates: jax.Array, most: int) -> tuple[int, int, jax.Array]:
    """How many tiles, of how many pixels, and the coordinates `[tiles, I, pixels]`, padded with zeros."""
    num_inputs, height, width = coordinates.shape
    count = -(-height * width // most)
    tile = -(-height * width // (count * VECTOR)) * VECTOR
    pixels = jnp.pad(coordinates.reshape(num_inputs, -1), ((0, 0), (0, count * tile - height * width)))
    return count, tile, jnp.moveaxis(pixels.reshape(num_inputs, count, tile), 1, 0)
