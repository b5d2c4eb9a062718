"""What a search maximises: a function of the network's logits, which is a value that the search is given."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from fooljax.engine.log_odds import log_odds
from fooljax.errors import InputError, shown

Logits = Any
"""What a target gives: `[B, C]`, or a pytree of such arrays where it asks several networks."""


class Objective(NamedTuple):
    """What is maximised. Hashable: searches with equal objectives share their compiled programs.

    Attributes:
      name: a short name for files and tables; no two objectives should share one.
      fitness: `fitness(logits) -> [B, N]` float32, one column for each cell that an archive can have. Higher
        is better. NaN never enters an archive. Strategies that use gradients differentiate it. On pages
        column c has the name of class c of the target.
      is_log_odds: whether the values are log-odds, or the least of several. Then a level such as 99.99 %
        confidence has a meaning, and a search counts the cells that reached it.
    """

    name: str
    fitness: Callable[[Logits], jax.Array]
    is_log_odds: bool = False


LOG_ODDS = Objective("log_odds", log_odds, is_log_odds=True)
"""The default: each class has a cell, and fitness is the log-odds of that class against all others."""


def check_objective(objective: Any) -> None:
    """Makes sure that an argument is an objective.

    Raises:
      InputError: it is something else.
    """
    if not isinstance(objective, Objective):
        found = "a function" if callable(objective) else shown(repr(objective))
        raise InputError(
            "objective: expected a fooljax.Objective, as fooljax.Objective(name, function), got " + found
        )
