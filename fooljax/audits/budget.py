"""How the passes that an audit may cost are divided among its attacks.

Evolution of pixels needs the most passes, gradient ascent the fewest, so they get shares in that relation.
Random search gets as many as one run of the evolution that it is a control of.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fooljax.errors import InputError

WEIGHTS = {"direct": 4, "cppn": 2, "gradient": 1}
"""Against a LeNet, evolution of pixels wants 9,000 passes for the median class and CPPNs 500."""
RUNS, DETECTORS = 3, 2
"""Independent runs of each attack, and detectors that attacks are made to know, at most."""
LEAST = 400
"""Passes of one run, so that the slowest search has two generations."""
STEPS = 50
"""Steps of a gradient ascent, at least, for each class that it is made for."""
PASSES_OF_STEP = 2


class Allotment(NamedTuple):
    """What one kind of attack may cost.

    Attributes:
      generator: out of `fooljax.study.generators.GENERATORS`.
      runs: independent runs.
      passes: network passes of each, at most.
      detectors: how many detectors it is made to know, one after another; 0: it knows the network alone.
    """

    generator: str
    runs: int
    passes: int
    detectors: int = 0

    @property
    def total(self) -> int:
        """Passes of all runs."""
        return self.passes * self.runs * max(1, self.detectors)


def divide_budget(budget: int, *, gradients: bool, detectors: int) -> list[Allotment]:
    """Divides a budget.

    Args:
      budget: network passes of all attacks.
      gradients: whether the network has gradients.
      detectors: how many detectors there are.
    Returns:
      What each attack gets: three runs of each attack against the network and one of each control, and as
      many runs against the network with a detector. One run of each where three would be too short.
    Raises:
      InputError: the budget is too small for all of them once.
    """
    fresh = ["direct", "cppn", *(["gradient"] if gradients else [])]
    known = min(DETECTORS, detectors)
    knowing = [name for name in fresh if name != "direct"] if known else []
    for runs in (RUNS, 1):
        units = runs * sum(WEIGHTS[name] for name in fresh) + WEIGHTS["direct"] + WEIGHTS["cppn"]
        units += known * runs * sum(WEIGHTS[name] for name in knowing)
        unit = budget // units
        if WEIGHTS["cppn"] * unit >= LEAST * (1 if runs == 1 else 2):
            break
    else:
        least = units * LEAST // WEIGHTS["cppn"]
        raise InputError(
            f"budget: expected {least:,} network passes or more for this network, got {budget:,}"
        )
    return [
        *(Allotment(name, runs, WEIGHTS[name] * unit) for name in fresh),
        *(Allotment(f"random_search_{name}", 1, WEIGHTS[name] * unit) for name in ("direct", "cppn")),
        *(Allotment(name, runs, WEIGHTS[name] * unit, known) for name in knowing),
    ]


def ascent_cells(cells: Sequence[int], passes: int) -> list[int]:
    """The classes that a gradient ascent of so many passes is made for: as many as get enough steps each."""
    most = max(1, passes // (PASSES_OF_STEP * STEPS))
    if most >= len(cells):
        return list(cells)
    return [cells[place * len(cells) // most] for place in range(most)]
