"""Tables and figures of `experiments.repetition`, from its rows alone."""

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
from fooljax.study import Row, alike, by_network, markdown, numbers
from fooljax.study.measured_sets import CLEAN, NAMES, THREAT, median_of_runs, sets_table

EFFECTS_OF = ("cppn_paper", "random_search_cppn_paper", "random_cppn_paper", CLEAN)
"""Generators whose copies are tabulated: the paper's CPPNs, their controls, and clean images."""
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
period with the most copies, and a window is a copy from a concordance of 0.7 on. A window that is removed
gets the median colour of a ring of two pixels around it, without other removed windows. Windows alone stand
on the median colour of the image. Every change is the mean over several draws, and is paired with the same
change to as many windows of the same size at random places. Random windows overlap with copies, too. Changes
are in log-odds (nats) of the class; 4.6 of them lie between 99 and 99.99 %."""
UNITS = """\
The value of a run is the mean over its images with repeated elements. Each network counts as one
observation, the median of its runs. Brackets are t-intervals of 95 % for further networks that are trained
alike. p is Wilcoxon's, two-sided, of the differences to random windows, corrected by Holm over the table.
With five networks it cannot be less than 0.06, so read the interval and the effect size (from -1 to 1)."""


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the sets, how often elements repeat, and what copies do."""
    parts = ["### The images\n", sets_table(rows), "", THREAT, "\n### Repeated elements\n", _found(rows)]
    for (generator,), of in alike(rows, "generator").items():
        if generator in EFFECTS_OF and any(row["repeating"] for row in of):
            parts += [f"\n### What copies do: {NAMES[generator]}\n", _effects(of)]
    return "\n".join([*parts, "", HOW, "", UNITS, ""])


def _found(rows: Sequence[Row]) -> str:
    lines = []
    for (generator,), of in alike(rows, "generator").items():
        effects = [one for row in of for one in row["effects"]]
        shares = [{**row, "share": row["repeating"] / row["images"]} for row in of]
        lines.append(
            {
                "images": NAMES[generator],
                "with repeated elements": f"{len(effects)} of {sum(row['images'] for row in of)}",
                "share": numbers.shares(share_interval(by_network(shares, "share", network="network"))),
                "copies (median)": _median(effects, lambda one: one["copies"]),
                "pixels of an element (median)": _median(
                    effects, lambda one: one["size"][0] * one["size"][1]
                ),
                "classes": ", ".join(map(str, sorted({one["class"] for one in effects}))) or numbers.NONE,
            }
        )
    return markdown(lines)


def _median(effects: Sequence[dict[str, Any]], of: Any) -> str:
    return numbers.plain(float(np.median([of(one) for one in effects]))) if effects else numbers.NONE


def change(row: Row, name: str, twin: str = "") -> float | None:
    """What a change does to the log-odds, the mean over the images of a row; or what it does beyond its twin.

    Args:
      row: of one set.
      name: of the change.
      twin: of the change that is subtracted; "" for none.
    """
    start = GROUND if "alone" in name else "before"
    values = [
        one[name] - (one[twin] if twin else one[start])
        for one in row["effects"]
        if name in one and (not twin or twin in one)
    ]
    return float(np.mean(values)) if values else None


def _effects(rows: Sequence[Row]) -> str:
    lines: list[dict[str, str]] = []
    tested: list[tuple[int, float]] = []
    for name in (*CHANGES[:2], *WITHOUT_TWIN[:2], *CHANGES[2:4], WITHOUT_TWIN[2], *CHANGES[4:]):
        own = median_of_runs(rows, lambda row, name=name: change(row, name))  # type: ignore[misc]
        if not own:
            continue
        line = {"change": WORDS[name], "copies": signed(mean_interval(own))}
        line |= dict.fromkeys(("random windows", "difference", "effect size"), numbers.NONE)
        if name in CHANGES:
            twin = f"random_{name}"
            other = median_of_runs(rows, lambda row, twin=twin: change(row, twin))  # type: ignore[misc]
            apart = median_of_runs(rows, lambda row, name=name, twin=twin: change(row, name, twin))  # type: ignore[misc]
            test = signed_rank(apart)
            tested.append((len(lines), test.p))
            line |= {
                "random windows": signed(mean_interval(other)),
                "difference": signed(mean_interval(apart)),
                "effect size": f"{test.rank_biserial:+.2f}",
            }
        lines.append(line)
    corrected = holm([p for _, p in tested])
    for line in lines:
        line["p"] = numbers.NONE
    for (place, _), p in zip(tested, corrected, strict=True):
        lines[place]["p"] = numbers.plain(float(p), 2)
    return markdown(lines)


def signed(interval: Interval) -> str:
    """A difference with its sign, and its interval."""
    if not np.isfinite([interval.low, interval.high]).all():
        return f"{interval.estimate:+.2f}"
    return f"{interval.estimate:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Images with their copies outlined, the log-odds as copies go, and the mean change over images."""
    evolved = [row for row in rows if row["generator"] == "cppn_paper" and "example" in row]
    best = {row["network"]: row for row in sorted(evolved, key=lambda row: len(row["example"]["copies"]))}
    found = {}
    if best:
        found["examples.png"] = _examples([best[name]["example"] for name in sorted(best)])
        found["copies.png"] = curves(
            {
                "copies or windows removed": _course(evolved, "removed"),
                "copies or windows alone": _course(evolved, "alone"),
            },
            up="change in log-odds of the class",
            log_scale=False,
            level=0.0,
        )
    return found


def _course(rows: Sequence[Row], kind: str) -> dict[str, Any]:
    """The mean change for copies and for random windows, against how many."""
    found = {}
    counts = ("one", "half", "but_one", "all")
    for label, prefix in (("copies of the element", ""), ("random windows of equal area", "random_")):
        names = [f"{prefix}{kind}_{count}" for count in counts]
        groups = {
            count: median_of_runs(rows, lambda row, name=name: change(row, name))  # type: ignore[misc]
            for count, name in zip(counts, names, strict=True)
        }
        told = {count: mean_interval(group) for count, group in groups.items() if group}
        found[label] = ([counts.index(count) for count in told], list(told.values()))
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
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    height, width = example["size"]
    for top, left in example["copies"]:
        axes.add_patch(
            Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor="#e0552b", lw=1.3)
        )
    axes.set_xticks([])
    axes.set_yticks([])
    named = format_confidence(example["log_odds"][0])
    axes.set_title(f"“{example['class']}”, {named}, {len(example['copies'])} copies", fontsize=8)
