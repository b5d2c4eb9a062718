"""A convolution that is fast on a CPU where it takes strides, and whose gradients are fast there.

For a wide kernel that takes long strides it is a matrix product of blocks of pixels. Other platforms get
XLA's own convolution.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fooljax.engine.placement import by_platform
from fooljax.targets.networks.kernels.products import product
from fooljax.targets.networks.kernels.shifts import NHWC, shifted, sum_of


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve(images: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    """Convolution; on a CPU, with a stride, as a product of blocks of pixels.

    The gradients there are those of one matrix product with patches: XLA's own, of the kernel above all, take
    many times as long. Reverse-mode differentiation only.

    Args:
      images: `[B, H, W, K]`.
      kernel: `[kernel height, kernel width, K, O]`.
      stride: in both directions.
      padding: zeros on each side.
    Returns:
      `[B, h, w, O]`, `h = (H + 2 * padding - kernel height) // stride + 1`.
    """
    in_xla = functools.partial(_convolve_in_xla, stride=stride, padding=padding)
    if stride == 1:
        return in_xla(images, kernel)
    in_blocks = functools.partial(_convolve_in_blocks, stride=stride, padding=padding)
    result: jax.Array = by_platform(in_blocks, in_xla, images, kernel)
    return result


def _convolve_in_blocks(images: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    """The same: a block of `stride` x `stride` pixels becomes one of many channels, and the stride 1."""
    rows, columns, channels, features = kernel.shape
    height, width = (
        (images.shape[1 + axis] + 2 * padding - kernel.shape[axis]) // stride + 1 for axis in (0, 1)
    )
    down, across = -(-rows // stride), -(-columns // stride)
    blocks = (height + down - 1, width + across - 1)
    weights = jnp.pad(kernel, ((0, down * stride - rows), (0, across * stride - columns), (0, 0), (0, 0)))
    weights = weights.reshape(down, stride, across, stride, channels, features).transpose(2, 1, 3, 4, 0, 5)
    weights = weights.reshape(-1, down * features)
    # Pixels after the last block meet no kernel; those added to it, only the zeros that fill the kernel up.
    edges = [(padding, blocks[axis] * stride - images.shape[1 + axis] - padding, 0) for axis in (0, 1)]

    def one(image: jax.Array) -> jax.Array:
        image = jax.lax.pad(image, jnp.zeros((), image.dtype), [*edges, (0, 0, 0)])
        image = image.reshape(blocks[0], stride, blocks[1], stride, channels).transpose(0, 2, 1, 3, 4)
        image = image.reshape(*blocks, -1)
        beside = jnp.concatenate([image[:, j : j + width] for j in range(across)], axis=-1)
        products = jnp.einsum("hwk,ko->hwo", beside, weights).reshape(-1, width, down, features)
        return sum_of(products[i : i + height, :, i] for i in range(down))

    # One image at a time, so that the products stay in the cache.
    result: jax.Array = jax.lax.map(one, images)
    return result


def _convolve_in_xla(images: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    edges = [(padding, padding)] * 2
    return jax.lax.conv_general_dilated(images, kernel, (stride, stride), edges, dimension_numbers=NHWC)


def _as_product(images: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    edges = [(padding, padding)] * 2
    padded = jnp.pad(images, ((0, 0), *edges, (0, 0)))
    patches = jnp.concatenate([part for _, _, part in shifted(padded, kernel, stride)], axis=-1)
    maps = product(patches.reshape(-1, patches.shape[-1]), kernel.reshape(-1, kernel.shape[-1]))
    return maps.reshape(*patches.shape[:3], -1)


def _convolve_forward(
    images: jax.Array, kernel: jax.Array, stride: int, padding: int
) -> tuple[jax.Array, Any]:
    return convolve(images, kernel, stride, padding), (images, kernel)


def _convolve_backward(stride: int, padding: int, kept: Any, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    def slopes(form: Callable[..., jax.Array], kept: Any, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
        _, back = jax.vjp(lambda images, kernel: form(images, kernel, stride, padding), *kept)
        to_images, to_kernel = back(slope)
        return to_images, to_kernel

    as_product, in_xla = (functools.partial(slopes, form) for form in (_as_product, _convolve_in_xla))
    both: tuple[jax.Array, jax.Array] = by_platform(as_product, in_xla, kept, slope)
    return both


convolve.defvjp(_convolve_forward, _convolve_backward)
