"""Tables, figures and findings of `experiments.training_data`, from its rows alone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fooljax.analysis.comparisons import Unpaired, holm, mann_whitney
from fooljax.analysis.statistics import mean_interval, median, median_interval
from fooljax.analysis.trends import Trend, trend
from fooljax.report.bands import curves
from fooljax.report.dots import strips
from fooljax.report.transfer_rows import NAMES
from fooljax.study import Row, alike, by_network, markdown, numbers
from fooljax.study.findings import Finding, of_units
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.measured_sets import THREAT
from fooljax.study.thresholds_reached import THRESHOLDS, threshold_cells
from fooljax.study.trainings import KINDS, PLAIN_KIND
from fooljax.targets.networks.trainable import NETWORKS

MADE = ("direct", "cppn", "gradient")
"""Images that are made against a network. What comes of them is tested for a trend."""
SHOWN = (*MADE, "random_search_cppn", "uniform_noise")
"""Kinds of images in the figure of sizes."""
SIZES = "images learnt from"
DEPTH = "layers"
FIGURES = {
    "log_odds": "log-odds of the images",
    "scaled_log_odds": "the same after temperature scaling",
    "passes": "passes until the median class",
}
HOW = """\
All networks of one table learnt with equally many gradient steps. **Log-odds** are those of the saved images
of a set for their classes, the median over the set; in brackets an interval of 95 % for further networks that
are trained alike. **Passes** until half of the classes, and until all of them, had 99.99 %; a set that never
came so far counts as more than its budget."""
TREND = """\
**Ten times as many**: what the figure gains, by a straight line for each seed, with a t-interval over seeds.
**Spearman**: the rank correlation over networks, with its interval and two-sided p-value. **Page**: the
two-sided p-value of Page's test for an ordered trend, with seeds as blocks. Gradient ascent counts no passes
until a class is fooled."""
DIVERSE = """\
**Against plain**: the mean log-odds less that of plain networks from as many images. **A12**: the chance that
images reach higher log-odds against a network that was trained so than against a plain one, with its
interval; 0.5 is no difference. p is Mann and Whitney's, two-sided, after Holm's correction over the table."""


class _Point(NamedTuple):
    """Networks that were trained alike, or one that was trained already."""

    words: str
    rows: list[Row]


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the networks, what was made against them, trends, and ways to train."""
    parts = []
    for (architecture,), of in alike(_in_order(rows), "architecture").items():
        title = _title(architecture)
        parts += [f"### {title}the networks\n", _networks(of), ""]
        attacks = [row for row in of if row["kind"] == "attack"]
        for (generator,), made in alike(attacks, "generator").items():
            if generator in MADE:
                parts += [f"### {title}{EXPLANATIONS[generator]}\n", _attacks(made), ""]
        if controls := [row for row in attacks if row["generator"] not in MADE]:
            parts += [f"### {title}controls\n", _controls(controls), ""]
        if lines := _trends(of):
            parts += [f"### {title}trends\n", markdown(lines), ""]
        if lines := _diversity(attacks):
            parts += [f"### {title}ways to train\n", markdown(lines), ""]
    return "\n".join([*parts, HOW, "", TREND, "", DIVERSE, "", THRESHOLDS, "", THREAT, ""])


def _points(rows: Sequence[Row]) -> list[_Point]:
    if rows[0]["architecture"] == "given":
        return [_Point(name, of) for (name,), of in alike(rows, "network").items()]
    return [
        _Point(f"{learnt:,}, {KINDS[kind].words}", of)
        for (kind, learnt), of in alike(rows, "training", "learnt").items()
    ]


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """By what was made, way to train, images or depth, seed and run, however the rows were read."""
    kinds, made = list(KINDS), [None, *EXPLANATIONS]

    def place(row: Row) -> tuple[Any, ...]:
        first = row["architecture"], made.index(row.get("generator"))
        if row["architecture"] == "given":
            return *first, 0, row["depth"] or 0, row["network"], row.get("run", 0)
        return *first, kinds.index(row["training"]), row["learnt"], str(row["seed"]), row.get("run", 0)

    return sorted(rows, key=place)


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
                "how many": f"{len(point.rows)}",
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
        odds = mean_interval(_by_network(point.rows, "log_odds"))
        line = {
            "against": point.words,
            "log-odds": numbers.signed(odds, 1),
            "confidence": numbers.confidence(odds.estimate),
        }
        if rows[0]["generator"] != "gradient":
            for name, figure in (("half of the classes", "passes_to_median"), ("all", "passes_to_all")):
                passes = median_interval(by_network(point.rows, figure, network="network"))
                line[f"passes: {name}"] = numbers.needed(passes, point.rows[0]["budget"])
        lines.append(line | threshold_cells(point.rows))
    return markdown(lines)


