"""Interleaved timing: what is compared alternates, so that a busy machine slows both sides alike."""

import functools
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def interleaved(functions: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each function, `repeats` times, taking turns after one warm-up each."""
    for function in functions.values():
        jax.block_until_ready(function())
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            begun = time.perf_counter()
            jax.block_until_ready(function())
            seconds[name].append(time.perf_counter() - begun)
    return seconds


def spread(values: Any) -> dict[str, float]:
    """Median, minimum and maximum."""
    return {"median": float(np.median(values)), "min": float(np.min(values)), "max": float(np.max(values))}


def told(values: Mapping[str, float], digits: int = 2) -> str:
    """What `spread` gives, as the median [minimum, maximum]."""
    median, least, most = (f"{values[name]:,.{digits}f}" for name in ("median", "min", "max"))
    return f"{median} [{least}, {most}]"


def compiled(function: Callable[..., Any], *arguments: Any) -> tuple[Callable[[], Any], float, Any]:
    """A program bound to its arguments, seconds to compile it, and its temporary memory in bytes."""
    begun = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - begun
    memory = program.memory_analysis()
    return functools.partial(program, *arguments), seconds, getattr(memory, "temp_size_in_bytes", None)


def gemm(
    size: int = 2048, dtype: Any = jnp.float32, precision: str | None = None
) -> tuple[Callable[[], jax.Array], float]:
    """A square product, taken as the machine's peak, and its floating-point operations."""
    matrix = jax.random.normal(jax.random.key(0), (size, size), dtype)
    product = jax.jit(functools.partial(jnp.matmul, precision=precision))
    return lambda: product(matrix, matrix), 2.0 * size**3


def peak_resident_bytes() -> int:
    """The most memory this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def machine() -> dict[str, Any]:
    """What the measurements were taken on."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else ""
    load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else ""
    return {
        "device": f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}",
        "cpu": model,
        "cores": os.cpu_count(),
        "load_at_start": load,
        "python": platform.python_version(),
        **{name: version(name) for name in ("jax", "jaxlib", "flax", "numpy")},
    }
