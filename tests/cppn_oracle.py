"""A slow, plain CPPN renderer in NumPy, at any precision, and random genomes that look evolved."""

import numpy as np

from benchmarks.genomes import random_genomes

__all__ = ["FUNCTIONS", "fold", "outputs", "random_genomes"]

FUNCTIONS = {
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


def outputs(genome, layout, names, coordinates, dtype=np.float64):
    """`[K, H, W]` of one genome: node by node, recursively from the outputs, summing slot by slot."""
    genome = {
        field: np.asarray(getattr(genome, field)) for field in ("functions", "sources", "weights", "fan_in")
    }
    coordinates = np.asarray(coordinates).astype(dtype)
    values = dict(enumerate(coordinates))

    def value(row):
        if row not in values:
            total = np.zeros(coordinates.shape[1:], dtype)
            for slot in range(genome["fan_in"][row]):
                total = total + value(genome["sources"][row, slot]) * dtype(genome["weights"][row, slot])
            values[row] = FUNCTIONS[names[genome["functions"][row]]](total)
            assert values[row].dtype == dtype
        return values[row]

    with np.errstate(over="ignore", under="ignore"):
        return np.stack([value(layout.num_nodes - layout.num_outputs + k) for k in range(layout.num_outputs)])


def fold(output):
    """The authors' byte, 0 to 255: truncated, then the absolute value."""
    return np.minimum(np.abs(np.trunc(255 * output)), 255)
