"""What the environment of this process says of devices: flags of XLA, threads, GPUs."""

import os
from pathlib import Path

import jax

from fooljax.engine.placement import is_cpu

DETERMINISTIC = ("--xla_gpu_deterministic_ops=true", "--xla_gpu_autotune_level=0")
"""Flags of XLA with which a program gives the same bits on a GPU in every process that compiles it.

Otherwise XLA tries several kernels for a product or a convolution when it compiles, and takes the one that
was fastest just then: another process, or another program in the same one, may take another, whose sums are
in another order. The first flag leaves out kernels that are not repeatable and stops this choice; the second
stops it by its own name. Other platforms ignore them. Source: XLA's page "Determinism (GPU)".
"""


def ask_for_determinism() -> None:
    """Has XLA compile programs that give the same bits on a GPU, in this process and in its children.

    XLA reads its flags when JAX first asks for a device, so this must be called before.
    """
    flags = os.environ.get("XLA_FLAGS", "").split()
    os.environ["XLA_FLAGS"] = " ".join([*flags, *(flag for flag in DETERMINISTIC if flag not in flags)])


def is_deterministic(place: jax.sharding.Sharding) -> bool:
    """Whether programs give the same bits in every process: on a CPU, or where that was asked for."""
    return is_cpu(place) or DETERMINISTIC[0] in os.environ.get("XLA_FLAGS", "").split()


def cpu_threads() -> int:
    """Threads in which XLA computes on the CPU in this process."""
    for name in ("PJRT_NPROC", "NPROC"):  # as XLA reads them
        if os.environ.get(name, "").isdecimal():
            return max(1, int(os.environ[name]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def graphics_cards() -> list[str]:
    """The names by which `CUDA_VISIBLE_DEVICES` knows the GPUs that this process may use.

    No GPU is touched for it: a process that only deals them to others takes no memory of theirs.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]
