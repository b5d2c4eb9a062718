"""Tables, figures and findings of `experiments.repetition`, from its rows alone."""

import io
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from fooljax.analysis.comparisons import holm, signed_rank
from fooljax.analysis.copies_removed import CHANGES, GROUND, WITHOUT_TWIN
from fooljax.analysis.statistics import Interval, mean_interval, share_interval
from fooljax.engine.log_odds import format_confidence
from fooljax.report.bands import curves
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, describe_sample, share
from fooljax.study.measured_sets import ARCHIVE, CLEAN, NAMES, THREAT, sets_table, sort_rows
from fooljax.study.tables import speaks_for, values_by_network

EFFECTS_OF = (
    *("cppn_paper", "cppn", ARCHIVE),
    *("random_search_cppn_paper", "random_cppn_paper", "random_search_cppn", "random_cppn"),
    CLEAN,
)
"""Generators whose copies are tabulated: evolved CPPNs, their controls, and clean images."""
CHANGED = {
    "": "cppn_paper",
    "cppn_": "cppn",
    "archive_": ARCHIVE,
    "random_search_cppn_": "random_search_cppn",
}
COUNTED = {
    "clean_": CLEAN,
    "random_cppn_": "random_cppn",
    "uniform_noise_": "uniform_noise",
    "random_search_cppn_paper_": "random_search_cppn_paper",
}
"""How the names of findings begin: of what copies do, and of how many images repeat an element."""
MOST_LISTED = 20
"""Classes that a table names one by one, at most."""
WORDS = {
    "removed_one": "one copy removed",
    "removed_half": "half of the copies removed",
    "removed_but_one": "all copies but one removed",
    "removed_all": "all copies removed",
    "alone_one": "one copy alone on the ground",
    "alone_half": "half of the copies alone",
    "alone_all": "all copies alone",
    "added_one": "one copy added",
    "added_many": "as many copies added as there is room for",
}
HOW = """\
**How.** The period is the first peak of the image's concordance with itself. The element is the window of one
period that has the most copies. A window is a copy if its concordance is 0.7 or more. A removed window gets
the median colour of a ring of two pixels around it, other removed windows left out. When windows stand alone,
the rest has the median colour of the image. Every change is the mean over several draws. It is paired with
the same change to as many windows of the same size at random places, which may overlap with copies. If a copy
is added, a window from a random place is added in its stead. Changes are in log-odds (nats) of the class;
from 99 to 99.99 % it is 4.6 nats."""
UNITS = """\
Each network counts as one observation: the mean over all its images with repeated elements. Brackets are 95 %
t-intervals{whom} p is from Wilcoxon's test, two-sided, of the differences to random windows, with Holm's
correction over the table. With {networks} networks p is at least {least}, so look at the interval and the
effect size (from -1 to 1)."""

OF_IMAGES = """\
There is one network. Each image with repeated elements counts as one observation. Brackets are 95 %
t-intervals for further classes of such a search, and not for other networks. p is from Wilcoxon's test,
two-sided, of the differences to random windows, with Holm's correction over the table."""


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      Of images that the paper's search evolved. `repeating`: the share with a repeated element.
      `removed_one`, `removed_half` and `added_many`: the change in log-odds; `removed_half_beyond` and so on:
      what it is more than with random windows of equal area.
      The same with `cppn_` before it, of images that our own CPPNs drew, `archive_`, of a finished run, and
      `random_search_cppn_`, of the best random CPPNs. `clean_repeating`, `random_cppn_repeating`,
      `uniform_noise_repeating` and `random_search_cppn_paper_repeating`: the share alone.
    """
    found = {}
    for before, kind in (CHANGED | COUNTED).items():
        some = [row for row in rows if row["generator"] == kind]
        if some:
            found[f"{before}repeating"] = share(_repeating(some), _units(some))
        for name in ("removed_one", "removed_half", "added_many") if before in CHANGED else ():
            for figure, groups in (
                (f"{before}{name}", change(some, name)),
                (f"{before}{name}_beyond", change(some, name, f"random_{name}")),
            ):
                if groups:
                    value = mean_interval(groups)
                    found[figure] = Finding(value, numbers.signed(value), _units(some))
    return found


def _units(rows: Sequence[Row]) -> str:
    return describe_sample(len(rows), len(group_by(rows, "network")))


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the sets, how often elements repeat, and what copies do."""
    rows = sort_rows(rows)
    parts = ["### The images\n", sets_table(rows), "", THREAT, "\n### Repeated elements\n", _found(rows)]
    for (generator,), group in group_by(rows, "generator").items():
        if generator in EFFECTS_OF and any(row["repeating"] for row in group):
            parts += [f"\n### What copies do: {NAMES[generator]}\n", _effects(group)]
    names = {row["network"] for row in rows}
    least = numbers.plain(2.0 ** (1 - len(names)), 2)
    units = UNITS.format(networks=len(names), least=least, whom=speaks_for(names))
    units = units if len(names) > 1 else OF_IMAGES
    return "\n".join([*parts, "", HOW, "", units, ""])


