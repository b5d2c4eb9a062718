"""Tables and figures of `experiments.training_data`, from its rows alone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fooljax.analysis.comparisons import holm
from fooljax.analysis.statistics import mean_interval, median, median_interval
from fooljax.report.bands import curves
from fooljax.report.dots import columns
from fooljax.report.training_trends import (
    FIGURES,
    MADE,
    diversity,
    figures_by_network,
    level_of,
    sort_rows,
    trends,
)
from fooljax.report.transfer_rows import NAMES
from fooljax.study import Row, group_by, markdown, numbers, values_by_network
from fooljax.study.attacks import attempts, strength, strength_alone
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.measured_sets import THREAT
from fooljax.study.tables import ALIKE, ONE_EACH
from fooljax.study.thresholds_reached import threshold_cells, threshold_words
from fooljax.study.trainings import KINDS, PLAIN_KIND
from fooljax.targets.networks.trainable import NETWORKS

SHOWN = (*MADE, "random_search_cppn", "uniform_noise")
"""Kinds of images in the figure of sizes."""
SIZES = "images learnt from"
DEPTH = "layers"
HOW = """\
**Log-odds**: of the saved images of a set for their classes; the median over the set, with a 95 % interval in
brackets. **Passes**: the network passes until half of the classes, or all of them, had 99.99 %. A set that
never got there counts as more than its budget."""
TRAINED = """\
All networks of one table were trained with equally many gradient steps. Intervals are for further networks
that are trained alike."""
GIVEN = """\
Others trained these networks, which differ in their number of layers. There is one of each, so its 95 %
intervals are for further runs against it; this holds for the thresholds, too. A trend over so few networks is
about these networks alone."""
TREND = """\
**Ten times as many**: how much the quantity grows, by a straight line for each seed, with a t-interval over
seeds where there are several. **Spearman**: the rank correlation over networks, with its interval and
two-sided p. **Page**: the two-sided p of Page's test for an ordered trend, with seeds as blocks. All three
take what the tables show of a network: the mean log-odds of its runs, and the median of their passes. For
gradient ascent, the passes until a class is fooled are not counted."""
DIVERSE = """\
**Against plain**: the mean log-odds minus that against plain networks, which were trained on as many images,
with a 95 % interval for further networks; and the same after temperature scaling. **A12**: the chance that
images reach higher log-odds against a network trained in this way than against a plain one, with its
interval; 0.5 is no difference. p is from the Mann-Whitney test, two-sided, with Holm's correction over the
table."""

STRENGTH = """\
Networks are **overcome** if the median set of some search or ascent has 99.99 % for its median class. Where
they are not, the table names the signs of a weak attack, and what was not tested. The last columns ask the
same of one kind of evolution alone: that gradient ascent fools a network does not show that evolution was
tried hard. **Plateau** and **budget**, whether a larger budget would do better or worse, cannot be told from
a single budget."""


class _Point(NamedTuple):
    """Networks that were trained alike, or one that was trained already."""

    words: str
    rows: list[Row]


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the networks, what was made against them, trends, and ways to train."""
    given = {row["architecture"] == "given" for row in rows}
    whom = ONE_EACH if given == {True} else ALIKE
    parts = [HOW, "", threshold_words(whom), "", THREAT, ""]
    for (architecture,), group in group_by(sort_rows(rows), "architecture").items():
        title = _title(architecture)
        trained = GIVEN if architecture == "given" else TRAINED
        parts += [f"### {title}the networks\n", trained, "", _networks(group), ""]
        attacks = [row for row in group if row["kind"] == "attack"]
        for (generator,), made in group_by(attacks, "generator").items():
            if generator in MADE:
                parts += [f"### {title}{EXPLANATIONS[generator]}\n", _attacks(made), ""]
        if controls := [row for row in attacks if row["generator"] not in MADE]:
            parts += [f"### {title}controls\n", _controls(controls), ""]
        if lines := _trends(group):
            parts += [f"### {title}trends\n", TREND, "", markdown(lines), ""]
        if diverse := _diversity(attacks):
            parts += [f"### {title}ways to train\n", DIVERSE, "", markdown(diverse), ""]
        if strengths := _strengths(attacks):
            head = f"### {title}were the attacks strong enough?\n"
            parts += [head, STRENGTH, "", markdown(strengths), ""]
    return "\n".join(parts)


def _points(rows: Sequence[Row]) -> list[_Point]:
    if rows[0]["architecture"] == "given":
        return [_Point(name, group) for (name,), group in group_by(rows, "network").items()]
    return [
        _Point(f"{learnt:,}, {KINDS[kind].words}", group)
        for (kind, learnt), group in group_by(rows, "training", "learnt").items()
    ]


def _networks(rows: Sequence[Row]) -> str:
    lines = []
    for point in _points([row for row in rows if row["kind"] == "network"]):
        accuracy, odds, temperature = (
            mean_interval([[value] for value in values])
            for values in (
                [row["clean_accuracy"] for row in point.rows],
                [row["clean_log_odds"] for row in point.rows],
                [row["thresholds"]["temperature"] for row in point.rows],
            )
        )
        rejected = [row["clean_rejected"] for row in point.rows if row["clean_rejected"] is not None]
        lines.append(
            {
                "networks": point.words,
                "number of networks": f"{len(point.rows)}",
                "clean accuracy": numbers.percent(accuracy.estimate),
                "median clean confidence": numbers.confidence(odds.estimate),
                "temperature": numbers.signed(temperature),
                "clean images rejected": numbers.percent(float(np.mean(rejected)) if rejected else None, 2),
            }
        )
    return markdown(lines)


