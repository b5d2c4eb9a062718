"""The forms of one function on a batch of genomes, and the choice between them.

"serial" takes genomes one after another, with real branches: on a CPU, where under `vmap` every branch is
computed and padding is paid in full. "batched" advances all genomes together, for TPUs. "kernel"
is one kernel of a GPU, which takes many genomes at a time, each with real branches.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata

from fooljax.engine.batching import Many, flat_batch
from fooljax.engine.dealing import dealt
from fooljax.engine.later import later
from fooljax.engine.placement import by_platform, kernels_run
from fooljax.errors import InputError

LOWERINGS = ("serial", "batched", "kernel")


def choose(
    lowering: str | None, serial: Many, batched: Many, kernel: Callable[..., Any] | None = None
) -> Many:
    """The form asked for, as one flat batch.

    Args:
      lowering: "serial", "batched", "kernel" (interpreted on a CPU, for tests; batched where there is none),
        or None: serial where the program is compiled for a CPU, the kernel where it is for a GPU that can run
        it, else batched. In a mesh (`jax.set_mesh`) each device does its share of the genomes.
      serial: `serial(shared, batch)`; its loop should go through `as_one_kernel`.
      batched: `batched(shared, batch)`, the same function.
      kernel: `kernel(shared, batch, interpret=False)`, the same function, if there is such a form.
    Raises:
      InputError: an unknown lowering.
    """
    if lowering not in (None, *LOWERINGS):
        raise InputError(f"lowering: expected {', '.join(LOWERINGS)} or None, got {lowering!r}")

    if lowering == "kernel" and kernel is None:
        lowering = "batched"
    # Its trace is copied into programs, and says of what shape the results of the other forms are.
    on_cpu = jax.jit(serial, inline=True)
    elsewhere = later(batched, on_cpu)

    def many(shared: Any, batch: Any) -> Any:
        if lowering == "serial":
            return serial(shared, batch)
        if lowering == "batched":
            return batched(shared, batch)
        if kernel is None:
            return by_platform(on_cpu, elsewhere, shared, batch)
        if lowering == "kernel":
            interpreted = partial(kernel, interpret=True)
            on_gpu = kernel if kernels_run() else batched
            return by_platform(interpreted, batched, shared, batch, on_gpu=on_gpu)
        on_gpu = later(kernel, on_cpu) if kernels_run() else elsewhere
        return by_platform(on_cpu, elsewhere, shared, batch, on_gpu=on_gpu)

    # XLA can split neither a serial loop nor a kernel among devices.
    return flat_batch(partial(dealt, many))


def as_one_kernel(run: Callable[..., Any], *arrays: Any) -> Any:
    """Calls `run`, compiled by XLA's CPU backend as one function of machine code, loops and branches and all.

    Otherwise every operation of every step is a task of its own, some 50 ns each, which costs more than the
    arithmetic. The mark is the one that XLA itself puts on small loops; a version that does not know it
    ignores it, and the results are the same.
    """
    return set_xla_metadata(jax.jit(run)(*arrays), xla_cpu_small_call="true", inlineable="false")