def _found(rows: Sequence[Row]) -> str:
    lines = []
    for (generator,), group in group_by(rows, "generator").items():
        effects = [one for row in group for one in row["effects"]]
        lines.append(
            {
                "images": NAMES[generator],
                "with repeated elements": f"{len(effects)} of {sum(row['images'] for row in group)}",
                "share": numbers.shares(share_interval(_repeating(group))),
                "copies (median)": _median(effects, lambda one: one["copies"]),
                "pixels of an element (median)": _median(
                    effects, lambda one: one["size"][0] * one["size"][1]
                ),
                "classes": _classes(sorted({one["class"] for one in effects})),
            }
        )
    return markdown(lines)


def _classes(classes: Sequence[int]) -> str:
    """The classes, or how many they are, where they would fill the table."""
    if len(classes) > MOST_LISTED:
        return f"{len(classes)} of them"
    return ", ".join(map(str, classes)) or numbers.NONE


def _repeating(rows: Sequence[Row]) -> list[list[float]]:
    """The share of each set's images with a repeated element, by network."""
    return values_by_network(rows, lambda row: row["repeating"] / row["images"])


def _median(effects: Sequence[dict[str, Any]], value_of: Any) -> str:
    return numbers.plain(float(np.median([value_of(one) for one in effects]))) if effects else numbers.NONE


def change(rows: Sequence[Row], name: str, less: str = "") -> list[list[float]]:
    """What a change does to the log-odds: for each network the mean over all images with repeated elements.

    Args:
      rows: of one generator.
      name: of the change.
      less: another change, whose effect is subtracted.
    Returns:
      Values as the statistics take them, one for each network; of one network alone one for each image. Where
      a change has a twin, only images take part that both could be made of.
    """
    twin = name.removeprefix("random_") in CHANGES
    pair = {name.removeprefix("random_"), f"random_{name.removeprefix('random_')}"} if twin else {name}
    start = less or (GROUND if "alone" in name else "before")
    groups: dict[str, list[float]] = {}
    for row in rows:
        changes = [one[name] - one[start] for one in row["effects"] if pair <= one.keys()]
        groups.setdefault(row["network"], []).extend(changes)
    if len(groups) == 1:
        return [[float(value)] for values in groups.values() for value in values]
    return [[float(np.mean(groups[network]))] for network in sorted(groups) if groups[network]]


def _effects(rows: Sequence[Row]) -> str:
    lines: list[dict[str, str]] = []
    tested: list[tuple[int, float]] = []
    for name in (*CHANGES[:2], *WITHOUT_TWIN[:2], *CHANGES[2:4], WITHOUT_TWIN[2], *CHANGES[4:]):
        if not (own := change(rows, name)):
            continue
        line = {"change": WORDS[name], "copies": signed(mean_interval(own))}
        line |= dict.fromkeys(("random windows", "difference", "effect size", "p"), numbers.NONE)
        if name in CHANGES:
            apart = change(rows, name, f"random_{name}")
            test = signed_rank(apart)
            tested.append((len(lines), test.p))
            line["random windows"] = signed(mean_interval(change(rows, f"random_{name}")))
            line["difference"] = signed(mean_interval(apart))
            line["effect size"] = f"{test.rank_biserial:+.2f}"
        lines.append(line)
    for (place, _), p in zip(tested, holm([p for _, p in tested]), strict=True):
        lines[place]["p"] = numbers.p_value(float(p))
    images = sum(len(row["effects"]) for row in rows)
    overlap = numbers.percent(float(np.mean([one["overlap"] for row in rows for one in row["effects"]])), 0)
    return f"{markdown(lines)}\n\n{images} images; {overlap} of a random window's area lies on copies."


