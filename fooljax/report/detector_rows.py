"""Rows of `experiments.detectors`, sorted out: by kind, by data, by detector and by what made the images."""

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from fooljax.analysis.attack_strength import Strength
from fooljax.analysis.statistics import Groups
from fooljax.detectors import DETECTORS
from fooljax.study import Row, attacks, group_by
from fooljax.study.generators import SHORT_NAMES
from fooljax.study.measured_sets import ARCHIVE, NAMES
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


def is_other_data(generator: str) -> bool:
    """Whether images are those of other data, which `--others` names, and not made by a generator."""
    return generator not in NAMES


def _other_title(spec: str) -> str:
    """The name of other data, as `idx:DIR/fashion-mnist` says it, without the folders that it lies in."""
    return f"test images of {PurePath(spec.rpartition(':')[2]).stem}"


def image_title(generator: str) -> str:
    """What people read for a kind of images."""
    return _other_title(generator) if is_other_data(generator) else str(NAMES[generator])


def short_title(generator: str) -> str:
    """The same in a few words, for the first cell of a line."""
    return SHORT_NAMES.get(generator, image_title(generator))


def kinds_of(rows: Sequence[Row]) -> list[str]:
    """The kinds of images that rows are of, in the order of tables: other data come last."""
    there = dict.fromkeys(row["generator"] for row in rows)
    known = [kind for kind in (*SHORT_NAMES, ARCHIVE) if kind in there]
    return known + [kind for kind in there if is_other_data(kind)]


def detectors_of(rows: Sequence[Row]) -> list[str]:
    """The names of the detectors that rows are of, each once, in the order of `DETECTORS`."""
    there = dict.fromkeys(name for row in rows for name in row.get("detectors", ()))
    known = [name for name in DETECTORS if name in there]
    return known + [name for name in there if name not in DETECTORS]


def network_passes(detector: str, generator: str) -> int:
    """The network passes of an attack that knows a detector, for one that the attack itself counts.

    A look at an image counts as one pass, and its gradient as two. ODIN asks the network again: forward and
    backward for its own gradient, and forward with the changed image. An ascent goes backward through the
    last of these, too.
    """
    if detector != "odin":
        return 1
    return 3 if generator == "gradient" else 4


def mean_share(groups: Groups) -> float | None:
    """The mean over networks of the means over their runs; None where there are none."""
    return float(np.mean([np.mean(group) for group in groups])) if groups else None


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
