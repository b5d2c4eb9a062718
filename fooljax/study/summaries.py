"""Rows of finished runs, from the `summary.json` of their folders: one for each run of a folder."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of
from fooljax.study.task import Row

NEVER_COMPARED = ("seed", "target_seed", "target_recipe", "target_network", "runs", "until", "judges")
"""Settings in which the runs of one line may differ. What network was met is in the target's name."""
FIGURES = (
    "generation_of_median",
    "generation_of_all",
    "share_of_images",
    "median_confidence",
    "lowest_confidence",
)


def find(paths: Sequence[Path], what: str = "a summary.json") -> list[Path]:
    """The summaries named, and those below the folders named, in order.

    In a folder these are the files `summary.json` and, as published, `NAME-targetN.json`.

    Args:
      paths: files and folders.
      what: is looked for, in words, for the message where a folder has none.
    Raises:
      InputError: a path is not there, or a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted([*path.rglob("summary.json"), *path.rglob("*-target*.json")])
        if not inside:
            raise InputError(f"{name_of(path)}: expected a folder with {what}, found none")
        found += inside
    return found


def read(path: Path) -> list[Row]:
    """The rows of a summary's file, see `rows_of`."""
    return rows_of(path, read_json(path))


def rows_of(path: Path, summary: Mapping[str, Any]) -> list[Row]:
    """A row for each run of a summary.

    Args:
      path: of its file, for errors.
      summary: of one or more runs of a search.
    Returns:
      Rows with `settings`, `target_sha256`, `generations` and these numbers: the generation in which the
      median class and all classes were fooled (None: never), the share of the saved images that fool, the
      median and the lowest confidence of the saved images, and the share of those that fool while no judge
      agrees (None: no judge was asked).
    Raises:
      InputError: it is not the summary of a search, or a number is missing or impossible.
    """
    if not isinstance(summary.get("rescored"), dict) or "generations_to_all_9999" not in summary:
        raise InputError(
            f"{name_of(path)}: expected the summary of a fooling experiment, found something else"
        )
    # Before there were settings in it, a summary named these alone.
    older = {"strategy": summary.get("strategy"), "children": summary.get("children_per_generation")}
    settings = summary.get("settings", older)
    if not isinstance(settings, dict):
        raise InputError(f"{name_of(path)}: expected settings, found {shown(settings)}")
    # The name of an experiment says its encoding.
    kind = "experiment" if summary.get("experiment") else "encoding"
    settings = {**settings, **{name: summary.get(name) for name in (kind, "target")}}
    if "objective" in summary:  # before there was a choice, it was log-odds
        settings["objective"] = summary["objective"]
    try:
        shared = {
            "settings": settings,
            "target_sha256": str(summary["target_sha256"]),
            "generations": int(summary["generations"]),
        }
        return [
            {**shared, **dict(zip(FIGURES, values, strict=True)), "share_no_judge": unseen}
            for *values, unseen in zip(*_figures(summary), _no_judge(summary), strict=True)
        ]
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise InputError(
            f"{name_of(path)}: expected the summary of a fooling experiment, found something else "
            f"({shown(error)})"
        ) from error


def _no_judge(summary: Mapping[str, Any]) -> list[float | None]:
    """Of each run the share of best images that fool while no judge agrees; None where none was asked."""
    runs, panel = int(summary["runs"]), summary.get("panel")
    if not isinstance(panel, dict) or "elites" not in panel["sets"]:
        return [None] * runs
    best = panel["sets"]["elites"]
    shares = [count / (best["images"] / runs) for count in best["no_judge_agrees_of_each_run"]]
    if len(shares) != runs or not all(0.0 <= one <= 1.0 for one in shares):
        raise ValueError(f"shares of {runs} runs: {shares}")
    return list(shares)


def _figures(summary: Mapping[str, Any]) -> list[list[Any]]:
    """For each of `FIGURES` a value for each run.

    Raises:
      ValueError: there are not as many values as runs, or impossible ones; other errors where something is
        missing.
    """
    rescored, runs = summary["rescored"], int(summary["runs"])
    # Older summaries count the images of all runs together; then each run has the share of all.
    counts = rescored.get("images_at_9999_of_each_run") or [rescored["images_at_9999"] / runs] * runs
    found: list[list[Any]] = [
        [None if one is None else float(one) for one in summary["generations_to_median_9999"]],
        [None if one is None else float(one) for one in summary["generations_to_all_9999"]],
        [count / (rescored["images"] / runs) for count in counts],
        [float(one) for one in rescored["median_confidence_of_each_run"]],
        [float(one) for one in rescored["min_confidence_of_each_run"]],
    ]
    for name, values in zip(FIGURES, found, strict=True):
        most = math.inf if name.startswith("generation") else 1.0
        if len(values) != runs or not all(one is None or 0.0 <= one <= most for one in values):
            raise ValueError(f"{name} of {runs} runs: {values}")
    if not runs:
        raise ValueError("no runs")
    return found