def signed(interval: Interval) -> str:
    """A difference with its sign, and its interval."""
    if not np.isfinite([interval.low, interval.high]).all():
        return f"{interval.estimate:+.2f}"
    return f"{interval.estimate:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Images with their copies outlined, the log-odds as copies go, and the mean change over images."""
    shown = [row for row in rows if "example" in row]
    kinds = [[row for row in shown if row["generator"] == kind] for kind in ("cppn_paper", ARCHIVE)]
    evolved = next(filter(None, kinds), [])
    best = {row["network"]: row for row in sorted(evolved, key=lambda row: len(row["example"]["copies"]))}
    found = {}
    if best:
        found["examples.png"] = _examples([best[name]["example"] for name in sorted(best)])
        found["copies.png"] = curves(
            {"removed": _course(evolved, "removed"), "alone, the rest is ground": _course(evolved, "alone")},
            up="change in log-odds of the class",
            log_scale=False,
            level=0.0,
            places_called=("one", "half", "all but one", "all"),
        )
    return found


def _course(rows: Sequence[Row], kind: str) -> dict[str, Any]:
    """The mean change for copies and for random windows, against how many."""
    found = {}
    counts = ("one", "half", "but_one", "all")
    for label, prefix in (("copies of the element", ""), ("random windows of equal area", "random_")):
        names = [f"{prefix}{kind}_{count}" for count in counts]
        groups = {count: change(rows, name) for count, name in zip(counts, names, strict=True)}
        means = {count: mean_interval(group) for count, group in groups.items() if group}
        found[label] = ([counts.index(count) for count in means], list(means.values()))
    return found


@own_style()
def _examples(examples: Sequence[dict[str, Any]]) -> bytes:
    """A line for each image: whole, with half of the copies, with one, and the log-odds as copies go."""
    figure = Figure(figsize=(9.0, 1.9 * len(examples) + 0.5), layout="constrained")
    grid = figure.subplots(len(examples), 2, squeeze=False, width_ratios=(1.0, 2.6))
    for (left, right), example in zip(grid, examples, strict=True):
        _outlined(left, example)
        removed = np.arange(len(example["log_odds"]))
        right.plot(removed, example["log_odds"], marker="o", ms=3, label="copies removed")
        others = example["random_log_odds"]
        right.plot(np.arange(len(others)), others, marker="s", ms=3, ls="--", label="random windows removed")
        right.axhline(0.0, color="black", lw=0.6, ls=":")
        right.set_ylabel("log-odds", fontsize=8)
        right.tick_params(labelsize=8)
        right.grid(alpha=0.25)
    grid[0, 1].legend(fontsize=8)
    grid[-1, 1].set_xlabel("removed one after another", fontsize=8)
    return png_bytes(figure)


def _outlined(axes: Axes, example: dict[str, Any]) -> None:
    with Image.open(io.BytesIO(b64decode(example["png"])), formats=["PNG"]) as file:
        pixels = np.asarray(file)
    lines, columns = example.get("shape", pixels.shape[:2])
    ends = (-0.5, columns - 0.5, lines - 0.5, -0.5)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=ends)
    height, width = example["size"]
    for top, left in example["copies"]:
        axes.add_patch(
            Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor="#e0552b", lw=1.3)
        )
    axes.set_xticks([])
    axes.set_yticks([])
    named = format_confidence(example["log_odds"][0])
    axes.set_title(f"“{example['class']}”, {named}, {len(example['copies'])} copies", fontsize=8)
