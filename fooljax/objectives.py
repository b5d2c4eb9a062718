"""What a search can maximise, ready to use.

An objective is a function of logits, `[B, C]` or a tuple of such arrays from `fooljax.joint_target`. Those
that ask for several things at once give the least of their log-odds, so that a level such as 99.99 % means
that each of the things holds with that confidence. `Objective(name, fitness)` makes one of your own.

A network that has a class for images to be rejected needs no objective of its own: log-odds already count
that class among the others. Leave it out of `cells`.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from fooljax.checks import is_whole
from fooljax.engine.log_odds import log_odds
from fooljax.engine.objective import LOG_ODDS, Logits, Objective
from fooljax.errors import InputError

__all__ = ["FOOL_ALL", "FOOL_FIRST_ONLY", "FOOL_ON_AVERAGE", "LOG_ODDS", "Objective", "fool_and_pass"]


def _each(logits: Logits) -> list[jax.Array]:
    """Log-odds `[B, C]` of each network, which must have the same classes."""
    if not isinstance(logits, tuple) or len(logits) < 2:
        raise InputError(
            "objective: expected the logits of several networks, as fooljax.joint_target gives them"
        )
    counts = [part.shape[-1] for part in logits]
    if len(set(counts)) > 1:
        raise InputError(f"objective: expected networks with the same classes, got {counts} classes")
    return [log_odds(part) for part in logits]


def _fool_all(logits: Logits) -> jax.Array:
    return functools.reduce(jnp.minimum, _each(logits))


def _fool_on_average(logits: Logits) -> jax.Array:
    odds = _each(logits)
    return functools.reduce(jnp.add, odds) / len(odds)


def _fool_first_only(logits: Logits) -> jax.Array:
    first, *others = _each(logits)
    return functools.reduce(jnp.minimum, [-odds for odds in others], first)


FOOL_ALL = Objective("fool_all", _fool_all, is_log_odds=True)
"""Every network names the image as the same class: the least of their log-odds."""
FOOL_ON_AVERAGE = Objective("fool_on_average", _fool_on_average, is_log_odds=True)
"""The networks name the image as the same class on average: the mean of their log-odds. One network that is
very sure makes up for another that is not."""
FOOL_FIRST_ONLY = Objective("fool_first_only", _fool_first_only, is_log_odds=True)
"""The first network names the image as a class, and none of the others names it as that class."""


@functools.cache
def fool_and_pass(accepted: int) -> Objective:
    """Fools the first network of two with images that the second, a detector, lets pass.

    Fitness is the lesser of two log-odds: that of the first network's class, and that of the detector's class
    for images that are as they should be. A detector with one logit becomes one with two by a 0 beside it.

    Args:
      accepted: index of the detector's class for images that are as they should be.
    Raises:
      InputError: `accepted` is no index of a class.
    """
    accepted = _index("accepted", accepted)

    def fitness(logits: Logits) -> jax.Array:
        if not isinstance(logits, tuple) or len(logits) != 2:
            raise InputError("objective: expected the logits of a network and of a detector")
        odds, verdict = map(log_odds, logits)
        if accepted >= verdict.shape[-1]:
            raise InputError(f"accepted: expected a class below {verdict.shape[-1]}, got {accepted}")
        return jnp.minimum(odds, verdict[:, accepted : accepted + 1])

    return Objective(f"fool_and_pass_{accepted}", fitness, is_log_odds=True)


def _index(name: str, value: Any) -> int:
    if not is_whole(value) or value < 0:
        raise InputError(f"{name}: expected the index of a class, 0 or more, got {value}")
    return int(value)
