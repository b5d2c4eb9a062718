"""Functions on NumPy arrays that a compiled program calls on the host, with their derivatives."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def differentiable(
    forward: Callable[[Array], Array], backward: Callable[[Array, Array], Array], outputs: int
) -> Callable[[jax.Array], jax.Array]:
    """A JAX function of two NumPy ones. A program that holds it waits for the host wherever it is called.

    Args:
      forward: `forward(inputs) -> outputs`: `[B, ...]` and `[B, outputs]`, float32.
      backward: `backward(inputs, weights)`: the gradient, with respect to the inputs, of the sum of all
        outputs, each times its weight. Weights are `[B, outputs]`.
      outputs: how many numbers `forward` gives for each input.
    Returns:
      A function of JAX arrays `[B, ...]`, which gives `[B, outputs]` and has a derivative.
    """

    def called(function: Callable[..., Array], shape: tuple[int, ...], *arrays: jax.Array) -> jax.Array:
        kind = jax.ShapeDtypeStruct(shape, jnp.float32)

        def on_host(*given: Any) -> Array:
            return np.asarray(function(*(np.array(one) for one in given)), np.float32)

        found: jax.Array = jax.pure_callback(on_host, kind, *arrays, vmap_method="sequential")
        return found

    @jax.custom_vjp
    def function(inputs: jax.Array) -> jax.Array:
        return called(forward, (inputs.shape[0], outputs), inputs)

    def keep(inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
        return function(inputs), inputs

    def back(inputs: jax.Array, weights: jax.Array) -> tuple[jax.Array]:
        return (called(backward, inputs.shape, inputs, weights),)

    function.defvjp(keep, back)
    return function