def _attacks(rows: Sequence[Row]) -> str:
    lines = []
    for point in _points(rows):
        odds = mean_interval(figures_by_network(point.rows, "log_odds"))
        line = {
            "against": point.words,
            "log-odds": numbers.signed(odds, 1),
            "confidence": numbers.confidence(odds.estimate),
        }
        if rows[0]["generator"] != "gradient":
            for name, figure in (("half of the classes", "passes_to_median"), ("all", "passes_to_all")):
                passes = median_interval(values_by_network(point.rows, figure, missing=np.inf))
                line[f"passes until {name}"] = numbers.needed(passes, point.rows[0]["budget"])
        lines.append(line | threshold_cells(point.rows))
    return markdown(lines)


def _controls(rows: Sequence[Row]) -> str:
    lines: dict[str, dict[str, str]] = {}
    for (generator,), group in group_by(rows, "generator").items():
        for point in _points(group):
            odds = mean_interval(figures_by_network(point.rows, "log_odds"))
            line = lines.setdefault(point.words, {"log-odds against": point.words})
            line[EXPLANATIONS[generator]] = numbers.signed(odds, 1)
    return markdown(list(lines.values()))


def _strengths(rows: Sequence[Row]) -> list[dict[str, str]]:
    """For each point what the attacks say of their own strength: all together, and the evolved ones alone."""
    lines = []
    for point in _points(rows) if rows else ():
        if not attempts(point.rows):
            continue
        line = {"against": point.words, "all attacks": strength(point.rows, []).words()}
        for generator in ("direct", "cppn"):
            alone = strength_alone(point.rows, [], generator)
            line[f"{NAMES[generator]} alone"] = alone.words() if alone else numbers.NONE
        lines.append(line)
    return lines


def _trends(rows: Sequence[Row]) -> list[dict[str, str]]:
    given = rows[0]["architecture"] == "given"
    return [
        {
            "images": EXPLANATIONS[generator],
            "quantity": FIGURES[figure],
            f"ten times as many {DEPTH if given else SIZES}": numbers.signed(one.slope),
            "Spearman": numbers.signed(one.correlation.rho),
            "p": numbers.p_value(one.correlation.p),
            "Page": numbers.NONE if one.page is None else numbers.p_value(one.page),
            "networks": f"{networks}",
        }
        for (generator, figure), (one, networks) in trends(rows).items()
    ]


def _diversity(rows: Sequence[Row]) -> list[dict[str, str]]:
    found = diversity(rows)
    corrected = holm([one.test.p for one in found.values()]).tolist() if found else []
    return [
        {
            "training": KINDS[kind].words,
            "images": EXPLANATIONS[generator],
            "against plain": numbers.signed(one.apart, 1),
            "after scaling": numbers.signed(one.scaled, 1),
            "A12": numbers.signed(one.test.a12),
            "p": numbers.p_value(p),
        }
        for ((generator, kind), one), p in zip(found.items(), corrected, strict=True)
    ]


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Log-odds against the images learnt from or the depth, before and after scaling; and by way to train."""
    attacks = [row for row in sort_rows(rows) if row["kind"] == "attack"]
    found = {}
    for given, file in ((False, "sizes.png"), (True, "depth.png")):
        group = [row for row in attacks if (row["architecture"] == "given") == given]
        if panels := _curves(group, given):
            up = "log-odds of the images"
            found[file] = curves(panels, up=up, log_odds=True, log_scale=not given)
    groups: dict[str, dict[str, list[float]]] = {}
    trained = [row for row in attacks if row["generator"] in MADE and row["architecture"] != "given"]
    for (architecture, generator), group in group_by(trained, "architecture", "generator").items():
        others = {row["learnt"] for row in group if row["training"] != PLAIN_KIND}
        for (kind,), some in group_by([row for row in group if row["learnt"] in others], "training").items():
            beside = groups.setdefault(f"{_title(architecture)}{NAMES[generator]}", {})
            beside[KINDS[kind].words] = [median(one) for one in figures_by_network(some, "log_odds")]
    if groups:
        found["trainings.png"] = columns(groups, value="median log-odds of the images, by network")
    return found


def _curves(rows: Sequence[Row], given: bool) -> dict[str, dict[str, Any]]:
    """For each architecture, before and after temperature scaling, a curve for each kind of images."""
    panels: dict[str, dict[str, Any]] = {}
    for (architecture, generator), group in group_by(rows, "architecture", "generator").items():
        points = group_by([row for row in group if given or row["training"] == PLAIN_KIND], level_of(given))
        if generator not in SHOWN or len(points) < 2:
            continue
        for figure, more in (("log_odds", ""), ("scaled_log_odds", ", after temperature scaling")):
            panel = panels.setdefault(f"{_title(architecture)}{DEPTH if given else SIZES}{more}", {})
            intervals = [mean_interval(figures_by_network(one, figure)) for one in points.values()]
            panel[NAMES[generator]] = [key[0] for key in points], intervals
    return panels


def _title(architecture: str) -> str:
    return "" if architecture == "given" else f"{NETWORKS[architecture][0]}: "
