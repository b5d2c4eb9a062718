"""Forward and backward passes of a network over a batch of images, in tiles that fit its memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fooljax.engine.batching import backward_tile, flat_batch, tile_size, tiled_by_platform
from fooljax.engine.types import Apply, Params

Batch = tuple[jax.Array, jax.Array]
"""Images `[B, H, W, K]` and the class of each, `[B]`."""


def odds_and_gradient(
    apply: Apply, maximise: str = "log_odds"
) -> Callable[[Params, Batch], tuple[jax.Array, jax.Array, jax.Array]]:
    """Builds a function that makes one forward and one backward pass for each image.

    On a CPU the batch goes through the network in near-equal tiles of at most `backward_tile` images, whose
    size depends on `B` alone; on accelerators the tiles have at most `MAX_TILE` images. Under `vmap` the
    network still sees flat batches.

    Args:
      apply: the target's.
      maximise: "log_odds" or "logit", whose gradient is wanted.
    Returns:
      A function of the target's parameters and of images `[B, H, W, K]` with their classes `[B]`. It gives
      the log-odds of each image's class, `[B]`, whether that class is the arg-max, `[B]`, and the gradient,
      `[B, H, W, K]`.
    """

    def tile(params: Params, batch: Batch) -> Any:
        images, classes = batch

        def height(images: jax.Array) -> tuple[jax.Array, Any]:
            logits = apply(params, images).astype(jnp.float32)  # whatever the network gives
            odds, is_top = _of_class(logits, classes)
            own = odds if maximise == "log_odds" else jnp.take_along_axis(logits, classes[:, None], -1)
            return jnp.sum(own), (odds, is_top)

        (_, (odds, is_top)), gradient = jax.value_and_grad(height, has_aux=True)(images)
        return odds, is_top, gradient

    return flat_batch(_in_tiles(tile))


def odds_alone(apply: Apply) -> Callable[[Params, Batch], tuple[jax.Array, jax.Array]]:
    """Builds a function that makes one forward pass for each image.

    Args:
      apply: the target's.
    Returns:
      As `odds_and_gradient`, without the gradient.
    """

    def tile(params: Params, batch: Batch) -> tuple[jax.Array, jax.Array]:
        images, classes = batch
        return _of_class(apply(params, images), classes)

    return flat_batch(_in_tiles(tile))


def _of_class(logits: jax.Array, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-odds of one class for each image, `[B]`, with an exact gradient, and whether it is the arg-max."""
    logits = logits.astype(jnp.float32)
    own = jax.nn.one_hot(classes, logits.shape[-1], dtype=bool)
    # The same arithmetic as `fooljax.log_odds`, which gives all classes.
    rest = jax.nn.logsumexp(jnp.where(own, -jnp.inf, logits), axis=-1)
    return jnp.sum(jnp.where(own, logits, 0.0), axis=-1) - rest, jnp.argmax(logits, axis=-1) == classes


def _in_tiles(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`function(shared, batch)`, tile by tile."""

    def by_platform(shared: Any, batch: Any) -> Any:
        size = len(jax.tree.leaves(batch)[0])
        on_cpu = tile_size(size, backward_tile(batch[0].shape[1:]))
        return tiled_by_platform(function, on_cpu, tile_size(size), shared, batch)

    return by_platform
