"""The contract of a rule: which way an image moves, and how far."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

OBJECTIVES = ("confidence", "log_odds", "logit")
"""What may be climbed: p of the class, ln p / (1 - p), or its logit."""


class Look(NamedTuple):
    """What one forward and one backward pass say of one image.

    Attributes:
      gradient: `[H, W, K]`, of the class's log-odds or logit (see `Rule.climbs`) with respect to the image.
      log_odds: `[]`, of the class.
      iteration: `[]` int32, from 0.
      mean: `[H, W, K]`, the mean image; zeros where there is none.
    """

    gradient: jax.Array
    log_odds: jax.Array
    iteration: jax.Array
    mean: jax.Array


class Rule(NamedTuple):
    """How one image climbs; the engine vmaps over images, so that none knows of another.

    Attributes:
      name: a short name for files and tables.
      climbs: "log_odds" or "logit", whose gradient `step` is given. The gradient of the confidence p is that
        of the log-odds times p (1 - p).
      init: `init(image) -> state`, of a start image `[H, W, K]` in [0, 1].
      image: `image(state) -> image`, in [0, 1].
      step: `step(state, look) -> state`.
    """

    name: str
    climbs: str
    init: Callable[[jax.Array], Any]
    image: Callable[[Any], jax.Array]
    step: Callable[[Any, Look], Any]
