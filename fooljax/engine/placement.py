"""Where a computation runs, and what follows from it: the only file that asks for devices and platforms.

What a program does is chosen inside the program, when it is compiled, for the platform that it is compiled
for: the default platform says nothing about where parameters were put.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.experimental import multihost_utils
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec

from fooljax.errors import InputError, first_line, shown

CHILDREN = "children"
"""The axis of the mesh of a search on several devices: its children are dealt along it."""
ALL = "all"
"""Stands for every device that there is."""
Devices = int | str | Sequence[jax.Device]
"""How many of JAX's devices, "all", or the devices themselves."""

AMPERE = 8.0
"""Compute capability of the first GPUs of NVIDIA that multiply in TF32 and run what Triton compiles."""


def by_platform(
    on_cpu: Callable[..., Any],
    elsewhere: Callable[..., Any],
    *arguments: Any,
    on_gpu: Callable[..., Any] | None = None,
) -> Any:
    """`on_cpu(*arguments)` in a program compiled for a CPU, `elsewhere(*arguments)` in any other.

    In one that is compiled for a GPU it is `on_gpu(*arguments)`, if that is given. All give results of the
    same shapes. It has derivatives, but then all must be computed in a form that keeps the same for the
    backward pass: choose inside a derivative of its own instead.
    """
    forms = {"cpu": on_cpu}
    if on_gpu is not None:
        forms |= {"cuda": on_gpu, "rocm": on_gpu}
    return jax.lax.platform_dependent(*arguments, **forms, default=elsewhere)


def kernels_run() -> bool:
    """Whether the GPUs here can run a kernel that Triton compiles: those of NVIDIA can from Ampere on.

    Where there is no GPU it is true, since a program can be written here for another machine.
    """
    return all((_capability(device) or AMPERE) >= AMPERE for device in jax.devices())


def place_of(tree: Any) -> jax.sharding.Sharding:
    """One device that holds all or part of a pytree of arrays: what is computed with them belongs there.

    The first device of the first JAX array; JAX's default device where there is none.
    """
    arrays = [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, jax.Array)]
    devices = (arrays[0] if arrays else jnp.zeros(())).devices()
    return jax.sharding.SingleDeviceSharding(min(devices, key=lambda device: device.id))


def gathered(tree: Any, place: jax.sharding.Sharding) -> Any:
    """A pytree with its JAX arrays on one device, wherever they were: a search is one program for one device.

    Leaves of any other kind are the same objects.
    """
    return jax.tree.map(
        lambda leaf: jax.device_put(leaf, place) if isinstance(leaf, jax.Array) else leaf, tree
    )


def is_cpu(place: jax.sharding.Sharding) -> bool:
    """Whether a place is a CPU."""
    devices: set[Any] = place.device_set
    return all(device.platform == "cpu" for device in devices)


def is_gpu(place: jax.sharding.Sharding) -> bool:
    """Whether a place is a GPU."""
    devices: set[Any] = place.device_set
    return all(device.platform == "gpu" for device in devices)


def device_in_words(place: jax.sharding.Sharding | None = None) -> str:
    """The platform and the kind of a device, by default JAX's first, as "gpu: NVIDIA H100 80GB HBM3"."""
    device = jax.devices()[0] if place is None else _first(place)
    return f"{device.platform}: {device.device_kind}"


def default_products(place: jax.sharding.Sharding) -> str:
    """The type that a device rounds the factors of float32 products to, where no precision is asked for.

    Returns:
      "float32" (a CPU, an older GPU of NVIDIA), "TF32" (a newer one), "bfloat16" (a TPU), or "not known".
    """
    device = _first(place)
    if device.platform in ("cpu", "tpu"):
        return "float32" if device.platform == "cpu" else "bfloat16"
    capability = _capability(device)
    if capability is None:
        return "not known"
    return "TF32" if capability >= AMPERE else "float32"


def _capability(device: Any) -> float | None:
    """The compute capability of a GPU of NVIDIA; None of any other device."""
    try:
        return float(device.compute_capability)
    except (AttributeError, ValueError):
        return None


def _first(place: jax.sharding.Sharding) -> Any:
    devices: set[Any] = place.device_set
    return min(devices, key=lambda device: device.id)


