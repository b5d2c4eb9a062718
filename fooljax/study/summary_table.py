"""One table of many runs: a line for each combination of settings, with intervals over networks."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fooljax.analysis.statistics import Interval, median_interval, share_interval
from fooljax.engine.log_odds import FOOLED_CONFIDENCE, format_confidence
from fooljax.errors import shown
from fooljax.study import numbers
from fooljax.study.summaries import NEVER_COMPARED
from fooljax.study.tables import UNIT, markdown, values_by_network
from fooljax.study.task import Row


class Line(NamedTuple):
    """The numbers of one line of the table.

    Attributes:
      networks: digests of the networks, in the order met.
      runs: how many in all.
      generations: the most that a run had.
      runs_with_median: runs whose median confidence was 0.9999 or more at the end.
      generation_of_median: when it came to that.
      generation_of_all: when all classes did.
      runs_with_all: how many ever did.
      share_of_images: of saved images with 0.9999 or more.
      lowest: the lowest confidence of any saved image.
      no_judge: share of saved images with 0.9999 or more with which no judge agrees; None where a run was
        shown to none.
    """

    networks: tuple[str, ...]
    runs: int
    generations: int
    runs_with_median: int
    generation_of_median: Interval
    generation_of_all: Interval
    runs_with_all: int
    share_of_images: Interval
    lowest: float
    no_judge: Interval | None


def summarise(rows: Sequence[Row]) -> Line:
    """The numbers of one line, from the rows of its runs."""
    by_network = functools.partial(values_by_network, rows, network="target_sha256", missing=np.inf)
    return Line(
        networks=tuple(dict.fromkeys(row["target_sha256"] for row in rows)),
        runs=len(rows),
        generations=max(row["generations"] for row in rows),
        runs_with_median=sum(row["median_confidence"] >= FOOLED_CONFIDENCE for row in rows),
        generation_of_median=median_interval(by_network("generation_of_median")),
        generation_of_all=median_interval(by_network("generation_of_all")),
        runs_with_all=sum(row["generation_of_all"] is not None for row in rows),
        share_of_images=share_interval(by_network("share_of_images")),
        lowest=min(row["lowest_confidence"] for row in rows),
        no_judge=None
        if any(row.get("share_no_judge") is None for row in rows)
        else share_interval(by_network("share_no_judge")),
    )


def cells(figures: Line) -> dict[str, str]:
    """The numbers of a line as they are written, by the head of their column."""
    runs = figures.runs
    with np.errstate(divide="ignore"):
        odds = np.log(figures.lowest) - np.log1p(-figures.lowest)
    return {
        "networks x runs": f"{len(figures.networks)} x {runs / len(figures.networks):g}",
        "runs with median >= 99.99 % at the end": f"{figures.runs_with_median} of {runs}",
        "generation of the median": numbers.needed(figures.generation_of_median, figures.generations),
        "generation of all classes": (
            f"{numbers.needed(figures.generation_of_all, figures.generations)}; "
            f"{figures.runs_with_all} of {runs} runs"
        ),
        "images >= 99.99 %": numbers.shares(figures.share_of_images),
        "lowest": format_confidence(float(odds)),
    }


def _no_judge(figures: Line) -> str:
    return numbers.NONE if figures.no_judge is None else numbers.shares(figures.no_judge)


def group_by_settings(rows: Sequence[Row]) -> dict[tuple[tuple[str, str], ...], list[Row]]:
    """Rows by the settings in which some of them differ: `((name, value), ...)` to the rows with these."""
    settings = [row["settings"] for row in rows]
    names = list(dict.fromkeys(name for one in settings for name in one if name not in NEVER_COMPARED))
    differing = [name for name in names if len({repr(one[name]) for one in settings if name in one}) > 1]
    lines: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for one, row in zip(settings, rows, strict=True):
        values = tuple((name, shown(one.get(name, numbers.NONE))) for name in differing)
        lines.setdefault(values, []).append(row)
    return lines


def table(rows: Sequence[Row]) -> str:
    """The table in Markdown, what its unit is, and which networks it speaks of."""
    lines = [(dict(values), summarise(group)) for values, group in group_by_settings(rows).items()]
    sets: dict[frozenset[str], tuple[str, ...]] = {}
    for _, figures in lines:
        sets.setdefault(frozenset(figures.networks), figures.networks)
    letters = {one: chr(ord("A") + index) if index < 26 else f"{index + 1}" for index, one in enumerate(sets)}
    asked = any(figures.no_judge is not None for _, figures in lines)
    written = [
        {
            **{name.replace("_", " "): value for name, value in values.items()},
            "networks": letters[frozenset(figures.networks)],
            **cells(figures),
            **({"fool, and no judge agrees": _no_judge(figures)} if asked else {}),
        }
        for values, figures in lines
    ]
    named = (f"{letters[one]}: {' '.join(name[:8] for name in names)}" for one, names in sets.items())
    return f"{markdown(written)}\n\n{UNIT}\nNetworks by the beginning of their digest: {'; '.join(named)}."
