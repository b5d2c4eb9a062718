"""A slow, plain CPPN renderer in NumPy, at any precision: what the fast one is checked against."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.encodings.cppn.genome import CPPN, Layout

Plane = npt.NDArray[np.floating[Any]]

FUNCTIONS: dict[str, Callable[[Plane], Plane]] = {
    "sine": np.sin,
    "sigmoid": lambda p: 2 / (1 + np.exp(-p)) - 1,
    "gaussian": lambda p: np.exp(-(p**2)),
    "linear": lambda p: np.clip(p, -3, 3) / p.dtype.type(3),
    "tanh5": lambda p: np.tanh(5 * p),
    "abs": lambda p: np.minimum(np.abs(p), 3) / p.dtype.type(3),
    "cos": np.cos,
    "tanh": np.tanh,
    "relu": lambda p: np.clip(p, 0, 3) / p.dtype.type(3),
    "step": lambda p: (p > 0).astype(p.dtype),
    "square": lambda p: np.minimum(p**2, 9) / p.dtype.type(9),
}


def outputs(
    genome: CPPN, layout: Layout, names: Sequence[str], coordinates: Any, dtype: type[Any] = np.float64
) -> Plane:
    """`[K, H, W]` of one genome: recursively from the outputs, summing connection by connection."""
    functions, used = np.asarray(genome.functions), int(genome.num_connections)
    sources, targets, weights = (
        np.asarray(leaf)[:used] for leaf in (genome.sources, genome.targets, genome.weights)
    )
    planes = np.asarray(coordinates).astype(dtype)
    values: dict[int, Plane] = dict(enumerate(planes))

    def value(row: int) -> Plane:
        if row not in values:
            total = np.zeros(planes.shape[1:], dtype)
            for index in np.flatnonzero(targets == row):
                total = total + value(int(sources[index])) * dtype(weights[index])
            values[row] = FUNCTIONS[names[functions[row]]](total)
            assert values[row].dtype == dtype
        return values[row]

    with np.errstate(over="ignore", under="ignore"):
        return np.stack([value(layout.first_output + k) for k in range(layout.num_outputs)])


def fold(output: Plane) -> Plane:
    """The authors' byte, 0 to 255: truncated, then the absolute value."""
    return np.minimum(np.abs(np.trunc(255 * output)), 255)
