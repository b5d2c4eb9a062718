"""Layers with fast gradients: the numbers of XLA's own, and the same bits on any number of cores."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.targets.networks.kernels.pooled_convolution import _as_xla, conv_pool


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [((3, 28, 28, 1), (5, 5, 1, 4)), ((2, 11, 9, 3), (5, 5, 3, 2)), ((1, 9, 12, 2), (3, 4, 2, 5))],
)
def test_fast_gradients_equal_xlas(shape, kernel):
    keys = jax.random.split(jax.random.key(0), 4)
    arguments = (
        jax.random.normal(keys[0], shape),
        jax.random.normal(keys[1], kernel),
        jax.random.normal(keys[2], kernel[-1:]),
    )
    weights = jax.random.normal(keys[3], jax.eval_shape(_as_xla, *arguments).shape)
    np.testing.assert_array_equal(jax.jit(conv_pool)(*arguments), jax.jit(_as_xla)(*arguments))
    fast, plain = (
        jax.jit(jax.grad(lambda *a, f=f: jnp.sum(weights * f(*a)), argnums=(0, 1, 2)))(*arguments)
        for f in (conv_pool, _as_xla)
    )
    for one, other in zip(fast, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_first_of_equal_maxima_has_the_gradient():
    slope = jax.jit(jax.grad(lambda x: conv_pool(x, jnp.ones((1, 1, 1, 1)), jnp.zeros(1)).sum()))
    gradient = slope(jnp.ones((1, 2, 2, 1)))
    np.testing.assert_array_equal(gradient[0, ..., 0], [[1, 0], [0, 0]])


GRADIENTS = """
import jax, jax.numpy as jnp
from fooljax.storage.trees import digest_tree
from fooljax.targets.networks.kernels import convolve
from fooljax.targets.networks.kernels import conv_pool
from fooljax.targets.networks.kernels import add_bias, add_bias_to_maps, product

def loss(images, params):
    kernel, bias, other, dense = params
    maps = conv_pool(images, kernel, bias)
    maps = jnp.tanh(add_bias(convolve(maps, other, 1, 1), bias))
    maps = jnp.tanh(add_bias_to_maps(maps, bias))
    return jnp.tanh(product(maps.reshape(len(maps), -1), dense)).sum()

shapes = (64, 12, 12, 20), ((5, 5, 20, 50), (50,), (3, 3, 50, 50), (800, 500))
images, params = jax.tree.map(
    lambda shape: jnp.sin(jnp.arange(float(math.prod(shape))) ** 2).reshape(shape) / 8,
    shapes,
    is_leaf=lambda node: isinstance(node[0], int),
)
for gradient in jax.device_get(jax.jit(jax.grad(loss, 1))(images, params)):
    print(digest_tree(gradient))
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) == 1, reason="one core"
)
def test_gradients_have_the_same_bits_on_any_number_of_cores():
    """XLA splits long sums by the number of its threads; the layers are written so that it need not."""
    every = sorted(os.sched_getaffinity(0))
    # The programs as users compile them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", f"import math, os; os.sched_setaffinity(0, {cores}){GRADIENTS}"],
            env={**environment, "JAX_PLATFORMS": "cpu"} | threads,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        # XLA's CPU client has as many threads as NPROC says, where it is set.
        for cores, threads in ((every[:1], {}), (every, {"NPROC": "16"}))
    ]
    one, many = (run.communicate()[0].split() for run in runs)
    assert len(one) == 4
    assert one == many
