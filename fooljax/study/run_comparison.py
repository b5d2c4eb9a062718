"""Finished runs side by side, after the same number of network passes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import format_confidence
from fooljax.errors import InputError, shown
from fooljax.runs.folder import MARK
from fooljax.runs.kinds import check_is_search
from fooljax.runs.tables import read_metrics, read_summary
from fooljax.storage.json_files import read_json
from fooljax.study import numbers
from fooljax.study.tables import markdown

LEVELS = {
    "0.5": "at 50 % or more",
    "0.9": "at 90 %",
    "0.99": "at 99 %",
    "0.9999": "at 99.99 %",
}
"""Shares of images that a summary tells, and the heads of their columns."""


class Course(NamedTuple):
    """How a run folder's runs went.

    Attributes:
      summary: content of its `summary.json`.
      passes: `[n]`, rising: network passes of each run. Those that its first genomes had cost are counted.
      log_odds: `[R, n]`, medians over the classes.
    """

    summary: Mapping[str, Any]
    passes: npt.NDArray[np.int64]
    log_odds: npt.NDArray[np.float64]


def read(folder: Path) -> Course:
    """How the runs of a folder went, from its `summary.json` and `metrics.csv` alone.

    Raises:
      InputError: a file is missing, or not one of a run folder of a search.
    """
    if (config := folder / "config.json").exists():
        check_is_search(read_json(config), folder)
    elif not (folder / MARK).exists():
        raise InputError(f"{shown(folder)}: expected a run folder, found no config.json in it")
    if not (folder / MARK).exists():
        raise InputError(f"{shown(folder)}: expected a finished run, found no {MARK} in it")
    summary = read_summary(folder / MARK)
    metrics = read_metrics(folder / "metrics.csv")
    before = summary.get("evaluations_before", 0)
    return Course(summary, before + metrics["queries"][0], metrics["median_log_odds"])


def comparison_table(runs: Mapping[str, Course], passes: int | None = None) -> str:
    """The table in Markdown.

    Args:
      runs: by name, against one network.
      passes: at which they are compared; by default the end of the shortest.
    Raises:
      InputError: they are against several networks, or a run has fewer passes, or none so early.
    """
    if len({run.summary["target_sha256"] for run in runs.values()}) > 1:
        raise InputError("RUN: expected runs against one target, got several")
    if passes is None:
        passes = int(min(run.passes[-1] for run in runs.values()))
    lines = []
    for name, run in runs.items():
        if not run.passes[0] <= passes <= run.passes[-1]:
            raise InputError(
                f"passes: expected {run.passes[0]:,} to {run.passes[-1]:,}, those of {name}, got {passes:,}"
            )
        reached = run.log_odds[:, np.searchsorted(run.passes, passes, side="right") - 1]
        rescored = run.summary["rescored"]
        shares = rescored.get("shares") or {}
        lines.append(
            {
                "search": name,
                f"median at {passes:,} passes": format_confidence(float(np.median(reached))),
                "passes in all": f"{run.passes[-1]:,}",
                "median of the saved images": format_confidence(rescored["median_log_odds"]),
                **{head: numbers.percent(shares.get(level)) for level, head in LEVELS.items()},
            }
        )
    return markdown(lines)
