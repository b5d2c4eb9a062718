"""The convolutions of EfficientNet, with TensorFlow's SAME padding; images `[B, H, W, K]`.

XLA's CPU backend has no good depthwise convolution: as a sum of shifted, scaled slices, which one loop
computes, it is some twenty times as fast. The same holds for a first layer of three channels. A 1x1
convolution is a matrix product. Other platforms get XLA's own convolution. Gradients of the depthwise one
have the same form on a CPU; those of the first layer are XLA's.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from fooljax.engine.placement import by_platform
from fooljax.targets.networks.kernels.shifts import NHWC, padded_same, shifted, spread, sum_of


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def depthwise(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Depthwise convolution with SAME padding; reverse-mode differentiation only.

    Args:
      images: `[B, H, W, K]`.
      kernel: `[kernel height, kernel width, K]`.
      stride: in both directions.
    Returns:
      `[B, ceil(H / stride), ceil(W / stride), K]`.
    """

    def as_slices(images: jax.Array, kernel: jax.Array) -> jax.Array:
        parts = shifted(padded_same(images, kernel, stride), kernel, stride)
        return sum_of(part * kernel[i, j][None, None, None] for i, j, part in parts)

    in_xla = functools.partial(_depthwise_in_xla, stride=stride)
    result: jax.Array = by_platform(as_slices, in_xla, images, kernel)
    return result


def _depthwise_in_xla(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return jax.lax.conv_general_dilated(
        images,
        kernel[:, :, None],
        (stride, stride),
        "SAME",
        dimension_numbers=NHWC,
        feature_group_count=images.shape[-1],
    )


def _depthwise_forward(images: jax.Array, kernel: jax.Array, stride: int) -> tuple[jax.Array, Any]:
    return depthwise(images, kernel, stride), (images, kernel)


def _depthwise_backward(stride: int, kept: Any, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    images, kernel = kept

    def as_slices(slope: jax.Array, images: jax.Array, kernel: jax.Array) -> jax.Array:
        flipped = kernel[::-1, ::-1]
        parts = shifted(spread(slope, images, kernel, stride), flipped, 1)
        return sum_of(part * flipped[i, j][None, None, None] for i, j, part in parts)

    def in_xla(slope: jax.Array, images: jax.Array, kernel: jax.Array) -> jax.Array:
        _, back = jax.vjp(lambda images: _depthwise_in_xla(images, kernel, stride), images)
        return back(slope)[0]

    def kernel_as_slices(slope: jax.Array, images: jax.Array, kernel: jax.Array) -> jax.Array:
        parts = shifted(padded_same(images, kernel, stride), kernel, stride)
        return jnp.stack([jnp.sum(part * slope, axis=(0, 1, 2)) for _, _, part in parts]).reshape(
            kernel.shape
        )

    def kernel_in_xla(slope: jax.Array, images: jax.Array, kernel: jax.Array) -> jax.Array:
        _, back = jax.vjp(lambda kernel: _depthwise_in_xla(images, kernel, stride), kernel)
        return back(slope)[0]

    to_images = by_platform(as_slices, in_xla, slope, images, kernel)
    return to_images, by_platform(kernel_as_slices, kernel_in_xla, slope, images, kernel)


depthwise.defvjp(_depthwise_forward, _depthwise_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve_few(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Convolution with SAME padding of images with few channels; reverse-mode differentiation only.

    Args:
      images: `[B, H, W, K]`, K about 3: a network's first layer.
      kernel: `[kernel height, kernel width, K, O]`.
      stride: in both directions.
    Returns:
      `[B, ceil(H / stride), ceil(W / stride), O]`.
    """

    def as_slices(images: jax.Array, kernel: jax.Array) -> jax.Array:
        return sum_of(
            part[..., channel : channel + 1] * kernel[i, j, channel][None, None, None]
            for i, j, part in shifted(padded_same(images, kernel, stride), kernel, stride)
            for channel in range(images.shape[-1])
        )

    in_xla = functools.partial(_few_in_xla, stride=stride)
    result: jax.Array = by_platform(as_slices, in_xla, images, kernel)
    return result


def _few_in_xla(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return jax.lax.conv_general_dilated(images, kernel, (stride, stride), "SAME", dimension_numbers=NHWC)


def _few_forward(images: jax.Array, kernel: jax.Array, stride: int) -> tuple[jax.Array, Any]:
    return convolve_few(images, kernel, stride), (images, kernel)


def _few_backward(stride: int, kept: Any, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    _, back = jax.vjp(functools.partial(_few_in_xla, stride=stride), *kept)
    to_images, to_kernel = back(slope)
    return to_images, to_kernel


convolve_few.defvjp(_few_forward, _few_backward)


def pointwise(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """1x1 convolution: images `[B, H, W, K]`, kernel `[K, O]`, result `[B, H, W, O]`."""
    return jnp.einsum("bhwk,ko->bhwo", images, kernel)
