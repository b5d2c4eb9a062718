"""The methods of gradient ascent that have a name: a rule, how long it runs, and what it does in words."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import optax

from fooljax.errors import InputError, shown
from fooljax.gradient._optimiser import LEARNING_RATE, optimiser
from fooljax.gradient._progress import progress
from fooljax.gradient.presets import PRESETS
from fooljax.gradient.rule import Rule

ITERATIONS = 100
"""Of the methods that use Adam, and of a user's own rule."""
TOTAL_VARIATION = 0.2
"""Weight of the penalty of `adam_smooth`, in nats."""
EXPLANATIONS = {
    "unregularised": "The authors' rule: each step is as long as the gain in confidence that the gradient "
    "promises.",
    "seed_169": "The authors' rule with decay: each step takes 1 % of the image away.",
    "seed_188": "The authors' rule with a blur after every second step, and a little decay.",
    "seed_360": "The authors' rule with a blur and a little decay. After each step, the fifth of the pixels "
    "that is nearest to black (or to the mean image) becomes exactly that, and then the fifth that matters "
    "least for the class.",
    "adam": "Adam on the log-odds of the class, without a penalty. Pixels are clipped to the range that a "
    "file can hold.",
    "adam_smooth": "Adam on the log-odds of the class minus a penalty on differences between neighbouring "
    "pixels.",
}
"""What each method does, for people; the names of all methods, in the order of display."""


class Method(NamedTuple):
    """One way of gradient ascent.

    Attributes:
      name: a short name for files and tables.
      rule: how an image changes in one step.
      iterations: how many there are.
      settings: of the rule, by name, ready for JSON.
      explanation: a sentence or two for people.
    """

    name: str
    rule: Rule
    iterations: int
    settings: Mapping[str, Any]
    explanation: str


def named_methods(
    *,
    published_iterations: int | None = None,
    iterations: int = ITERATIONS,
    learning_rate: float = LEARNING_RATE,
    total_variation: float = TOTAL_VARIATION,
) -> dict[str, Method]:
    """Builds every method that has a name.

    Args:
      published_iterations: of the authors' methods; None for the numbers that they published.
      iterations: of the methods that use Adam.
      learning_rate: of Adam, for pixels from 0 to 1.
      total_variation: weight of the penalty of `adam_smooth`.
    Returns:
      By name, in the order of display.
    """
    published = [
        Method(
            name,
            progress(preset.settings),
            published_iterations or preset.iterations,
            dataclasses.asdict(preset.settings),
            EXPLANATIONS[name],
        )
        for name, preset in PRESETS.items()
    ]
    adam = _adam(learning_rate)
    ours = [
        Method(
            name,
            optimiser(adam, total_variation=weight),
            iterations,
            {"optimiser": "adam", "learning_rate": learning_rate, "total_variation": weight},
            EXPLANATIONS[name],
        )
        for name, weight in (("adam", 0.0), ("adam_smooth", total_variation))
    ]
    return {method.name: method for method in published + ours}


@functools.lru_cache(maxsize=64)
def _adam(learning_rate: float) -> optax.GradientTransformation:
    """Adam itself: built anew it would be no equal one, and its rule would be compiled again."""
    return optax.adam(learning_rate)


def choose_methods(text: str, known: Mapping[str, Method]) -> tuple[Method, ...]:
    """The methods that a text names.

    Args:
      text: "all", or names with commas between them.
      known: see `named_methods`.
    Raises:
      InputError: a name is unknown, or stands there twice.
    """
    names = list(known) if text == "all" else text.split(",")
    for name in names:
        if name not in known or names.count(name) > 1:
            raise InputError(f"methods: expected all, or each once of {', '.join(known)}, got {shown(name)}")
    return tuple(known[name] for name in names)
