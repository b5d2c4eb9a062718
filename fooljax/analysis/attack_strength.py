"""Was the attack strong enough? Signs that a defence seems to hold only because nobody tried hard.

A defence that fools nobody for long is one that was attacked weakly. So whoever finds that a defence holds
prints these flags beside the number. A raised flag means that the number is no evidence yet; none raised is
no proof, but what can be asked for.

Source: Athalye, Carlini and Wagner 2018 ("Obfuscated gradients give a false sense of security"); Carlini et
al. 2019 ("On evaluating adversarial robustness"); Croce et al. 2022 ("Evaluating the adversarial robustness
of adaptive test-time defenses"). Differs: what was reached is measured as log-odds at a budget of network
passes, since fooling images have no bound on how far they may be from clean ones.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.statistics import median
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError

NOTABLE = 1.0
"""Nats of log-odds that count as a difference between two attacks; 99 % and 99.99 % are 4.6 apart."""
RESTARTS = 5
"""Independent runs that a claim needs at least."""
SUMS_TO_ONE = 1e-3


class Attempt(NamedTuple):
    """What one kind of attack reached at one budget.

    Attributes:
      method: its name, such as a generator of `fooljax.study.generators`.
      uses_gradients: whether it follows the network's gradients.
      passes: network passes that a run might cost.
      log_odds: for each independent run, the median log-odds of its images; of the classes aimed at.
    """

    method: str
    uses_gradients: bool
    passes: int
    log_odds: Sequence[float]


class Strength(NamedTuple):
    """What the attempts say of themselves.

    Attributes:
      overcome: whether the median run of some method reached the goal. Then the flags matter no more.
      flags: by name, in the order of `QUESTIONS`: True where a weakness was found, False where it was looked
        for and not found, None where the attempts cannot tell.
    """

    overcome: bool
    flags: dict[str, bool | None]

    @property
    def raised(self) -> list[str]:
        """The weaknesses that were found, in words."""
        return [QUESTIONS[name] for name, flag in self.flags.items() if flag]

    def words(self) -> str:
        """What stands in a table beside a defence."""
        if self.overcome:
            return "overcome"
        untold = [name for name, flag in self.flags.items() if flag is None]
        parts = [f"weak attack: {', '.join(self.raised)}"] if self.raised else []
        if not parts and not untold:
            return "holds, no flag raised"
        return "; ".join([*parts, *([f"not tested: {', '.join(untold)}"] if untold else [])])


QUESTIONS = {
    "plateau": "log-odds still rise with the budget",
    "budget": "a larger budget did worse",
    "masking": "attacks without gradients did better than those with them",
    "zero gradients": "some gradients are zero",
    "restarts": f"fewer than {RESTARTS} runs, or their best is far above their median",
    "probabilities": "the network gives probabilities instead of logits",
}
"""By the name of a flag: what it says when it is raised."""
ABOUT_GRADIENTS = ("masking", "zero gradients")
"""Flags that say nothing of attacks without gradients."""


def attack_strength(
    attempts: Sequence[Attempt],
    *,
    zero_gradients: float | None = None,
    probabilities: bool | None = None,
    goal: float = FOOLED,
) -> Strength:
    """Finds the flags of the attacks on one defence.

    Args:
      attempts: of all kinds of attack at all budgets, at least one. A method that was tried at several
        budgets tells whether it still rises.
      zero_gradients: share of images at which the gradient was zero or not finite; None where nobody looked.
      probabilities: whether the network gives probabilities in the place of logits; None where nobody looked.
      goal: log-odds that count as fooled.
    Returns:
      Whether the defence was overcome, and the flags.
    Raises:
      InputError: there are no attempts, or one has no runs.
    """
    if not attempts or not all(len(one.log_odds) for one in attempts):
        raise InputError("attempts: expected at least one, each with the log-odds of a run or more")
    courses: dict[tuple[str, bool], dict[int, float]] = {}
    for one in sorted(attempts, key=lambda one: one.passes):
        courses.setdefault((one.method, one.uses_gradients), {})[one.passes] = median(one.log_odds)
    best = max(attempts, key=lambda one: (median(one.log_odds), one.passes))
    flags = {
        "plateau": _still_rises(list(courses[best.method, best.uses_gradients].items())),
        "budget": _falls(list(courses.values())),
        "masking": _masked(courses, goal),
        "zero gradients": None if zero_gradients is None else zero_gradients > 0.0,
        "restarts": len(best.log_odds) < RESTARTS or max(best.log_odds) - median(best.log_odds) > NOTABLE,
        "probabilities": probabilities,
    }
    return Strength(any(median(one.log_odds) >= goal for one in attempts), flags)


def _still_rises(course: Sequence[tuple[int, float]]) -> bool | None:
    """Whether the strongest method gained by the last doubling of its budget, or more than a doubling."""
    passes, reached = course[-1]
    earlier = [odds for spent, odds in course if 2 * spent <= passes]
    return reached - earlier[-1] > NOTABLE if earlier else None


def _falls(courses: Sequence[Mapping[int, float]]) -> bool | None:
    """Whether a method that was given more did worse; it should never."""
    steps = [np.diff(list(course.values())) for course in courses if len(course) > 1]
    return bool(np.min(np.concatenate(steps)) < -NOTABLE) if steps else None


def _masked(courses: Mapping[tuple[str, bool], Mapping[int, float]], goal: float) -> bool | None:
    """Whether attacks without gradients are above those with, which know more."""
    with_gradients, without = (
        [course[max(course)] for (_, uses), course in courses.items() if uses == kind]
        for kind in (True, False)
    )
    if not with_gradients or not without:
        return None
    return max(with_gradients) < goal and max(without) - max(with_gradients) > NOTABLE


def are_probabilities(logits: npt.NDArray[np.floating]) -> bool:
    """Whether what a network calls logits are probabilities: none below 0, and each image's sum to 1.

    Args:
      logits: `[N, C]`, of images of any kind.
    """
    logits = np.asarray(logits, np.float64)
    return bool(np.all(logits >= 0.0) and np.all(np.abs(logits.sum(axis=1) - 1.0) < SUMS_TO_ONE))