def _controls(rows: Sequence[Row]) -> str:
    lines: dict[str, dict[str, str]] = {}
    for (generator,), of in alike(rows, "generator").items():
        for point in _points(of):
            odds = mean_interval(_by_network(point.rows, "log_odds"))
            line = lines.setdefault(point.words, {"log-odds against": point.words})
            line[EXPLANATIONS[generator]] = numbers.signed(odds, 1)
    return markdown(list(lines.values()))


def _by_network(rows: Sequence[Row], figure: str) -> list[list[float]]:
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row["network"], []).append(_figure(row, figure))
    return list(groups.values())


def _figure(row: Row, name: str) -> float:
    if name == "passes":
        return float("inf") if row["passes_to_median"] is None else float(row["passes_to_median"])
    return median(row[name])


def trends(rows: Sequence[Row]) -> dict[tuple[str, str], tuple[Trend, int]]:
    """The trends of one architecture's plain networks along the images they learnt from, or their depth.

    Args:
      rows: of one architecture.
    Returns:
      By generator and figure out of `FIGURES`, the trend, and how many networks it is taken over. Those
      that need more networks are not in it.
    """
    given = rows[0]["architecture"] == "given"
    made = [row for row in _in_order(rows) if row["kind"] == "attack" and row["generator"] in MADE]
    made = [row for row in made if (row["depth"] is not None if given else row["training"] == PLAIN_KIND)]
    found = {}
    for (generator,), of in alike(made, "generator").items():
        levels = sorted({row[_level(given)] for row in of})
        for figure in FIGURES:
            if figure == "passes" and generator == "gradient":
                continue
            values = [
                [_middle(some, figure) for some in alike(of_seed, _level(given)).values()]
                for of_seed in alike(of, "architecture" if given else "seed").values()
            ]
            if len(levels) > 1 and len(levels) * len(values) >= 4:
                found[generator, figure] = trend(levels, values), len(levels) * len(values)
    return found


def _middle(rows: Sequence[Row], figure: str) -> float:
    return median([_figure(row, figure) for row in rows])


def _trends(rows: Sequence[Row]) -> list[dict[str, str]]:
    given = rows[0]["architecture"] == "given"
    return [
        {
            "images": EXPLANATIONS[generator],
            "figure": FIGURES[figure],
            f"ten times as many {DEPTH if given else SIZES}": numbers.signed(one.slope),
            "Spearman": numbers.signed(one.correlation.rho),
            "p": numbers.p_value(one.correlation.p),
            "Page": numbers.NONE if one.page is None else numbers.p_value(one.page),
            "networks": f"{networks}",
        }
        for (generator, figure), (one, networks) in trends(rows).items()
    ]


def diversity(rows: Sequence[Row]) -> dict[tuple[str, str], tuple[float, Unpaired]]:
    """Ways to train against plain training on as many images.

    Args:
      rows: of attacks on networks of one architecture.
    Returns:
      By generator and way to train, the mean log-odds less that of plain networks, and the test.
    """
    found = {}
    made = [row for row in rows if row["generator"] in MADE and row["architecture"] != "given"]
    for (generator, kind, learnt), of in alike(_in_order(made), "generator", "training", "learnt").items():
        plain = [
            row
            for row in made
            if (row["generator"], row["training"], row["learnt"]) == (generator, PLAIN_KIND, learnt)
        ]
        if kind != PLAIN_KIND and plain:
            one, other = (_by_network(some, "log_odds") for some in (of, plain))
            apart = mean_interval(one).estimate - mean_interval(other).estimate
            found[generator, kind] = apart, mann_whitney(one, other)
    return found


