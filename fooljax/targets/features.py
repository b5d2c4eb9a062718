"""What a network computes of an image before its last layer: its features."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params, Target
from fooljax.targets.networks.trainable import NetworkFunction

TILE = 256
"""Images of which features are worked out at a time."""


def features_of(target: Target) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]] | None:
    """The features of a network's last hidden layer; None where they cannot be had.

    Args:
      target: LeNet, a small AlexNet or an MLP, shipped or trained here, has them.
    Returns:
      A function of images `[B, H, W, K]` uint8 that gives vectors `[B, F]`.
    """
    if not isinstance(target.apply, NetworkFunction):
        return None
    return functools.partial(_features, target.apply, target.params)


def _features(
    network: NetworkFunction, params: Params, images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    program, parts = _program(network), []
    for start in range(0, len(images), TILE):
        part = images[start : start + TILE]
        filled = np.pad(part, ((0, TILE - len(part)), *((0, 0),) * 3))
        parts.append(np.asarray(program(params, filled))[: len(part)])
    return np.concatenate(parts)


@functools.lru_cache(maxsize=16)
def _program(network: NetworkFunction) -> Callable[[Params, Any], jax.Array]:
    return jax.jit(lambda params, pixels: network.features(params, pixels.astype(jnp.float32) / 255.0))
