"""A small network, search and encodings that the tests share."""

import json

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.encodings import direct
from fooljax.engine.types import Encoding, Target
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


def waves(image_shape):
    """An encoding whose genomes, a direction and a phase, are drawn at any size and written as JSON."""
    height, width, channels = image_shape

    def coordinates_at(rows, columns, band):
        y = (np.arange(rows) + 0.5) * (height / rows) - 0.5
        x = (np.arange(columns) + 0.5) * (width / columns) - 0.5
        return jnp.asarray(np.stack(np.broadcast_arrays(x[None, :], y[band, None])), jnp.float32)

    def render(genome, coordinates):
        slope = genome["slope"][:, None, None]
        grey = 0.5 + 0.5 * jnp.sin(jnp.sum(slope * coordinates, axis=0) + genome["phase"])
        return jnp.repeat(grey[..., None], channels, axis=-1)

    def vary(key, parents, generation):
        return jax.tree.map(lambda leaf: leaf[0] + 0.2 * jax.random.normal(key, leaf.shape[1:]), parents)

    return Encoding(
        name="waves",
        image_shape=image_shape,
        num_parents=1,
        init=lambda key: {"slope": jax.random.normal(key, (2,)), "phase": jax.random.normal(key)},
        vary=vary,
        render=render,
        coordinates=lambda: coordinates_at(height, width, slice(None)),
        measure=lambda genome: {
            "steep_parts": jnp.sum(jnp.abs(genome["slope"])),
            "share_rising": (genome["phase"] > 0).astype(jnp.float32),
        },
        coordinates_at=coordinates_at,
        to_json=lambda genome: json.dumps(jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), genome)),
    )
