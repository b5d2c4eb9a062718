"""Convolutions in the form that a platform is fast at; images `[B, H, W, K]`, TensorFlow's SAME padding.

XLA's CPU backend has no good depthwise convolution: as a sum of shifted, scaled slices, which one loop
computes, it is some twenty times as fast. The same holds for a first layer of three channels. A 1x1
convolution is a matrix product, and so is one of blocks of pixels, for a wide kernel that takes long
strides. Other platforms get XLA's own convolution. Gradients with respect to the images of the first two
have the same form; those with respect to the kernel, which only training needs, are XLA's.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from fooljax.engine.placement import by_platform
from fooljax.targets.networks.products import product

_NHWC = ("NHWC", "HWIO", "NHWC")


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
        parts = _shifted(_padded(images, kernel, stride), kernel, stride)
        return _sum(part * kernel[i, j][None, None, None] for i, j, part in parts)

    in_xla = functools.partial(_depthwise_in_xla, stride=stride)
    result: jax.Array = by_platform(as_slices, in_xla, images, kernel)
    return result


def _depthwise_in_xla(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return jax.lax.conv_general_dilated(
        images,
        kernel[:, :, None],
        (stride, stride),
        "SAME",
        dimension_numbers=_NHWC,
        feature_group_count=images.shape[-1],
    )


def _depthwise_forward(images: jax.Array, kernel: jax.Array, stride: int) -> tuple[jax.Array, Any]:
    return depthwise(images, kernel, stride), (images, kernel)


def _depthwise_backward(stride: int, kept: Any, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    images, kernel = kept

    def as_slices(slope: jax.Array, images: jax.Array, kernel: jax.Array) -> jax.Array:
        flipped = kernel[::-1, ::-1]
        parts = _shifted(_spread(slope, images, kernel, stride), flipped, 1)
        return _sum(part * flipped[i, j][None, None, None] for i, j, part in parts)

    def in_xla(slope: jax.Array, images: jax.Array, kernel: jax.Array) -> jax.Array:
        _, back = jax.vjp(lambda images: _depthwise_in_xla(images, kernel, stride), images)
        return back(slope)[0]

    _, back = jax.vjp(lambda kernel: _depthwise_in_xla(images, kernel, stride), kernel)
    to_images = by_platform(as_slices, in_xla, slope, images, kernel)
    return to_images, back(slope)[0]


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
        return _sum(
            part[..., channel : channel + 1] * kernel[i, j, channel][None, None, None]
            for i, j, part in _shifted(_padded(images, kernel, stride), kernel, stride)
            for channel in range(images.shape[-1])
        )

    in_xla = functools.partial(_few_in_xla, stride=stride)
    result: jax.Array = by_platform(as_slices, in_xla, images, kernel)
    return result


def _few_in_xla(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return jax.lax.conv_general_dilated(images, kernel, (stride, stride), "SAME", dimension_numbers=_NHWC)


def _few_forward(images: jax.Array, kernel: jax.Array, stride: int) -> tuple[jax.Array, Any]:
    return convolve_few(images, kernel, stride), (images, kernel)


def _few_backward(stride: int, kept: Any, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    _, back = jax.vjp(functools.partial(_few_in_xla, stride=stride), *kept)
    to_images, to_kernel = back(slope)
    return to_images, to_kernel


convolve_few.defvjp(_few_forward, _few_backward)


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
        return _sum(products[i : i + height, :, i] for i in range(down))

    # One image at a time, so that the products stay in the cache.
    result: jax.Array = jax.lax.map(one, images)
    return result


def _convolve_in_xla(images: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    edges = [(padding, padding)] * 2
    return jax.lax.conv_general_dilated(images, kernel, (stride, stride), edges, dimension_numbers=_NHWC)


def _as_product(images: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    edges = [(padding, padding)] * 2
    padded = jnp.pad(images, ((0, 0), *edges, (0, 0)))
    patches = jnp.concatenate([part for _, _, part in _shifted(padded, kernel, stride)], axis=-1)
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


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def max_pool(images: jax.Array, ceil: bool) -> jax.Array:
    """Max-pooling 3 x 3 at stride 2; with `ceil` the output's size is rounded up, as in Caffe.

    Of equal maxima all share the gradient on a CPU, where XLA's own form of it is slow.
    """
    return _pool_in_xla(images, ceil)


def _pool_in_xla(images: jax.Array, ceil: bool) -> jax.Array:
    window, padding = (1, 3, 3, 1), ((0, 0), *_pool_edges(images, ceil), (0, 0))
    return jax.lax.reduce_window(images, -jnp.inf, jax.lax.max, window, (1, 2, 2, 1), padding)


def _pool_edges(images: jax.Array, ceil: bool) -> list[tuple[int, int]]:
    return [(0, (size - 3) % 2 if ceil else 0) for size in images.shape[1:3]]


def _pool_forward(images: jax.Array, ceil: bool) -> tuple[jax.Array, jax.Array]:
    return max_pool(images, ceil), images


def _pool_backward(ceil: bool, images: jax.Array, slope: jax.Array) -> tuple[jax.Array]:
    def as_slices(images: jax.Array) -> jax.Array:
        padding = ((0, 0), *_pool_edges(images, ceil), (0, 0))
        padded = jnp.pad(images, padding, constant_values=-jnp.inf)
        places = jax.ShapeDtypeStruct((3, 3), images.dtype)
        return functools.reduce(jnp.maximum, (part for _, _, part in _shifted(padded, places, 2)))

    def gradient(form: Callable[[jax.Array], jax.Array], images: jax.Array, slope: jax.Array) -> jax.Array:
        return jax.vjp(form, images)[1](slope)[0]

    in_xla = functools.partial(_pool_in_xla, ceil=ceil)
    forms = (functools.partial(gradient, form) for form in (as_slices, in_xla))
    result: jax.Array = by_platform(*forms, images, slope)
    return (result,)


max_pool.defvjp(_pool_forward, _pool_backward)


def pointwise(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """1x1 convolution: images `[B, H, W, K]`, kernel `[K, O]`, result `[B, H, W, O]`."""
    return jnp.einsum("bhwk,ko->bhwo", images, kernel)


def _sum(terms: Iterable[jax.Array]) -> jax.Array:
    return functools.reduce(operator.add, terms)


def _padded(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    edges = [_padding(size, kernel.shape[axis], stride) for axis, size in enumerate(images.shape[1:3])]
    return jnp.pad(images, ((0, 0), *edges, (0, 0)))


def _spread(slope: jax.Array, images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """A gradient, its pixels `stride` apart, within edges that the flipped kernel runs over."""
    places: list[tuple[int, int, int]] = []
    for axis, size in enumerate(images.shape[1:3]):
        width = kernel.shape[axis]
        before = width - 1 - _padding(size, width, stride)[0]
        after = size + width - 1 - before - ((slope.shape[1 + axis] - 1) * stride + 1)
        places.append((before, after, stride - 1))
    return jax.lax.pad(slope, jnp.zeros((), slope.dtype), ((0, 0, 0), *places, (0, 0, 0)))


def _shifted(
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
