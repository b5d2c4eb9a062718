"""The forward of LeNet as anyone would write it in plain JAX, for workers that do not have fooljax.

XLA compiles it to the program that it makes of fooljax's own; the driver checks that the logits agree.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

Weights = dict[str, jax.Array]


def load(path: str | Path) -> Weights:
    """Weights by name, `layer/kernel` and `layer/bias`."""
    with np.load(path) as file:
        return {name: jnp.asarray(file[name]) for name in file.files}


def logits(weights: Weights, pixels: jax.Array) -> jax.Array:
    """Logits `[B, 10]` of images `[B, 784]` in [0, 1]."""
    x = pixels.reshape(-1, 28, 28, 1) * (255.0 / 256.0)
    for layer in ("ConvPool_0", "ConvPool_1"):
        x = jax.lax.conv_general_dilated(
            x, weights[f"{layer}/kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = x + weights[f"{layer}/bias"]
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.reshape(x.shape[0], -1)
    x = jax.nn.relu(x @ weights["Dense_0/kernel"] + weights["Dense_0/bias"])
    return x @ weights["Dense_1/kernel"] + weights["Dense_1/bias"]