def _diversity(rows: Sequence[Row]) -> list[dict[str, str]]:
    found = diversity(rows)
    corrected = holm([test.p for _, test in found.values()]).tolist() if found else []
    return [
        {
            "training": KINDS[kind].words,
            "images": EXPLANATIONS[generator],
            "against plain": f"{apart:+.1f}",
            "A12": numbers.signed(test.a12),
            "p": numbers.p_value(p),
        }
        for ((generator, kind), (apart, test)), p in zip(found.items(), corrected, strict=True)
    ]


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of the study, of one architecture or of several.
    Returns:
      With G a generator of `MADE`. `size_slope_G`: what the log-odds gain for ten times as many images, or
      layers, and `size_scaled_slope_G`, the same after temperature scaling; `size_rho_G`,
      `size_scaled_rho_G` and `size_passes_rho_G`: Spearman's correlation of the log-odds, before and after
      scaling, and of the passes until the median class, with the images or layers. `T_a12_G` for each
      further way T to train: the chance that images reach higher log-odds than against plain networks. All of
      them bear the name of the architecture in front where there are several.
    """
    found: dict[str, Finding] = {}
    by_architecture = alike(rows, "architecture")
    for (architecture,), of in by_architecture.items():
        front = f"{architecture}_" if len(by_architecture) > 1 else ""
        attacks = [row for row in of if row["kind"] == "attack"]
        for (generator, figure), (one, networks) in trends(of).items():
            units, rho = of_units(networks, networks), one.correlation.rho
            middle = figure.removesuffix("log_odds")
            middle = f"{middle}_" if middle and not middle.endswith("_") else middle
            found[f"{front}size_{middle}rho_{generator}"] = Finding(rho, numbers.signed(rho), units)
            if figure != "passes":
                slope = Finding(one.slope, numbers.signed(one.slope), units)
                found[f"{front}size_{middle}slope_{generator}"] = slope
        for (generator, kind), (_, test) in diversity(attacks).items():
            units = of_units(sum(test.counts), sum(test.counts))
            found[f"{front}{kind}_a12_{generator}"] = Finding(test.a12, numbers.signed(test.a12), units)
    return found


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Log-odds against the images learnt from or the depth, before and after scaling; and by way to train."""
    attacks = [row for row in _in_order(rows) if row["kind"] == "attack"]
    found = {}
    for given, file in ((False, "sizes.png"), (True, "depth.png")):
        of = [row for row in attacks if (row["architecture"] == "given") == given]
        if panels := _curves(of, given):
            up = "log-odds of the images"
            found[file] = curves(panels, up=up, log_odds=True, log_scale=not given)
    groups: dict[str, list[float]] = {}
    trained = [row for row in attacks if row["generator"] in MADE and row["architecture"] != "given"]
    for (architecture, generator), of in alike(trained, "architecture", "generator").items():
        others = {row["learnt"] for row in of if row["training"] != PLAIN_KIND}
        for (kind,), some in alike([row for row in of if row["learnt"] in others], "training").items():
            name = f"{_title(architecture)}{NAMES[generator]}: {KINDS[kind].words}"
            groups[name] = [median(one) for one in _by_network(some, "log_odds")]
    if groups:
        found["trainings.png"] = strips(groups, value="log-odds of the images, a dot for each network")
    return found


def _curves(rows: Sequence[Row], given: bool) -> dict[str, dict[str, Any]]:
    """For each architecture, before and after temperature scaling, a curve for each kind of images."""
    panels: dict[str, dict[str, Any]] = {}
    for (architecture, generator), of in alike(rows, "architecture", "generator").items():
        points = alike([row for row in of if given or row["training"] == PLAIN_KIND], _level(given))
        if generator not in SHOWN or len(points) < 2:
            continue
        for figure, more in (("log_odds", ""), ("scaled_log_odds", ", after temperature scaling")):
            panel = panels.setdefault(f"{_title(architecture)}{DEPTH if given else SIZES}{more}", {})
            intervals = [mean_interval(_by_network(one, figure)) for one in points.values()]
            panel[NAMES[generator]] = [key[0] for key in points], intervals
    return panels


def _title(architecture: str) -> str:
    return "" if architecture == "given" else f"{NETWORKS[architecture][0]}: "


def _level(given: bool) -> str:
    """The entry along which there is a trend."""
    return "depth" if given else "learnt"
