"""What a network computes of an image before its last layer: its features."""

import functools
from collections.abc import Callable

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.objective import Objective
from fooljax.engine.types import Params, Target
from fooljax.scoring import score
from fooljax.targets.crops import CroppedNetwork
from fooljax.targets.networks.trainable import NetworkFunction

Look = Callable[[Params, jax.Array], tuple[jax.Array, jax.Array]]
"""`look(params, images) -> (features, logits)`: images `[B, H, W, K]` in [0, 1], features `[B, F]`."""
FEATURES = Objective("features", lambda both: both[0])
"""The features out of what a `Look` gives."""
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
    return target.apply.look if isinstance(target.apply, NetworkFunction | CroppedNetwork) else None


def features_of(target: Target) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]] | None:
    """The features of a network's last hidden layer; None where they cannot be had.

    Args:
      target: see `look_of`.
    Returns:
      A function of images `[B, H, W, K]` uint8 that gives vectors `[B, F]`.
    """
    look = look_of(target)
    if look is None:
        return None
    seen = Target(target.params, look)
    return functools.partial(score, seen, objective=FEATURES, tile=TILE, full_precision=False)
