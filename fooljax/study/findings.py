"""What an experiment found, as numbers by name: claims are held against them.

Every experiment has a function `findings(rows) -> dict[str, Finding]`. A name that its rows do not give is
not in the result.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fooljax.analysis.statistics import Interval, share_interval
from fooljax.engine.log_odds import confidence
from fooljax.study import numbers, summaries, summary_table
from fooljax.study.tables import values_by_network
from fooljax.study.task import Row


class Finding(NamedTuple):
    """One number that an experiment found.

    Attributes:
      value: the estimate and the ends of its interval of 95 %; NaN as ends where there is no interval.
      written: the same as a table writes it.
      of: what it was measured of, as "25 runs on 5 networks".
      budget: where the runs ended; what is beyond was not looked at, and stands as infinite.
    """

    value: Interval
    written: str
    of: str
    budget: float = math.inf


Findings = Callable[[Sequence[Row]], Mapping[str, Finding]]
"""The function of an experiment."""


def share(groups: Sequence[Sequence[float]], sample: str) -> Finding:
    """A share, with its interval over networks; of one network without.

    Args:
      groups: for each network the shares of its runs.
      sample: what it was measured of.
    """
    value = share_interval(groups)
    value = value if len(groups) > 1 else point_estimate(value.estimate)
    return Finding(
        value, numbers.percent(value.estimate) if len(groups) < 2 else numbers.shares(value), sample
    )


def point_estimate(estimate: float) -> Interval:
    """An estimate without an interval, whose ends are NaN."""
    return Interval(estimate, math.nan, math.nan)


def of_searches(rows: Sequence[Row]) -> dict[str, Finding]:
    """What searches found, from the contents of their `summary.json`.

    Args:
      rows: summaries of searches that differ in seed and network alone.
    Returns:
      `generation_of_all` and `generation_of_median`: when all classes, and the median one, had 99.99 %.
      `share_9999` and `share_99`: of the saved images with so much confidence. `median_confidence`: of the
      saved images of all runs, without an interval.
    """
    lines = [one for row in rows for one in summaries.rows_of(Path(str(row["experiment"])), row)]
    networks = len({row["target_sha256"] for row in rows})
    line, sample = summary_table.summarise(lines), describe_sample(len(lines), networks)
    level = [row["rescored"] for row in rows]
    median = sorted(one["median_log_odds"] for one in level)[(len(level) - 1) // 2]
    found = {
        name: Finding(value, numbers.needed(value, line.generations), sample, line.generations)
        for name, value in (
            ("generation_of_all", line.generation_of_all),
            ("generation_of_median", line.generation_of_median),
        )
    }
    groups: dict[str, list[float]] = {}
    for row, one in zip(rows, level, strict=True):
        groups.setdefault(row["target_sha256"], []).append(one["shares"]["0.99"])
    return found | {
        "share_9999": share(values_by_network(lines, "share_of_images", network="target_sha256"), sample),
        "share_99": share(list(groups.values()), sample),
        "median_confidence": Finding(
            point_estimate(float(confidence(median))), numbers.confidence(median, 1), sample
        ),
    }


def of_ascents(rows: Sequence[Row]) -> dict[str, Finding]:
    """What gradient ascents found, from the contents of their `summary.json`.

    Args:
      rows: summaries of ascents that differ in seed and network alone.
    Returns:
      For each method METHOD of all of them `METHOD_share_9999`, the share of the saved images with 99.99 %.
    """
    methods = [name for name in rows[0]["methods"] if all(name in row["methods"] for row in rows)]
    found = {}
    for method in methods:
        groups: dict[str, list[float]] = {}
        for row in rows:
            rescored = row["methods"][method]["rescored"]
            groups.setdefault(row["target_sha256"], []).append(
                rescored["images_at_9999"] / rescored["images"]
            )
        images = sum(row["methods"][method]["rescored"]["images"] for row in rows)
        found[f"{method}_share_9999"] = share(
            list(groups.values()), f"{images:,} images, {_counted(len(groups), 'network')}"
        )
    return found


def describe_sample(runs: int, networks: int) -> str:
    """What a number was measured of, in words: "25 runs on 5 networks"."""
    return f"{_counted(runs, 'run')} on {_counted(networks, 'network')}"


def _counted(count: int, word: str) -> str:
    return f"{'one' if count == 1 else count} {word}{'' if count == 1 else 's'}"
