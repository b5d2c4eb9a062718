"""The contract of a rule: how one image changes after each look at the network's gradient."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax


class Observation(NamedTuple):
    """What one forward and one backward pass through the network tell about one image.

    Attributes:
      gradient: `[H, W, K]`, of the class's log-odds or logit (see `Rule.maximise`) with respect to the image.
      log_odds: `[]`, of the class.
      iteration: `[]` int32, from 0.
      mean: `[H, W, K]`, the mean image; zeros where there is none.
    """

    gradient: jax.Array
    log_odds: jax.Array
    iteration: jax.Array
    mean: jax.Array


class Rule(NamedTuple):
    """How one image is changed step by step. The engine vmaps over images, so no image knows of another.

    Attributes:
      name: a short name for files and tables.
      maximise: "log_odds" or "logit", whose gradient `step` is given. The gradient of the confidence p is
        that of the log-odds times p (1 - p).
      init: `init(image) -> state`, of a start image `[H, W, K]` in [0, 1].
      image: `image(state) -> image`, in [0, 1].
      step: `step(state, observation) -> state`.
    """

    name: str
    maximise: str
    init: Callable[[jax.Array], Any]
    image: Callable[[Any], jax.Array]
    step: Callable[[Any, Observation], Any]
