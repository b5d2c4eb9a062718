"""A linear softmax network, whose gradient is known in closed form."""

import jax.numpy as jnp
import numpy as np

from fooljax import Target

SHAPE = (7, 6, 3)
SIZE = 7 * 6 * 3
CLASSES = 4


def linear(params, images):
    return images.reshape(images.shape[0], -1) @ params["weights"] + params["bias"][None]


def linear_target(seed=0, size=1.0, margin=0.0):
    """A linear softmax network; `margin` is added to class 0."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0.0, size, (SIZE, CLASSES))
    bias = -0.5 * weights.sum(axis=0) + margin * (np.arange(CLASSES) == 0)
    return Target(
        {"weights": jnp.asarray(weights, jnp.float32), "bias": jnp.asarray(bias, jnp.float32)}, linear
    )


def near_grey(seed, count):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.3, 0.7, (count, *SHAPE)).astype(np.float32)
