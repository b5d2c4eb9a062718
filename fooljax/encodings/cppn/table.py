"""What the renderers share: the table of rows that a drawing fills, tiles of pixels, and what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fooljax.encodings import colour as colours
from fooljax.encodings.cppn import functions
from fooljax.encodings.cppn.genome import Layout, check_layout
from fooljax.errors import InputError

CHUNK = 4
"""A node that reads many rows does it this many at a time."""
VECTOR = 16
"""Tiles are a multiple of this many pixels."""
ZERO = np.int32(0)


def check_drawing(layout: Layout, function_names: tuple[str, ...], colour: str) -> None:
    """Raises an `InputError` where sizes, functions and colour do not fit each other, or are unknown."""
    check_layout(layout)
    functions.lookup(function_names)
    wanted = colours.lookup(colour).num_outputs
    if layout.num_outputs != wanted:
        raise InputError(f"num_outputs: {colour} needs {wanted}, got {layout.num_outputs}")


def check_coordinates(coordinates: jax.Array, layout: Layout) -> None:
    """Raises an `InputError` where coordinates are not `[I, H, W]`."""
    if coordinates.ndim != 3 or coordinates.shape[0] != layout.num_inputs:
        raise InputError(f"coordinates: expected [{layout.num_inputs}, H, W], got {list(coordinates.shape)}")


def at(array: jax.Array, *index: jax.Array) -> jax.Array:
    """`array[index]` of int32 indices that are in range: `array[...]` would guard each against both ends."""
    rest = array.shape[len(index) :]
    start: list[Any] = [*index, *(ZERO for _ in rest)]
    return lax.dynamic_slice(array, start, (*(1 for _ in index), *rest)).reshape(rest)


def row_of(layout: Layout, hidden: jax.Array, step: jax.Array) -> jax.Array:
    """The row that is computed at a step: of `hidden` nodes first, then of the outputs."""
    row = jnp.where(step < hidden, layout.num_inputs + step, layout.first_output + step - hidden)
    return row.astype(jnp.int32)


def tiles(coordinates: jax.Array, most: int) -> tuple[int, int, jax.Array]:
    """How many tiles, of how many pixels, and the coordinates `[tiles, I, pixels]`, padded with zeros."""
    num_inputs, height, width = coordinates.shape
    count = -(-height * width // most)
    tile = -(-height * width // (count * VECTOR)) * VECTOR
    pixels = jnp.pad(coordinates.reshape(num_inputs, -1), ((0, 0), (0, count * tile - height * width)))
    return count, tile, jnp.moveaxis(pixels.reshape(num_inputs, count, tile), 1, 0)
