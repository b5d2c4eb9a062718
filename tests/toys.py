"""A small network and search that the tests share."""

import jax
import jax.numpy as jnp

from fooljax.base import Target
from fooljax.encodings import direct
from fooljax.strategies import map_elites

ENCODING = direct((6, 6, 1))
STRATEGY = map_elites(ENCODING, batch_size=16)


def logits(params, images):
    """A two-layer network with four classes, for images `[B, 6, 6, 1]`."""
    hidden = jnp.tanh(images.reshape(images.shape[0], -1) @ params["in"])
    return hidden @ params["out"]


def target(seed=0):
    first, second = jax.random.split(jax.random.key(seed))
    return Target(
        {"in": jax.random.normal(first, (36, 16)), "out": jax.random.normal(second, (16, 4))}, logits
    )
