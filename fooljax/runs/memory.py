"""Whether a search fits into the memory of this machine, found out before anything is made."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fooljax.engine.placement import own_device
from fooljax.engine.types import Encoding
from fooljax.errors import InputError

COPIES = 3
"""Of every genome, at least: parents and children of a generation, or an archive before and after it."""
NO_LIMIT = 2**62
CONTAINERS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says how much memory a container has."""
TRIED_TOGETHER = 8
"""Images that are drawn at once, at least."""


def machine_bytes() -> int:
    """The memory that a search has: of the accelerator, where there is one that tells, or of the machine."""
    device = own_device().memory_stats() or {}
    if limit := device.get("bytes_limit"):
        return int(limit)
    limits = [NO_LIMIT]
    with suppress(AttributeError, ValueError, OSError):  # Windows has no such word
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(ImportError, ValueError, OSError):
        import resource

        limits.append(resource.getrlimit(resource.RLIMIT_AS)[0])
    for file in CONTAINERS:
        with suppress(ValueError, OSError):  # the word max, or no container
            limits.append(int(Path(file).read_text()))
    return min(limit for limit in limits if limit > 0)


def genome_bytes(encoding: Encoding) -> int:
    """Bytes of one genome."""
    genome = jax.eval_shape(encoding.init, jax.random.key(0))
    return sum(leaf.size * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(genome))


def check_fits(config: Any, names: Sequence[str], needed: int, what: str) -> None:
    """Refuses settings that would need more memory than there is.

    Args:
      config: the settings.
      names: of those that the need comes from; the one that is largest beside its default is blamed.
      needed: bytes, at least.
      what: takes them.
    Raises:
      InputError: there are fewer; says how many there are.
    """
    there = machine_bytes()
    if needed <= there:
        return
    name = most_unusual(config, names)
    raise InputError(
        f"{name}: expected fewer, got {getattr(config, name):,}: {what} would take at least "
        f"{_size(needed)}, and there are {_size(there)}"
    )


def most_unusual(config: Any, names: Sequence[str]) -> str:
    """The setting that is largest beside its default."""
    defaults = type(config)()
    return max(
        (name for name in names if hasattr(config, name)),
        key=lambda name: getattr(config, name) / max(1, getattr(defaults, name)),
    )


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
