"""One flat batch, whatever is vmapped: how batches reach the renderer, mutation and the network."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from fooljax.engine.channels_last import channels_last
from fooljax.engine.placement import by_platform
from fooljax.engine.types import Genome

Many = Callable[[Any, Any], Any]
"""`many(shared, batch) -> result`: pytrees; each leaf of `batch` and of the result has a leading axis `B`."""


def flat_batch(many: Many) -> Many:
    """`many`, such that `vmap` over the batch lengthens the batch instead of adding an axis to it.

    Where `shared` has an axis of its own, its members are taken one after another.

    Args:
      many: treats each member of the batch alike and alone.
    """

    @custom_vmap
    def flat(shared: Any, batch: Any) -> Any:
        return many(shared, batch)

    def with_axis(tree: Any, has: Any, size: int) -> Any:
        return jax.tree.map(
            lambda leaf, yes: leaf if yes else jnp.broadcast_to(leaf[None], (size, *leaf.shape)), tree, has
        )

    @flat.def_vmap
    def rule(axis_size: int, in_batched: list[Any], shared: Any, batch: Any) -> tuple[Any, Any]:
        shared_has, batch_has = in_batched
        batch = with_axis(batch, batch_has, axis_size)
        if any(jax.tree.leaves(shared_has)):
            shared = with_axis(shared, shared_has, axis_size)
            result = jax.lax.map(lambda pair: flat(*pair), (shared, batch))
        else:
            merged = flat(shared, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch))
            result = jax.tree.map(lambda leaf: leaf.reshape(axis_size, -1, *leaf.shape[1:]), merged)
        return result, jax.tree.map(lambda _: True, result)

    return flat


MAX_TILE = 1024
"""Images that one network call sees at most; larger batches go through it tile by tile."""


def backward_tile(image_shape: tuple[int, ...]) -> int:
    """Images that one backward pass takes on a CPU: more leave its caches; small images go by the hundred.

    Args:
      image_shape: `(H, W, K)`.
    """
    return max(2, BACKWARD_PIXELS // math.prod(image_shape[:2]))


def tile_size(batch: int, most: int = MAX_TILE) -> int:
    """Images per network call for a batch of them: near-equal parts of at most `most`."""
    parts = -(-batch // most)
    return -(-batch // parts)


def batch_of(tree: Genome) -> int:
    """How many genomes (or other members) there are: the length of the first axis of every leaf."""
    return int(jax.tree.leaves(tree)[0].shape[0])


def tiled(function: Callable[[Any, Any], Any], tile: int, constants: Any, batch: Any) -> Any:
    """`function(constants, part)` over equal parts of `batch`, the last filled up with zeros.

    Args:
      function: of constants and of a part, leaves `[tile, ...]`; gives leaves with that leading axis.
      tile: members of a part.
      constants: any pytree.
      batch: leaves `[B, ...]`.
    Returns:
      What `function` gives, leaves `[B, ...]`.
    """
    size = batch_of(batch)
    parts = -(-size // tile)

    def cut(leaf: jax.Array) -> jax.Array:
        filled = jnp.pad(leaf, ((0, parts * tile - size),) + ((0, 0),) * (leaf.ndim - 1))
        return filled.reshape(parts, tile, *leaf.shape[1:])

    pieces = jax.tree.map(cut, batch)
    if parts == 1:
        result = function(constants, jax.tree.map(lambda leaf: leaf[0], pieces))
    else:
        result = jax.lax.map(lambda piece: function(constants, piece), pieces)
        result = jax.tree.map(lambda leaf: leaf.reshape(parts * tile, *leaf.shape[2:]), result)
    return jax.tree.map(lambda leaf: leaf[:size], result)


def tiled_by_platform(
    function: Callable[[Any, Any], Any], on_cpu: int, elsewhere: int, constants: Any, batch: Any
) -> Any:
    """`tiled` with parts of one size on a CPU and of another elsewhere, each at most the whole batch.

    On a CPU its convolutions have their channels last. Where both sizes are the same, `function` is traced
    once.
    """
    function = channels_last(function)
    on_cpu, elsewhere = (min(tile, batch_of(batch)) for tile in (on_cpu, elsewhere))
    if on_cpu == elsewhere:
        return tiled(function, on_cpu, constants, batch)
    return by_platform(
        lambda constants, batch: tiled(function, on_cpu, constants, batch),
        lambda constants, batch: tiled(function, elsewhere, constants, batch),
        constants,
        batch,
    )


BACKWARD_PIXELS = 100 * 28 * 28
"""Pixels that one backward pass takes on a CPU, all its images together."""
TILE_VALUES = 2**25
"""Pixel values that a tile has at most on a CPU, 134 MB: a thousand of ImageNet's images are six tiles."""


def largest_tile(image_shape: tuple[int, ...]) -> int:
    """Images that a tile of a search has at most on a CPU, for images `(H, W, K)`."""
    return min(MAX_TILE, max(1, TILE_VALUES // math.prod(image_shape)))
