"""Rows of `experiments.detectors`, sorted out: by kind, by data, by detector and by what made the images."""

from collections.abc import Sequence

from fooljax.analysis.attack_strength import Strength
from fooljax.analysis.statistics import Groups
from fooljax.detectors import DETECTORS
from fooljax.study import Row, attacks, group_by
from fooljax.study.measured_sets import NAMES
from fooljax.study.tables import values_by_network

STRICT, LENIENT = "0.05", "0.01"
"""Shares of clean images that are rejected, as rows name them."""


def of_kind(rows: Sequence[Row], kind: str) -> list[Row]:
    """The rows of one kind."""
    return [row for row in rows if row["kind"] == kind]


def first_budget(rows: Sequence[Row]) -> list[Row]:
    """Rows of attacks that know, without those that were given more because a detector held."""
    least: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["data"], row["generator"])
        least[key] = min(row["budget"], least.get(key, row["budget"]))
    return [row for row in rows if row["budget"] == least[row["data"], row["generator"]]]


def detector_title(detector: str) -> str:
    """What people read for a detector."""
    return DETECTORS[detector].title if detector in DETECTORS else detector


def image_title(generator: str) -> str:
    """What people read for a kind of images."""
    return str(NAMES.get(generator, f"test images of {generator}"))


def static_share(rows: Sequence[Row], detector: str, figure: str, share: str = STRICT) -> Groups:
    """A measure of images that know nothing, for each network.

    Args:
      rows: static ones, of one kind of images.
      detector: its name.
      figure: `auroc` and so on; `caught` or `through`.
      share: of clean images that are rejected, for these two.
    """
    there = [row for row in rows if detector in row["told_apart"]]
    return values_by_network(there, lambda row: _figure(row["told_apart"][detector], figure, share))


def knowing_share(rows: Sequence[Row], figure: str, share: str = STRICT) -> Groups:
    """A measure of images that know the detector, for each network.

    Args:
      rows: of attacks on one detector, by one kind of attack.
      figure: as for `static_share`.
      share: as for `static_share`.
    """
    return values_by_network(rows, lambda row: _figure(row["told_apart"], figure, share))


def _figure(figures: Row, figure: str, share: str) -> float:
    return float(figures[figure][share] if figure in ("caught", "through") else figures[figure])


def detectors_not_overcome(rows: Sequence[Row], every: int) -> list[str]:
    """The detectors that the median run of no attack overcame.

    Args:
      rows: those that are there.
      every: rows of attacks that a detector has; one with fewer is not judged yet.
    """
    knowing = [row for row in of_kind(rows, "knowing") if row["generator"] in attacks.FRESH]
    return [
        name
        for (name,), group in group_by(first_budget(knowing), "detector").items()
        if len(group) == every and not strength_of(group).overcome
    ]


def strength_of(rows: Sequence[Row]) -> Strength:
    """How strong the attacks on one detector were, from all of them at all budgets."""
    return attacks.strength(rows, [row["symptoms"] for row in rows if "symptoms" in row])
