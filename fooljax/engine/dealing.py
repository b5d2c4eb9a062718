"""How the children of a search are dealt to several devices, and how the winners come back.

In a program that is written for a mesh (`jax.set_mesh`), each device varies, draws and shows the network a
share of the children. All else is small, and every device does it alike: archive, strategy, random keys. So
only log-odds and winners travel. In a program for one device these functions do nothing of their own.

On a CPU the last digits of an image's logits depend on how many images the network is shown at a time. So
there a batch is cut into parts, whose size depends on the batch alone, and each device gets whole parts: an
image meets the network among as many others, and at the same place, whatever the number of devices. An
accelerator is fastest on many images at a time, so there the shares are equal and not cut.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from fooljax.engine.batching import Many, batch_of
from fooljax.engine.placement import current_mesh, mesh_is_of_cpus

PARTS = 24
"""Parts of a batch, on CPUs: 1, 2, 3, 4, 6, 8, 12 or 24 devices get equally many."""
LARGEST_PART = 32
"""Members of a part at most: LeNet gains nothing by more."""


def dealt(function: Many, shared: Any, batch: Any) -> Any:
    """`function(shared, batch)`, the members of the batch dealt to the devices of the mesh.

    Args:
      function: treats each member alike and alone.
      shared: any pytree; each device has all of it.
      batch: leaves `[B, ...]`. Batches of one size are dealt alike, so what comes dealt stays where it is.
    Returns:
      What `function` gives, leaves `[B, ...]`, dealt.
    """
    mesh = current_mesh()
    if mesh is None:
        return function(shared, batch)
    size = batch_of(batch)
    part = _part(size) if mesh_is_of_cpus(mesh) else 1
    share = -(-size // (part * mesh.size)) * part
    lead = PartitionSpec(mesh.axis_names)
    on_shares = jax.shard_map(function, in_specs=(PartitionSpec(), lead), out_specs=lead, check_vma=False)
    filled = jax.tree.map(lambda leaf: _filled(leaf, mesh.size * share - size), batch)
    return jax.tree.map(lambda leaf: leaf[:size], on_shares(shared, filled))


def dealt_tile(batch: int, most: int) -> int | None:
    """Members that a CPU of a mesh takes at a time of a batch of them; None outside a mesh.

    Args:
      batch: how many members there are in all.
      most: that it takes at most.
    """
    if current_mesh() is None:
        return None
    part = _part(batch)
    return max(size for size in range(1, min(part, most) + 1) if part % size == 0)


def collected(members: Any, places: jax.Array) -> Any:
    """`leaf[places]` for each leaf of members that may be dealt: only those that are taken travel.

    Args:
      members: leaves `[B, ...]`.
      places: `[n]` int32, each in [0, B - 1].
    Returns:
      Leaves `[n, ...]`, the same bits, on every device.
    """
    mesh = current_mesh()
    if mesh is None:
        return jax.tree.map(lambda leaf: leaf[places], members)
    lead = PartitionSpec(mesh.axis_names)

    def from_share(places: jax.Array, share: Any) -> Any:
        count = batch_of(share)
        here = places - jax.lax.axis_index(mesh.axis_names) * count
        own = (here >= 0) & (here < count)

        def take(leaf: jax.Array) -> jax.Array:
            # As whole numbers, whose sum with zeros is exact: that of -0.0 and 0.0 is not.
            words = _words(leaf[jnp.clip(here, 0, count - 1)])
            mine = own.reshape(-1, *(1,) * (leaf.ndim - 1))
            return _from_words(jax.lax.psum(jnp.where(mine, words, 0), mesh.axis_names), leaf.dtype)

        return jax.tree.map(take, share)

    collect = jax.shard_map(
        from_share, in_specs=(PartitionSpec(), lead), out_specs=PartitionSpec(), check_vma=False
    )
    missing = -batch_of(members) % mesh.size
    return collect(places, jax.tree.map(lambda leaf: _filled(leaf, missing), members))


def on_every_device(tree: Any) -> Any:
    """The same pytree, of which each device of the mesh has all."""
    if current_mesh() is None:
        return tree
    return jax.lax.with_sharding_constraint(tree, PartitionSpec())


def _part(batch: int) -> int:
    return min(LARGEST_PART, -(-batch // PARTS))


def _filled(leaf: jax.Array, missing: int) -> jax.Array:
    """An array, PRNG keys too, with so many zeros behind."""
    if not missing:
        return leaf
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        filled = _filled(jax.random.key_data(leaf), missing)
        return jax.random.wrap_key_data(filled, impl=jax.random.key_impl(leaf))
    return jnp.pad(leaf, ((0, missing),) + ((0, 0),) * (leaf.ndim - 1))


def _words(leaf: jax.Array) -> jax.Array:
    if leaf.dtype == bool:
        return leaf.astype(jnp.uint8)
    return jax.lax.bitcast_convert_type(leaf, jnp.dtype(f"uint{8 * leaf.dtype.itemsize}"))


def _from_words(words: jax.Array, dtype: Any) -> jax.Array:
    is_bool = jnp.issubdtype(dtype, jnp.bool_)
    return words.astype(bool) if is_bool else jax.lax.bitcast_convert_type(words, dtype)
