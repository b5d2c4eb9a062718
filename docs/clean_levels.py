"""How confident networks are in clean images, beside which their confidence in other images is read.

`experiments.transfer` keeps the thresholds of each network that it asks. They hold wherever a network with
the same parameters is met, so pages of other experiments take them from its rows.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from docs.rows import RESULTS, study_rows
from fooljax.analysis.statistics import share_interval
from fooljax.errors import InputError
from fooljax.report.transfer_rows import LEVEL, independent_sources
from fooljax.report.transfer_rows import NAMES as KINDS
from fooljax.storage.json_files import read_json
from fooljax.study import group_by, markdown, numbers
from fooljax.study.measured_sets import NAMES
from fooljax.study.tables import values_by_network

LEVELS = {"clean_median": "half", "tpr_95": "95 %", "tpr_99": "99 %"}
"""The share of clean images that reach a threshold of a network, by the name of the threshold in rows."""
WORDS = """\
How many images get at least the confidence, in the class that they stand for, that half, 95 % or 99 % of
clean images get from the same network. Of a clean image, the confidence in the class that is named first
counts, right or wrong. Temperature scaling is left out."""


@functools.cache
def _thresholds() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """The thresholds of each network, `raw` and `scaled`, by the digest of its parameters."""
    rows = [read_json(path) for path in sorted(RESULTS.glob("transfer*/rows/clean,*.json"))]
    return {row["networks"][row["target"]]: row["thresholds"] for row in rows}


def _of(digest: str, scaling: str = "raw") -> Mapping[str, float]:
    if digest not in _thresholds():
        raise InputError(f"network: expected one whose thresholds experiments.transfer kept, got {digest}")
    return _thresholds()[digest][scaling]


def clean_levels(digests: Iterable[str], scaling: str = "raw") -> str:
    """How confident networks are in clean images, as a part of a sentence.

    Args:
      digests: of the networks' parameters.
      scaling: `raw`, or `scaled` after temperature scaling.
    Returns:
      The confidence that half, 95 % and 99 % of clean images reach, from the least to the most confident
      network; "" where a network was not asked.
    """
    wanted = dict.fromkeys(digests)
    if not wanted.keys() <= _thresholds().keys():
        return ""
    found = [_of(digest, scaling) for digest in wanted]
    told = []
    for level, share in LEVELS.items():
        ends = dict.fromkeys(numbers.confidence(end([one[level] for one in found])) for end in (min, max))
        told.append(f"{share} get {' to '.join(ends)}")
    return f"{', '.join(told[:-1])}, and {told[-1]} or more"


def after_scaling(digests: Iterable[str], generator: str, of: str = "") -> str:
    """What temperature scaling changes, in two sentences.

    Args:
      digests: of the networks' parameters.
      generator: what made images in `experiments.transfer`. The pages' own images are not kept with all their
        logits, which scaling needs.
      of: the data set of the rows of that experiment, as for `study_tables`.
    Returns:
      The sentences; "" where a network was not asked.
    """
    if not (levels := clean_levels(digests, "scaled")):
        return ""
    made = [row for row in study_rows("transfer", of) if row.get("generator") == generator]
    own = [row for row in made if row["budget"] == max(one["budget"] for one in made)]
    own = [row for row in own if row["network"] in independent_sources(own)]

    def fooled(scaling: str) -> str:
        shares = values_by_network(own, lambda row: row["seen"][row["network"]]["same"][scaling][LEVEL])
        return numbers.shares(share_interval(shares))

    scaling = "[temperature scaling](../guide/statistics.md#when-an-image-counts-as-fooling)"
    passes = f"{own[0]['budget']:,} passes a set"
    images = f"the {KINDS[generator]} of the [study of transfer](transfer.md), with {passes}"
    return (
        f"After {scaling}, {levels}. Of {images}, {fooled('raw')} get 99.99 % from their own network before "
        f"scaling and {fooled('scaled')} after it."
    )


def beside_clean(name: str, titles: Mapping[str, str]) -> str:
    """A table of how many images of a study reach the clean levels of their networks.

    Args:
      name: of the experiment.
      titles: the data set of each group of rows, as for `study_tables`, by what the reader calls it.
    Raises:
      InputError: the thresholds of a network were not measured.
    """
    lines = []
    for title, of in titles.items():
        groups = group_by([row for row in study_rows(name, of) if "log_odds" in row], "generator")
        for generator in (one for one in NAMES if (one,) in groups):
            lines.append({"networks": title, "images": NAMES[generator], **_reached(groups[generator,])})
    return f"{WORDS}\n\n{markdown(lines)}"


def _reached(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    counts = dict.fromkeys(LEVELS, 0)
    for row in rows:
        levels = _of(row["networks"][row["network"]])
        for level in LEVELS:
            counts[level] += sum(odds >= levels[level] for odds in row["log_odds"])
    images = sum(len(row["log_odds"]) for row in rows)
    return {
        f"as {LEVELS[level]} of clean images": f"{count:,} of {images:,}" for level, count in counts.items()
    }
