"""Max-pooling whose gradient is fast on a CPU."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from fooljax.engine.placement import by_platform
from fooljax.targets.networks.kernels.shifts import shifted


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
        return functools.reduce(jnp.maximum, (part for _, _, part in shifted(padded, places, 2)))

    def gradient(form: Callable[[jax.Array], jax.Array], images: jax.Array, slope: jax.Array) -> jax.Array:
        return jax.vjp(form, images)[1](slope)[0]

    in_xla = functools.partial(_pool_in_xla, ceil=ceil)
    forms = (functools.partial(gradient, form) for form in (as_slices, in_xla))
    result: jax.Array = by_platform(*forms, images, slope)
    return (result,)


max_pool.defvjp(_pool_forward, _pool_backward)
