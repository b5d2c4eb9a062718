"""What a network computes of an image before its last layer: its features."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Apply, Params, Target
from fooljax.targets.networks.trainable import NetworkFunction
from fooljax.targets.preprocessing import PreprocessedNetwork

Look = Callable[[Params, jax.Array], tuple[jax.Array, jax.Array]]
"""`look(params, images) -> (features, logits)`: images `[B, H, W, K]` in [0, 1], features `[B, F]`."""
TILE = 256
"""Images of which features are worked out at a time."""


def look_of(target: Target) -> Look | None:
    """How to see the features of a network's last hidden layer beside its logits, in one pass.

    Args:
      target: the networks that come with fooljax have features, whether shipped, trained here or read from a
        file of weights.
    Returns:
      The function, equal for equal networks; None where the features cannot be had.
    """
    return target.apply.look if isinstance(target.apply, NetworkFunction | PreprocessedNetwork) else None


def features_of(target: Target) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]] | None:
    """The features of a network's last hidden layer; None where they cannot be had.

    Args:
      target: see `look_of`.
    Returns:
      A function of images `[B, H, W, K]` uint8 that gives vectors `[B, F]`.
    """
    return None if look_of(target) is None else functools.partial(_features, target.apply, target.params)


def _features(network: Apply, params: Params, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    program, parts = _program(network), []
    for start in range(0, len(images), TILE):
        part = images[start : start + TILE]
        filled = np.pad(part, ((0, TILE - len(part)), *((0, 0),) * 3))
        parts.append(np.asarray(program(params, filled))[: len(part)])
    return np.concatenate(parts)


@functools.lru_cache(maxsize=16)
def _program(network: Any) -> Callable[[Params, Any], jax.Array]:
    return jax.jit(lambda params, pixels: network.look(params, pixels.astype(jnp.float32) / 255.0)[0])
