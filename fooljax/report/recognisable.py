"""Tables of `experiments.recognisable`, from its rows alone."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fooljax.analysis.statistics import share_interval
from fooljax.engine.log_odds import format_confidence
from fooljax.report import likelihood
from fooljax.report.panel_content import CHANGES
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, describe_sample, share
from fooljax.study.measured_sets import NAMES, THREAT, sets_table, sort_rows
from fooljax.study.network_thresholds import PHOTOGRAPHS
from fooljax.study.tables import speaks_for, values_by_network

HOW = """\
An image **fools** if its network gives its class 99.99 % or more. A judge **agrees** if it names the same
class, with at least the confidence that 95 % of clean images get from it, and more than 90 % of noise images
get. **Count as fooling**: the share of all images that fool while no judge agrees. **Without relatives**: the
same, when only judges of another architecture than the network are asked.{relative} Noise and clean images
are controls. A judge that recognises fewer than half of the clean images is left out."""
RELATIVE = """\
 The judge `{kin}` is the next of the networks; it has the same architecture, and so the same blind spots."""
CHANGED = """\
The share of images that fool and still fool after a small change. The changes: every value one grey level
more or less at random; a shift by one pixel, in the worst of four directions; JPEG of quality 75; a Gaussian
blur with a standard deviation of one pixel.{distances}"""
DISTANCES = """\
 Distances are to the nearest of {training}, in {spaces}. They are given as percentiles of {clean}: 50
is usual, and 100 is farther than all of them. They are medians over the sets."""
UNITS = "Brackets are 95 % intervals{whom} Each network is one observation, the mean of its {runs} runs."
KIN = "other LeNet"


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each generator, `GENERATOR_fools`: the share of images that fool; `GENERATOR_counts`: while no judge
      agrees; `GENERATOR_without_relatives`: while no judge of another family agrees, where there is one that
      is not left out; `GENERATOR_kin` and `GENERATOR_JUDGE`: the share on which the network's relative, or
      another judge, agrees;
      `GENERATOR_after_CHANGE`: the share that still fools after a small change. `noise_JUDGE`: the share of
      noise of which a judge is as sure as of 95 % of clean images. And what `likelihood.findings` gives.
    """
    found = dict(likelihood.findings(rows))
    for generator, group in by_generator(rows).items():
        said = describe_sample(len(group), len(group_by(group, "network")))
        counts: dict[str, Callable[[dict[str, Any]], int | None]] = {"fools": _fooled, "counts": _none}
        if _shares(group, _without):
            counts["without_relatives"] = _without
        for name in group[0]["found"]["after"]:
            counts[f"after_{name}"] = partial(_still_fooled, name)
        for name, count in counts.items():
            found[f"{generator}_{name}"] = share(_shares(group, count), said)
        for role in _roles(group):
            if groups := values_by_network(group, _agrees(role)):
                found[f"{generator}_{'kin' if role == KIN else role}"] = share(groups, said)
    for row in rows:
        for judge, one in row["panel"]["judges"].items() if row["kind"] == "panel" else ():
            found[f"noise_{judge}"] = share([[one["noise_as_sure"]]], "two kinds of noise")
    return found


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the sets, what judges say, small changes and distances, and the judges themselves."""
    kinds, panels = by_generator(rows), [row for row in rows if row["kind"] == "panel"]
    of_sets = [row for row in rows if row["kind"] in ("images", "likelihood")]
    sets = {(row["network"], row["generator"], row["run"]): row for row in reversed(of_sets)}
    parts = ["### The images\n", sets_table(sort_rows(list(sets.values()))), "", THREAT]
    if kinds:
        runs = len({row["run"] for group in kinds.values() for row in group})
        kin = any(KIN in _roles(group) for group in kinds.values())
        parts += [
            "\n### What judges say\n",
            markdown([_verdicts(generator, group) for generator, group in kinds.items()]),
            "",
            HOW.format(relative=RELATIVE.format(kin=KIN) if kin else ""),
            "",
            UNITS.format(runs=runs, whom=speaks_for([row["network"] for row in of_sets])),
            "\n### Small changes, and distances to training images\n",
            markdown([_changes(generator, group) for generator, group in kinds.items()]),
            "",
            CHANGED.format(distances=_distances(panels, next(iter(kinds.values()))[0], kin)),
            "\n### The judges\n",
            markdown(_judges(panels)),
        ]
    return "\n".join([*parts, *likelihood.lines(rows), ""])


def _distances(panels: Sequence[Row], one: Row, kin: bool) -> str:
    """What distances were measured to, if they were; one of the rows of images says where."""
    clean = next((row["panel"]["clean_images"] for row in panels), None) or {}
    if not clean.get("distances_to"):
        return ""
    judge = f"the judge `{KIN}`" if kin else "the network's first judge"
    features, spaces = f"the features of {judge}", one["found"]["distances"]
    told = " and in ".join(features if space == "features" else space for space in spaces)
    count, of_photographs = numbers.plain(clean["distances_to"]), clean.get("dataset") == PHOTOGRAPHS
    return DISTANCES.format(
        training=f"{count} {'photographs of other classes' if of_photographs else 'training images'}",
        clean="further photographs" if of_photographs else "clean test images",
        spaces=told,
    )


def by_generator(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of images that judges saw, by what made them, in the order of tables."""
    groups = group_by([row for row in rows if row["kind"] == "images"], "generator")
    return {generator: groups[generator,] for generator in NAMES if (generator,) in groups}


