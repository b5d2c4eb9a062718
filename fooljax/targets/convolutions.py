"""Convolutions in the form that a platform is fast at; images `[B, H, W, K]`, TensorFlow's SAME padding.

XLA's CPU backend has no good depthwise convolution: as a sum of shifted, scaled slices, which one loop
computes, it is some twenty times as fast. The same holds for a first layer of three channels; and a 1x1
convolution is a matrix product. Other platforms get XLA's own convolution.
"""

import functools
import operator
from collections.abc import Iterable

import jax
import jax.numpy as jnp

_NHWC = ("NHWC", "HWIO", "NHWC")


def depthwise(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Depthwise convolution with SAME padding.

    Args:
      images: `[B, H, W, K]`.
      kernel: `[kernel height, kernel width, K]`.
      stride: in both directions.
    Returns:
      `[B, ceil(H / stride), ceil(W / stride), K]`.
    """

    def as_slices(images: jax.Array, kernel: jax.Array) -> jax.Array:
        return _sum(part * kernel[i, j] for i, j, part in _shifted(images, kernel, stride))

    def as_xla(images: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(
            images,
            kernel[:, :, None],
            (stride, stride),
            "SAME",
            dimension_numbers=_NHWC,
            feature_group_count=images.shape[-1],
        )

    result: jax.Array = jax.lax.platform_dependent(images, kernel, cpu=as_slices, default=as_xla)
    return result


def convolve_few(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Convolution with SAME padding of images with few channels, such as a network's first layer.

    Args:
      images: `[B, H, W, K]`, K about 3.
      kernel: `[kernel height, kernel width, K, O]`.
      stride: in both directions.
    Returns:
      `[B, ceil(H / stride), ceil(W / stride), O]`.
    """

    def as_slices(images: jax.Array, kernel: jax.Array) -> jax.Array:
        return _sum(
            part[..., channel : channel + 1] * kernel[i, j, channel]
            for i, j, part in _shifted(images, kernel, stride)
            for channel in range(images.shape[-1])
        )

    def as_xla(images: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(images, kernel, (stride, stride), "SAME", dimension_numbers=_NHWC)

    result: jax.Array = jax.lax.platform_dependent(images, kernel, cpu=as_slices, default=as_xla)
    return result


def pointwise(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """1x1 convolution: images `[B, H, W, K]`, kernel `[K, O]`, result `[B, H, W, O]`."""
    return jnp.einsum("bhwk,ko->bhwo", images, kernel)


def _sum(terms: Iterable[jax.Array]) -> jax.Array:
    return functools.reduce(operator.add, terms)


def _shifted(images: jax.Array, kernel: jax.Array, stride: int) -> list[tuple[int, int, jax.Array]]:
    """For each place in the kernel, the pixels that it meets: `[B, h, w, K]`."""
    (height, above, below), (width, left, right) = (
        _padding(size, kernel, stride)
        for size, kernel in zip(images.shape[1:3], kernel.shape[:2], strict=True)
    )
    padded = jnp.pad(images, ((0, 0), (above, below), (left, right), (0, 0)))
    batch, channels = images.shape[0], images.shape[3]
    parts = []
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            ends = (batch, i + (height - 1) * stride + 1, j + (width - 1) * stride + 1, channels)
            parts.append((i, j, jax.lax.slice(padded, (0, i, j, 0), ends, (1, stride, stride, 1))))
    return parts


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """Output size, and SAME padding before and after, the odd pixel after."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return out, total // 2, total - total // 2
