"""LeNet: the sizes of Caffe's, and the numbers of plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.targets import LeNet


def test_lenet_has_caffes_sizes():
    params = LeNet().init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))["params"]
    sizes = sorted(int(leaf.size) for leaf in jax.tree.leaves(params))
    assert sizes == sorted([500, 20, 25_000, 50, 400_000, 500, 5_000, 10])
    for leaf, fan_in in ((params["ConvPool_1"]["kernel"], 500), (params["Dense_0"]["kernel"], 800)):
        limit = np.sqrt(3 / fan_in)
        assert float(jnp.max(jnp.abs(leaf))) <= limit
        assert float(jnp.std(leaf)) == pytest.approx(limit / np.sqrt(3), rel=0.02)


def test_lenet_equals_plain_numpy():
    """No non-linearity after the convolutions: against loops in float64."""
    network = LeNet(3)
    images = np.asarray(jax.random.uniform(jax.random.key(1), (2, 16, 18, 1)), np.float64)
    variables = network.init(jax.random.key(0), jnp.asarray(images, jnp.float32))
    p = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), variables["params"])
    x = images * 255 / 256
    for layer in ("ConvPool_0", "ConvPool_1"):
        kernel, bias = p[layer]["kernel"], p[layer]["bias"]
        height, width = x.shape[1] - 4, x.shape[2] - 4
        maps = np.zeros((2, height, width, kernel.shape[-1]))
        for i in range(5):
            for j in range(5):
                maps += x[:, i : i + height, j : j + width] @ kernel[i, j]
        maps += bias
        x = (
            maps[:, : height // 2 * 2, : width // 2 * 2]
            .reshape(2, height // 2, 2, width // 2, 2, -1)
            .max((2, 4))
        )
    x = np.maximum(x.reshape(2, -1) @ p["Dense_0"]["kernel"] + p["Dense_0"]["bias"], 0)
    x = x @ p["Dense_1"]["kernel"] + p["Dense_1"]["bias"]
    np.testing.assert_allclose(network.apply(variables, jnp.asarray(images, jnp.float32)), x, atol=1e-4)
