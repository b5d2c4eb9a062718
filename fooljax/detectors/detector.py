"""What a detector is: something that says how suspicious an image is, from what a network makes of it.

A higher score is more suspicious, for every detector. A score is a pure JAX function, so that it can stand
inside a compiled search: then evolution knows the detector. A detector is fitted on clean images alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params


class Seen(NamedTuple):
    """What a detector sees of a batch of images.

    Attributes:
      images: `[B, H, W, K]` in [0, 1].
      features: `[B, F]`, what the network's last layer is given; `[B, 0]` for a network that does not tell.
      logits: `[B, C]`, float32.
      ask: `ask(images) -> logits`, for a detector that changes the images and asks the network again.
    """

    images: jax.Array
    features: jax.Array
    logits: jax.Array
    ask: Callable[[jax.Array], jax.Array]


class Clean(NamedTuple):
    """What a network makes of the clean images that a detector is fitted on.

    Attributes:
      images: `[N, H, W, K]` uint8.
      features: `[N, F]` float64; `[N, 0]` for a network that does not tell.
      logits: `[N, C]` float64.
      labels: `[N]`, the images' classes.
    """

    images: npt.NDArray[np.uint8]
    features: npt.NDArray[np.float64]
    logits: npt.NDArray[np.float64]
    labels: npt.NDArray[np.integer]


def nothing_to_fit(clean: Clean) -> Params:
    """For a detector without parameters."""
    del clean
    return {}


class Detector(NamedTuple):
    """A detector, before it is fitted. Hashable: searches with equal detectors share compiled programs.

    Attributes:
      name: a short name for files and tables.
      title: what people read in a table.
      score: `score(params, seen) -> [B]` float32: how suspicious each image is; higher is more so.
      fit: `fit(clean) -> params`, a pytree of float32 arrays. It may raise InputError.
      needs_features: whether it works with networks that tell their features alone.
    """

    name: str
    title: str
    score: Callable[[Params, Seen], jax.Array]
    fit: Callable[[Clean], Params] = nothing_to_fit
    needs_features: bool = False
