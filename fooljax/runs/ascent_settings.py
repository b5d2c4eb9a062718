"""Settings of a gradient ascent in a run folder."""

from dataclasses import dataclass
from typing import Protocol

from fooljax.gradient import LEARNING_RATE, START_MODES
from fooljax.gradient.methods import (
    EXPLANATIONS,
    ITERATIONS,
    TOTAL_VARIATION,
    Method,
    choose_methods,
    named_methods,
)
from fooljax.runs.judge_names import AUTO, JUDGES_HELP
from fooljax.settings import option


@dataclass(frozen=True)
class AscentSettings:
    """Settings of a gradient ascent; the defaults are the paper's where it has one."""

    starts: int = option(
        5,
        "Number of start images. Each is changed towards every class. The paper uses 5.",
        least=1,
        most=100,
    )
    start_mode: str = option(
        "mean_plus",
        "How start images are drawn. mean_plus: the mean image with a little noise. randu: uniform noise. "
        "zero: the mean image itself. The authors' code uses mean_plus.",
        choices=START_MODES,
    )
    methods: str = option(
        "all", "The methods to run: all, or names with commas between them: " + ", ".join(EXPLANATIONS) + "."
    )
    iterations: int | None = option(
        None,
        "Iterations of each of the authors' methods. off means the numbers that they published: 500 to "
        "1,500.",
        kind=int,
        least=1,
        most=100_000,
    )
    optimiser_iterations: int = option(
        ITERATIONS, "Iterations of the methods that use Adam. The value is ours.", least=1, most=100_000
    )
    learning_rate: float = option(
        LEARNING_RATE, "Learning rate of Adam, for pixels from 0 to 1. The value is ours.", least=0.0
    )
    total_variation: float = option(
        TOTAL_VARIATION,
        "Weight of the penalty on differences between neighbouring pixels in adam_smooth. The value is ours.",
        least=0.0,
    )
    seed: int = option(0, "Seed of the start images.", least=0, most=2**31 - 1)
    judges: str = option(AUTO, JUDGES_HELP)


class _Settings(Protocol):
    """What `methods_of` reads: `AscentSettings`, or settings that have those among others."""

    @property
    def methods(self) -> str: ...
    @property
    def iterations(self) -> int | None: ...
    @property
    def optimiser_iterations(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def total_variation(self) -> float: ...


def methods_of(settings: _Settings) -> tuple[Method, ...]:
    """The methods that the settings describe, in the order of display.

    Raises:
      InputError: a name in `settings.methods` is unknown, or stands there twice.
    """
    known = named_methods(
        published_iterations=settings.iterations,
        iterations=settings.optimiser_iterations,
        learning_rate=settings.learning_rate,
        total_variation=settings.total_variation,
    )
    return choose_methods(settings.methods, known)
