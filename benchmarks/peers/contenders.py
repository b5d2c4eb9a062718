"""Who is compared with whom."""

from typing import NamedTuple

MUST, AIM = 2.5, 3.0
"""Times QDax's evaluations per second, with the same kind of mutation."""


class Contender(NamedTuple):
    """One line of the table: a library and how it is set."""

    library: str
    variation: str
    batch: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.library} {self.variation} {self.batch}"


class Comparison(NamedTuple):
    """Ours over a peer's, as evaluations per second; `gate` where it must reach `MUST`."""

    ours: Contender
    peer: Contender
    gate: bool


COMPARISONS = tuple(
    Comparison(Contender("fooljax", "polynomial", ours), Contender(library, variation, theirs), gate)
    for ours, library, variation, theirs, gate in (
        (200, "qdax", "polynomial", 200, True),
        (200, "qdax", "isoline", 200, False),
        (1024, "qdax", "polynomial", 1024, True),
        (1024, "qdax", "isoline", 1024, False),
        (30, "pyribs", "gaussian", 30, False),
        (200, "pyribs", "gaussian", 30, False),
    )
)
CONTENDERS = tuple(dict.fromkeys(one for pair in COMPARISONS for one in (pair.ours, pair.peer)))
