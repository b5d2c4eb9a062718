"""Tables of `experiments.picbreeder`, from its rows alone."""

from collections.abc import Sequence

import numpy as np

from fooljax.analysis.rates import wilson_interval
from fooljax.analysis.statistics import median
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding
from fooljax.study.measured_sets import CLEAN

BRED, EVOLVED, RANDOM = "bred", "evolved", "random"
NAMES = {
    BRED: "CPPNs that people bred on Picbreeder",
    EVOLVED: "CPPNs evolved against the network before, not learnt from",
    RANDOM: "new random CPPNs",
    CLEAN: "held-out clean images",
}
WORDS = """\
**Rejected**: images that the retrained network puts into the extra class. If a line has several networks, an
image counts as rejected when more than half of them reject it. The brackets are Wilson's 95 % interval over
images: it is for further images of the kind and for these networks. Each network has its own evolved and
random CPPNs, so all of these are counted. **Same name as before**: of the images that are not rejected, the
share that the network names as it did before it was retrained."""


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      `NETWORK_KIND_taken`, for each kind in `NAMES`: the share of images that the extra class takes after the
      last round, at the lowest rate of clean images rejected.
    """
    found = {}
    for (name,), group in group_by(rows, "network").items():
        last = max(row["round"] for row in group)
        retrained = [row for row in group if row["round"] == last > 0]
        lowest = min((row["rate"] for row in retrained), default=None)
        for (kind,), some in group_by([row for row in retrained if row["rate"] == lowest], "images").items():
            hits, count = _taken(some)
            value = wilson_interval(hits, count)
            found[f"{name}_{kind}_taken"] = Finding(value, numbers.shares(value), f"{hits} of {count} images")
    return found


def tables(rows: Sequence[Row]) -> str:
    """`table.md`."""
    order = list(NAMES)
    rows = sorted(
        rows,
        key=lambda row: (
            row["network"],
            row["round"],
            row["rate"] or 0,
            order.index(row["images"]),
            row["chain"],
        ),
    )
    lines = [_line(group) for group in group_by(rows, "network", "round", "rate", "images").values()]
    if not lines:
        return "No rows yet.\n"
    parts = [WORDS, "", markdown(lines)]
    if pictures := [
        line for group in group_by(_bred(rows), "network").values() for line in _picture_lines(group)
    ]:
        parts += [
            "\n### Picture by picture\n",
            "**Rejected by**: how many retrained networks reject it. A network counts once at each rate.",
            "",
        ]
        parts += [markdown(pictures)]
    return "\n".join([*parts, ""])


def _bred(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["images"] == BRED and row["round"]]


def _taken(rows: Sequence[Row]) -> tuple[int, int]:
    """Images that most of the chains take, and all; of images that differ by chain, those of every chain."""
    count = rows[0]["images_shown"]
    if rows[0]["images"] in (BRED, CLEAN):
        times = np.bincount([one for row in rows for one in row["taken"]], minlength=count)
        return int(np.sum(2 * times > len(rows))), count
    return sum(len(row["taken"]) for row in rows), sum(row["images_shown"] for row in rows)


def _line(rows: Sequence[Row]) -> dict[str, str]:
    first = rows[0]
    cells = {"network": first["network"], "retrained": f"{first['round']} x" if first["round"] else "no"}
    cells["set to reject"] = f"{first['rate']} %" if first["rate"] else numbers.NONE
    cells |= {"images": NAMES[first["images"]], "networks": str(len(rows))}
    hits, count = _taken(rows)
    cells["rejected"] = f"{hits} of {count}" if first["round"] else numbers.NONE
    cells["share"] = numbers.shares(wilson_interval(hits, count)) if first["round"] else numbers.NONE
    same = np.concatenate(
        [np.delete(np.equal(row["named"], row["named_before"]), row["taken"]) for row in rows]
    )
    cells["same name as before"] = numbers.percent(float(np.mean(same))) if same.size else numbers.NONE
    odds = [one for row in rows for one in row["named_log_odds"]]
    return {**cells, "median confidence in the first class": numbers.confidence(median(odds))}


def _picture_lines(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [
        {
            "network": rows[0]["network"],
            "picture": name.removesuffix(".xml"),
            "rejected by": f"{sum(place in row['taken'] for row in rows)} of {len(rows)}",
        }
        for place, name in enumerate(rows[0]["genomes"])
    ]
