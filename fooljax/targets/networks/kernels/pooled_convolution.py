"""Convolution and max-pooling as one layer, whose gradient is fast on CPU.

XLA's CPU backend is near its limit on the forward of LeNet's layers, and far from it on their gradients
(select-and-scatter, weight gradients of convolutions): a naive training step takes two to four times as long.
So the forward is XLA's convolution and pooling, and under differentiation the layer is computed in an
equivalent form: images batch-minor, 2x2 blocks of pixels folded into channels, and the four convolution
outputs that one pooling cell compares made by one matrix product with patches at stride 2.
"""

from typing import Any

import jax
import jax.numpy as jnp

from fooljax.engine.placement import by_platform
from fooljax.targets.networks.kernels.products import add_bias, product


def conv_pool(images: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    """Convolution (stride 1, no padding), bias, and max-pooling 2x2 at stride 2.

    Reverse-mode differentiation only. Of equal maxima, the first in row-major order has the gradient.

    Args:
      images: `[B, H, W, K]`.
      kernel: `[kernel height, kernel width, K, O]`.
      bias: `[O]`.
    Returns:
      `[B, h, w, O]`, `h = (H - kernel height + 1) // 2` (an odd last row or column is dropped).
    """
    return _conv_pool(images, kernel, bias)


def _as_xla(images: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    dimensions = ("NHWC", "HWIO", "NHWC")
    maps = jax.lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=dimensions)
    maps = maps + bias[None, None, None]
    return jax.lax.reduce_window(maps, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _as_one_product(images: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    """The same numbers as `_as_xla`; see the module's docstring."""
    (kernel_height, kernel_width, channels, features), (batch, height, width, _) = kernel.shape, images.shape
    # A pooling cell needs (kernel + 1)^2 pixels, so that many, rounded up, in blocks of 2x2.
    rows, columns = kernel_height // 2 + 1, kernel_width // 2 + 1
    out_height, out_width = (height - kernel_height + 1) // 2, (width - kernel_width + 1) // 2
    block_rows, block_columns = out_height + rows - 1, out_width + columns - 1
    x = images.transpose(3, 1, 2, 0)
    edges = ((0, 0, 0), (0, 2 * block_rows - height, 0), (0, 2 * block_columns - width, 0), (0, 0, 0))
    x = jax.lax.pad(x, jnp.zeros((), x.dtype), edges)
    x = x.reshape(channels, block_rows, 2, block_columns, 2, batch).transpose(2, 4, 0, 1, 3, 5)
    x = x.reshape(4 * channels, block_rows, block_columns, batch)
    x = jnp.stack([x[:, :, j : j + out_width] for j in range(columns)])
    x = jnp.stack([x[:, :, i : i + out_height] for i in range(rows)])  # [rows, columns, 4K, h, w, B]

    def moved(down: int, right: int) -> jax.Array:
        below, beside = 2 * rows - kernel_height - down, 2 * columns - kernel_width - right
        return jnp.pad(kernel, ((down, below), (right, beside), (0, 0), (0, 0)))

    weights = jnp.concatenate([moved(down, right) for down in (0, 1) for right in (0, 1)], axis=-1)
    weights = weights.reshape(rows, 2, columns, 2, channels, 4 * features).transpose(0, 2, 1, 3, 4, 5)
    weights = weights.reshape(-1, 4 * features)
    maps = product(weights.T, x.reshape(weights.shape[0], -1))
    maps = _max_of_four(maps.reshape(4, features, out_height, out_width, batch))
    return add_bias(maps.transpose(3, 1, 2, 0), bias)


@jax.custom_vjp
def _max_of_four(maps: jax.Array) -> jax.Array:
    return jnp.maximum(jnp.maximum(maps[0], maps[1]), jnp.maximum(maps[2], maps[3]))


def _max_forward(maps: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    highest = _max_of_four(maps)
    return highest, (maps, highest)


def _max_backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array]:
    maps, highest = kept
    first = maps[0] == highest
    second = (maps[1] == highest) & ~first
    third = (maps[2] == highest) & ~(first | second)
    masks = (first, second, third, ~(first | second | third))
    return (jnp.stack([jnp.where(mask, gradient, 0.0) for mask in masks]),)


_max_of_four.defvjp(_max_forward, _max_backward)


@jax.custom_vjp
def _conv_pool(images: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    return _as_xla(images, kernel, bias)


def _forward(images: jax.Array, kernel: jax.Array, bias: jax.Array) -> tuple[jax.Array, Any]:
    """On a CPU the form with a fast gradient, and all that its backward pass wants to know."""
    kept: Any = None

    def on_cpu(*given: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
        nonlocal kept
        result, back = jax.vjp(_as_one_product, *given)
        values, kept = jax.tree.flatten(back)
        return result, values

    def elsewhere(*given: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
        # Both must give the same shapes; nobody reads these values, so that no program computes them.
        _, values = jax.eval_shape(on_cpu, *given)
        return _as_xla(*given), [jnp.zeros(value.shape, value.dtype) for value in values]

    result, values = by_platform(on_cpu, elsewhere, images, kernel, bias)
    return result, (jax.tree.unflatten(kept, values), (images, kernel, bias))


def _backward(kept: Any, gradient: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    def on_cpu(kept: Any, gradient: jax.Array) -> Any:
        return kept[0](gradient)

    def elsewhere(kept: Any, gradient: jax.Array) -> Any:
        return jax.vjp(_as_xla, *kept[1])[1](gradient)

    gradients: tuple[jax.Array, jax.Array, jax.Array] = by_platform(on_cpu, elsewhere, kept, gradient)
    return gradients


_conv_pool.defvjp(_forward, _backward)