def _fooled(found: dict[str, Any]) -> int:
    return int(found["fooled"])


def _none(found: dict[str, Any]) -> int:
    return int(found["no_judge_agrees"])


def _still_fooled(change: str, found: dict[str, Any]) -> int:
    return int(found["after"][change]["still_fooled"])


def _roles(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(_role(row, judge) for row in rows for judge in row["judges"]))


def _without(found: dict[str, Any]) -> int | None:
    others = found["no_judge_of_another_family_agrees"]  # None where no such judge was counted
    return None if others is None else int(others)


def _shares(rows: Sequence[Row], count: Callable[[dict[str, Any]], int | None]) -> list[list[float]]:
    """The share of the images of each run, by network; runs that have no such count are left out."""

    def share_of(row: Row) -> float | None:
        counted = count(row["found"])
        return None if counted is None else counted / row["found"]["images"]

    return values_by_network(rows, share_of)


def _share(rows: Sequence[Row], count: Callable[[dict[str, Any]], int | None]) -> str:
    groups = _shares(rows, count)
    return numbers.shares(share_interval(groups)) if groups else numbers.NONE


def _role(row: Row, judge: str) -> str:
    """What a judge is called in a table over networks: the first is the network's relative, if it has any."""
    first, own = row["judges"][0], row["network"]
    return KIN if judge == first and first.partition("-")[0] == own.partition("-")[0] else judge


def _verdicts(generator: str, rows: Sequence[Row]) -> dict[str, str]:
    line = {"images": NAMES[generator], "fool": _share(rows, _fooled)}
    for role in _roles(rows):
        groups = values_by_network(rows, _agrees(role))
        line[f"{role} agrees"] = numbers.shares(share_interval(groups)) if groups else "left out"
    line["count as fooling"] = _share(rows, _none)
    line["without relatives"] = _share(rows, _without)
    return line


def _agrees(role: str) -> Callable[[Row], float | None]:
    """The share of a set's images on which the judge of a role agrees; None where it was refused."""

    def agrees(row: Row) -> float | None:
        judge = next((judge for judge in row["judges"] if _role(row, judge) == role), None)
        if judge is None:
            return None
        count = row["found"]["judges"][judge]["agrees"]
        return None if count is None else count / row["found"]["images"]

    return agrees


def _changes(generator: str, rows: Sequence[Row]) -> dict[str, str]:
    line = {"images": NAMES[generator]}
    fooled = sum(row["found"]["fooled"] for row in rows)
    for name, words in CHANGES.items():
        left = sum(row["found"]["after"][name]["still_fooled"] for row in rows)
        line[f"after {words}"] = f"{left} of {fooled}" if fooled else numbers.NONE
    for space in rows[0]["found"]["distances"]:
        middle = np.median([row["found"]["distances"][space]["median_percentile"] for row in rows])
        line[f"distance in {space}"] = numbers.plain(float(middle))
    return line


def _judges(panels: Sequence[Row]) -> list[dict[str, str]]:
    """A line for each judge, and for all networks of whose images it is asked in the same way."""
    asked: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for row in panels:
        for judge, one in row["panel"]["judges"].items():
            line = {
                "judge": judge if one["name"] == judge else f"{judge}: {one['name']}",
                "clean images named correctly": numbers.percent(one["names_clean_images_rightly"]),
                "agrees from a confidence of": format_confidence(one["threshold_log_odds"]),
                "clean images recognised": numbers.percent(one["recognises_clean_images"]),
                "noise images with at least the confidence of 95 % of clean images": numbers.percent(
                    one["noise_as_sure"]
                ),
                "left out": "yes" if one["refused"] else "no",
            }
            asked.setdefault(tuple(line.items()), []).append(row["network"])
    return [
        {**dict(cells), "asked about images against": ", ".join(networks)}
        for cells, networks in asked.items()
    ]
