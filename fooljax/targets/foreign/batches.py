"""Batches as networks of other frameworks take them: of a size, in a type of number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Network = Callable[[Numbers], Numbers]
"""`network(inputs) -> outputs`: inputs `[B, ...]` float32, as a `Preprocessing` makes them, and `[B, C]`."""


def in_batches(network: Network, size: int | None, most: int) -> Network:
    """The same network, asked in batches of a size that it can take.

    Args:
      network: of inputs `[b, ...]`.
      size: the only batch that it takes, filled up with copies of the last input; None for any.
      most: inputs of a batch, where any will do.
    """

    def asked(inputs: Numbers) -> Numbers:
        step = size or most
        parts = []
        for begin in range(0, len(inputs), step):
            part = inputs[begin : begin + step]
            count = len(part)
            lacking = (size or 0) - count
            if lacking > 0:
                part = np.concatenate([part, np.repeat(part[-1:], lacking, axis=0)])
            parts.append(network(part)[:count])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return asked


def stored(inputs: Numbers, kind: npt.DTypeLike) -> Numbers:
    """Inputs in the type that a network takes; whole numbers are rounded, and cut off at their ends."""
    if np.issubdtype(kind, np.integer):
        limits = np.iinfo(np.dtype(kind))
        inputs = np.clip(np.rint(inputs), limits.min, limits.max)
    return np.ascontiguousarray(inputs, kind)
