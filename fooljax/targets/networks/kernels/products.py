"""Products and sums whose bits, under differentiation, do not depend on the number of cores.

So training can be repeated on another machine of the same kind, and so can gradient ascent: there the images
are arguments of the program. (XLA folds those that are constants into products of another form.)

XLA's CPU backend adds up a long sum in parts, and for two forms their number follows the number of threads:
a matrix product with a transposed left factor, and a sum over leading axes. Laid out in memory first, the
same values are added in one order everywhere.
"""

import jax


@jax.custom_vjp
def product(left: jax.Array, right: jax.Array) -> jax.Array:
    """`left @ right`, `[M, K]` and `[K, N]`; reverse-mode differentiation only."""
    return left @ right


def _product_forward(left: jax.Array, right: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _laid_out(left) @ right, (left, right)


def _product_backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    left, right = kept
    return _laid_out(gradient) @ right.T, _laid_out(left.T) @ gradient


product.defvjp(_product_forward, _product_backward)


@jax.custom_vjp
def add_bias(values: jax.Array, bias: jax.Array) -> jax.Array:
    """`values + bias`, `[..., O]` and `[O]`; reverse-mode differentiation only."""
    return values + bias.reshape((1,) * (values.ndim - 1) + (-1,))


def _bias_forward(values: jax.Array, bias: jax.Array) -> tuple[jax.Array, None]:
    return add_bias(values, bias), None


def _bias_backward(_: None, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gradient, _laid_out(gradient.reshape(-1, gradient.shape[-1]).T).sum(-1)


add_bias.defvjp(_bias_forward, _bias_backward)


@jax.custom_vjp
def add_bias_to_maps(values: jax.Array, bias: jax.Array) -> jax.Array:
    """`add_bias` for large maps `[B, H, W, O]`; reverse-mode differentiation only.

    The gradient is summed image by image first, since laying out all maps anew takes longer than a whole
    network's products. It has other last bits than that of `add_bias`, by which the shipped weights were
    made.
    """
    return values + bias[None, None, None]


def _maps_backward(_: None, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    of_each = gradient.reshape(gradient.shape[0], -1, gradient.shape[-1]).sum(1)
    return gradient, _laid_out(of_each.T).sum(-1)


add_bias_to_maps.defvjp(lambda values, bias: (add_bias_to_maps(values, bias), None), _maps_backward)


def _laid_out(array: jax.Array) -> jax.Array:
    # Without the barrier, XLA reads a transposed array in place.
    return jax.lax.optimization_barrier(array)
