"""Tables and figures of `experiments.random_pictures`, from its rows alone."""

import math
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from fooljax.analysis.statistics import mean_interval, median_interval, share_interval
from fooljax.report.bands import curves
from fooljax.report.labelled_rows import labelled_rows
from fooljax.report.png import png_bytes
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, share
from fooljax.study.images import images_of
from fooljax.study.random_pictures import SOURCES
from fooljax.study.tables import speaks_for, values_by_network

NAMES = {source: name for source, (_, name) in SOURCES.items()}
LEVELS = {
    "0.9": "90 %",
    "0.99": "99 %",
    "0.999": "99.9 %",
    "0.9999": "99.99 %",
    "clean_median": "clean median",
    "tpr_95": "tau 95 %",
    "tpr_99": "tau 99 %",
}
"""Thresholds by their names in `fooljax.analysis.thresholds`."""
HOW = """\
Shares of pictures that a network names with so much confidence, as whatever class. **Clean median**: the
median confidence of clean images. **tau**: what 95 or 99 % of clean images reach. **Scaled**: after
temperature scaling. Half of the test images gave the temperature, the other half the clean median and tau.
Nobody selected these pictures, and nothing saw the network. All are 8-bit images. A draw counts as one trial.

Brackets are 95 % intervals{whom}"""
RAYS = """\
Images times a factor of 1 to 1,000, as floats outside the box of possible images; a ray begins at black. The
factor is the median over rays, the networks' medians with a t-interval. **In the box**: the scaled image is
clipped back to 0 to 255 and rounded to 8 bits; then the share of rays that reach 99.9 % at some factor."""


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each source, `SOURCE_9999`: the share of its pictures that a network names with 99.99 %, as whatever
      class. For each that was scaled, `SOURCE_rays`: the share of rays on which 99.9 % is reached.
    """
    shares = [row for row in rows if row["kind"] == "shares"]
    found = {}
    for source in shares[0]["sources"] if shares else ():
        groups = values_by_network(shares, lambda row, source=source: row["sources"][source]["raw"]["0.9999"])  # type: ignore[misc]
        found[f"{source}_9999"] = share(groups, _draws(shares))
    for (source,), group in group_by([row for row in rows if row["kind"] == "rays"], "source").items():
        groups = values_by_network(group, "share_ever_999")
        found[f"{source}_rays"] = share(groups, _draws(group))
    return found


def _draws(rows: Sequence[Row]) -> str:
    pictures = sum(row["count"] for row in rows)
    return f"{pictures:,} pictures, {len(group_by(rows, 'network'))} networks"


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: shares above each threshold, raw and after temperature scaling, and rays."""
    shares = [row for row in rows if row["kind"] == "shares"]
    rays = [row for row in rows if row["kind"] == "rays"]
    parts = []
    for kind, head in (("raw", "Of how many pictures is a network sure?"), ("scaled", "The same, scaled")):
        parts += [f"### {head}\n", _shares(shares, kind), ""]
    how = HOW.format(whom=speaks_for([row["network"] for row in shares]))
    return "\n".join([*parts, how, "\n### Along rays\n", _rays(rays), "", RAYS, ""])


def _shares(rows: Sequence[Row], kind: str) -> str:
    lines = []
    for source, name in NAMES.items():
        line = {"pictures": name}
        if kind == "raw":
            medians = values_by_network(
                rows,
                lambda row, source=source: row["sources"][source]["median_log_odds"],  # type: ignore[misc]
            )
            line["median confidence"] = numbers.confidence(mean_interval(medians).estimate)
        for level, head in LEVELS.items():
            groups = values_by_network(
                rows,
                lambda row, source=source, level=level: row["sources"][source][kind][level],  # type: ignore[misc]
            )
            line[head] = numbers.shares(share_interval(groups))
        lines.append(line)
    return markdown(lines)


def _rays(rows: Sequence[Row]) -> str:
    lines = []
    for (source,), group in group_by(rows, "source").items():
        factor = median_interval(values_by_network(group, "factor_999", missing=math.inf))
        lines.append(
            {
                "images": NAMES[source],
                "factor to 99.9 %": numbers.ratio(factor),
                "rays that reach it": _share(group, "share_ever_999"),
                "in the box": _share(group, "clipped_share_999"),
            }
        )
    return markdown(lines)


def _share(rows: Sequence[Row], figure: str) -> str:
    return numbers.shares(share_interval(values_by_network(rows, figure)))


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """What random pictures look like, and the log-odds along rays."""
    found = {}
    for row in rows:
        if row["kind"] == "pictures":
            found["pictures.png"] = _pictures(row)
    panels: dict[str, dict[str, Any]] = {}
    for (source,), group in group_by([row for row in rows if row["kind"] == "rays"], "source").items():
        panel = panels.setdefault(f"factor: {NAMES[source]}", {})
        for name, figure in (
            ("as floats", "median_log_odds"),
            ("clipped, 8 bits", "clipped_median_log_odds"),
        ):
            factors = group[0]["factors"]
            intervals = [
                mean_interval(values_by_network(group, lambda row, f=figure, p=place: row[f][p]))  # type: ignore[misc]
                for place in range(len(factors))
            ]
            panel[name] = (factors, intervals)
    if panels:
        up = "log-odds of the class named first (the axis ends at 40)"
        found["rays.png"] = curves(
            panels, up=up, log_odds=True, ticks=(1, 10, 100, 1000), limits=(-2.0, 40.0)
        )
    return found


def _pictures(row: Row) -> bytes:
    shape = (row["each"] * len(NAMES), *row["shape"])
    images = images_of(b64decode(row["png"]), shape).reshape(len(NAMES), row["each"], *row["shape"])
    return png_bytes(labelled_rows(dict(zip(NAMES.values(), images, strict=True))))
