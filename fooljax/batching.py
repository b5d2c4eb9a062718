"""One flat batch, whatever is vmapped: how batches reach the renderer, mutation and the network."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

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
