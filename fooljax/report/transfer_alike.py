"""Whether networks of other families give an image the name that the network gives that it was made for.

An image is named alike if one of them at least names the same class first, with the confidence that 95 % of
clean images get from it. Random drawings get a name, too, whichever it is: how often others share it says
how much of the agreement on evolved images is due to evolution.
"""

from collections.abc import Sequence

from fooljax.analysis.panel import family_of_name
from fooljax.analysis.rates import difference_of_rates, wilson_interval
from fooljax.report.transfer_rows import rows_of_sets, with_largest_budget
from fooljax.study import Row, group_by, numbers
from fooljax.study.findings import Finding
from fooljax.study.measured_sets import ARCHIVE

LEVEL = "tpr_95"
CONTROL = "random_cppn"


def named_alike(rows: Sequence[Row]) -> dict[str, Finding]:
    """How many images of the networks of finished searches are named alike.

    Args:
      rows: of the study; the networks that others are compared with are those whose searches were finished.
    Returns:
      `KIND_named_alike`, for each generator: the share of its images, with Wilson's interval over images.
      `archive_beyond_random`: how much greater it is than that of random CPPNs. Nothing without a finished
      search, or where there are too few clean images to tell what 95 % of them get.
    """
    levels = {row["target"]: row["thresholds"]["raw"].get(LEVEL) for row in rows if row["kind"] == "clean"}
    images = with_largest_budget(rows_of_sets(rows))
    searched = {row["network"] for row in images if row["generator"] == ARCHIVE}
    counts: dict[str, tuple[int, int]] = {}
    found = {}
    for (kind,), of in group_by([row for row in images if row["network"] in searched], "generator").items():
        told = [one for row in of for one in _told_alike(row, levels)]
        if not told:
            continue
        counts[kind] = sum(told), len(told)
        value = wilson_interval(*counts[kind])
        said = f"{counts[kind][0]} of {counts[kind][1]:,} images"
        found[f"{kind}_named_alike"] = Finding(value, numbers.shares(value), said)
    if ARCHIVE in counts and CONTROL in counts:
        value = difference_of_rates(counts[ARCHIVE], counts[CONTROL])
        said = f"{counts[ARCHIVE][1]} evolved images, {counts[CONTROL][1]} random ones"
        found[f"{ARCHIVE}_beyond_random"] = Finding(value, numbers.signed(value), said)
    return found


def _told_alike(row: Row, levels: dict[str, float | None]) -> list[bool]:
    """Of each image of a set, whether a network of another family names it alike."""
    own = row["seen"][row["network"]]["named"]
    others = [
        (seen, level)
        for name, seen in row["seen"].items()
        if family_of_name(name) != family_of_name(row["network"]) and (level := levels.get(name)) is not None
    ]
    return [
        any(seen["named"][place] == name and seen["named_odds"][place] >= level for seen, level in others)
        for place, name in enumerate(own)
        if others
    ]