def mesh_of(devices: Devices) -> Mesh:
    """The mesh of a search on several devices: one axis, along which its children are dealt.

    Where several processes are joined (`jax.distributed`), the devices are those of all of them.

    Args:
      devices: how many of JAX's devices, "all", or the devices themselves.
    Raises:
      InputError: it is none of these, there are not so many, they are not all different and of one kind, or
        none of them is of one of the processes.
    """
    there = jax.devices()
    if isinstance(devices, str | int | np.integer) or devices is None:
        count = len(there) if isinstance(devices, str) and devices == ALL else devices
        whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
        if not whole or not 1 <= int(count) <= len(there):
            raise InputError(
                f"devices: expected {ALL} or a whole number from 1 to {len(there)}, the number of "
                f"{there[0].platform} devices here, got {shown(devices or repr(devices))}"
            )
        chosen = there[: int(count)]
    else:
        chosen = list(devices) if isinstance(devices, Sequence | np.ndarray) else []
        if not chosen or not all(isinstance(device, jax.Device) for device in chosen):
            raise InputError(
                f"devices: expected a number of devices, {ALL}, or a list of JAX's devices, got "
                f"{shown(repr(devices))}"
            )
        if len(set(chosen)) < len(chosen) or len({device.platform for device in chosen}) > 1:
            raise InputError(
                f"devices: expected different devices of one platform, got {shown(repr(chosen))}"
            )
    without = {device.process_index for device in there} - {device.process_index for device in chosen}
    if without:
        raise InputError(
            f"devices: expected {ALL}, or some of each of the {jax.process_count()} processes, got none of "
            f"process {min(without)}"
        )
    return Mesh(np.array(chosen), (CHILDREN,), axis_types=(AxisType.Auto,))


def everywhere(mesh: Mesh) -> NamedSharding:
    """The place of arrays of which each device of a mesh has a copy of its own."""
    return NamedSharding(mesh, PartitionSpec())


def put(tree: Any, place: jax.sharding.Sharding) -> Any:
    """A pytree of arrays at a place: on a device, or a copy of it on each device of a mesh.

    Where the mesh has devices of several processes, each of them copies its own arrays, which must be equal.
    """
    if place.is_fully_addressable:
        return jax.device_put(tree, place)

    def copied(leaf: Any) -> jax.Array:
        leaf = jnp.asarray(leaf)
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(copied(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf))
        return jax.make_array_from_process_local_data(place, np.asarray(leaf), leaf.shape)

    return jax.tree.map(copied, tree)


def own_copy(tree: Any) -> Any:
    """A pytree of which all devices have a copy, as arrays of this process alone.

    A program of arrays on the devices of several processes must be started in all of them.
    """
    return jax.tree.map(lambda leaf: leaf if leaf.is_fully_addressable else leaf.addressable_data(0), tree)


def near(mesh: Mesh) -> jax.sharding.Sharding:
    """One device of a mesh that this process can reach."""
    return jax.sharding.SingleDeviceSharding(mesh.local_devices[0])


def mesh_of_place(place: Any) -> Mesh | None:
    """The mesh of a place that is one; None of a place on one device."""
    return place.mesh if isinstance(place, NamedSharding) and isinstance(place.mesh, Mesh) else None


def writing_for(mesh: Mesh | None) -> Any:
    """A context in which programs are written for a mesh; for one device where it is None."""
    return jax.set_mesh(Mesh(np.empty((), object), ()) if mesh is None else mesh)


def current_mesh() -> AbstractMesh | None:
    """The mesh for which a program is being written (`jax.set_mesh`).

    None where there is none, and where the program is that of one device already, as in `jax.shard_map`.
    """
    mesh = jax.sharding.get_abstract_mesh()
    return mesh if not mesh.empty and mesh.are_all_axes_auto else None


def a_mesh_is_set() -> bool:
    """Whether the user wants programs written for a mesh of theirs, by `jax.set_mesh`."""
    return not jax.sharding.get_abstract_mesh().empty


def mesh_is_of_cpus(mesh: AbstractMesh) -> bool:
    """Whether the devices of a mesh are CPUs, or not known."""
    device = mesh.abstract_device
    return device is None or device.device_kind == "cpu"  # JAX 0.10.0 knows no `platform` here


def this_process() -> tuple[int, int]:
    """The index of this process among those that JAX has connected, and how many they are."""
    return jax.process_index(), jax.process_count()


def why_no_device() -> str | None:
    """Why JAX has no device here, as one line; None where it has one."""
    try:
        jax.devices()
    except Exception as reason:
        wanted = jax.config.values["jax_platforms"]
        where = f"JAX_PLATFORMS={wanted}" if wanted else "JAX"
        said = first_line(reason) if str(reason).strip() else "it gives no reason"
        return f"{where}: expected a device that JAX can use, found none ({said})"
    return None


def own_device() -> jax.Device:
    """A device of this process, the first: `jax.devices()` also lists those of the others."""
    return jax.local_devices()[0]


def of_first_process(row: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array of process 0, in all processes, by way of their devices. All of them must call this.

    Args:
      row: of the same shape and type in all processes.
    Raises:
      InputError: their machines have different numbers of devices, with which JAX does not do it.
    """
    counts = Counter(device.process_index for device in jax.devices())
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{counts[index]} on process {index}" for index in sorted(counts))
        raise InputError(f"devices: expected equally many on all processes, found {found}")
    return np.asarray(multihost_utils.broadcast_one_to_all(row))
