"""Images as sums of slices that are shifted and scaled: what the convolutions here are made of."""

import functools
import operator
from collections.abc import Iterable, Iterator

import jax
import jax.numpy as jnp

NHWC = ("NHWC", "HWIO", "NHWC")
"""The order of axes in images, kernels and results, as XLA's own convolution wants it said."""


def sum_of(terms: Iterable[jax.Array]) -> jax.Array:
    """The sum of arrays, added in their order."""
    return functools.reduce(operator.add, terms)


def padded_same(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Images with zeros around them, as TensorFlow's SAME padding has it."""
    edges = [_padding(size, kernel.shape[axis], stride) for axis, size in enumerate(images.shape[1:3])]
    return jnp.pad(images, ((0, 0), *edges, (0, 0)))


def spread(slope: jax.Array, images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """A gradient, its pixels `stride` apart, within edges that the flipped kernel runs over."""
    places: list[tuple[int, int, int]] = []
    for axis, size in enumerate(images.shape[1:3]):
        width = kernel.shape[axis]
        before = width - 1 - _padding(size, width, stride)[0]
        after = size + width - 1 - before - ((slope.shape[1 + axis] - 1) * stride + 1)
        places.append((before, after, stride - 1))
    return jax.lax.pad(slope, jnp.zeros((), slope.dtype), ((0, 0, 0), *places, (0, 0, 0)))


def shifted(
    padded: jax.Array, kernel: jax.Array | jax.ShapeDtypeStruct, stride: int
) -> Iterator[tuple[int, int, jax.Array]]:
    """For each place in the kernel, the pixels that it meets: `[B, h, w, K]`."""
    batch, height, width, channels = padded.shape
    rows, columns = kernel.shape[:2]
    for i in range(rows):
        for j in range(columns):
            down, right = (height - rows) // stride * stride, (width - columns) // stride * stride
            ends = (batch, i + down + 1, j + right + 1, channels)
            yield i, j, jax.lax.slice(padded, (0, i, j, 0), ends, (1, stride, stride, 1))


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """SAME padding before and after, the odd pixel after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
