"""Draws genomes on the host: 8-bit images, as files hold them."""

import functools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.batching import batch_of
from fooljax.engine.fitness import quantise
from fooljax.engine.placement import is_cpu, place_of
from fooljax.engine.types import Coordinates, Encoding, Genome
from fooljax.own_settings import with_own_settings

ONE_BY_ONE = 64
"""Genomes at most that are drawn one by one on a CPU: half a millisecond more for each, but one program draws
any number of them, and to compile one for CPPNs takes seconds."""
DRAWN_VALUES = 2**23
"""Pixel values that a thread of `draw` has in memory at a time, each some twelve bytes."""


@with_own_settings
def draw(
    encoding: Encoding, genomes: Genome, coordinates: Coordinates | None = None
) -> npt.NDArray[np.uint8]:
    """Renders genomes, leaves `[B, ...]`, into 8-bit images: those that the search scores, unless resized.

    On a CPU the batch is shared out among threads, since a program that draws CPPNs keeps one core busy.

    Args:
      encoding: draws them.
      genomes: one or more.
      coordinates: what `encoding.coordinates_at` gave, for another size; by default the encoding's own.
    Returns:
      `[B, H, W, K]` uint8.
    """
    render, own_coordinates = _drawing(encoding)
    coordinates = own_coordinates if coordinates is None else coordinates
    place = place_of((genomes, coordinates))
    genomes, coordinates = jax.tree.map(np.asarray, genomes), jax.device_put(coordinates, place)
    size = batch_of(genomes)
    workers = min(os.cpu_count() or 1, size) if is_cpu(place) else 1
    values = math.prod(jax.eval_shape(encoding.render, *_one(genomes, coordinates)).shape)
    part = min(-(-size // workers), max(1, DRAWN_VALUES // values))
    if is_cpu(place) and size <= ONE_BY_ONE:
        part = 1
    # Parts of one size, so that one program serves; the last may draw some genomes of the one before again.
    starts = [min(start, size - part) for start in range(0, size, part)]

    pieces = [
        jax.device_put(jax.tree.map(lambda leaf, start=start: leaf[start : start + part], genomes), place)
        for start in starts
    ]
    with ThreadPoolExecutor(workers) as pool:
        # Waited for inside the threads: outside, the programs would run one after another.
        one = with_own_settings(lambda some: jax.block_until_ready(render(some, coordinates)))
        drawn = list(pool.map(one, pieces))
    images = np.empty((size, *drawn[0].shape[1:]), np.uint8)
    for start, pixels in zip(starts, drawn, strict=True):
        images[start : start + part] = pixels
    return images


def _one(genomes: Genome, coordinates: Coordinates) -> tuple[Genome, Coordinates]:
    return jax.tree.map(lambda leaf: leaf[0], genomes), coordinates


@functools.lru_cache(maxsize=16)
def _drawing(encoding: Encoding) -> tuple[Callable[[Genome, Coordinates], jax.Array], Coordinates]:
    """The compiled renderer to 8 bits, and the encoding's own coordinates."""

    def render(genomes: Genome, coordinates: Coordinates) -> jax.Array:
        images = quantise(jax.vmap(encoding.render, (0, None))(genomes, coordinates))
        return jnp.round(images * 255.0).astype(jnp.uint8)

    return jax.jit(render), encoding.coordinates()
