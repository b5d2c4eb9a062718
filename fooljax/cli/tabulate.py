"""One table of many runs: a line for each combination of settings, with intervals over targets.

    python -m fooljax.cli.tabulate runs/table docs/results/mnist_cppn

reads every summary below the folders named, and the files named. Lines are in Markdown. The unit is a run on
an independently trained network: intervals are of 95 % and speak of further networks of the kind, or, where
there was only one, of further runs against it (`fooljax.analysis.statistics`).
"""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fooljax.analysis.statistics import Groups, Interval, median_interval, share_interval
from fooljax.cli.command_line import Parser, run_command
from fooljax.engine.log_odds import format_confidence
from fooljax.errors import InputError, shown
from fooljax.report import numbers
from fooljax.runs.recipe import FoolingConfig
from fooljax.storage.trees import read_json

NOT_COMPARED = ("seed", "target_seed", "target_recipe", "target_network", "runs", "until")
"""Settings that runs of one line may differ in; what network was met is in the target's name."""
FOOLED = 0.9999
Found = tuple[Path, Mapping[str, Any]]
"""A summary, and its file."""
UNIT = """\
A unit is a run on an independently trained network. Brackets: 95 %, for further networks trained alike, by a
t-interval over the networks' own medians (shares: exact trials, no more than there are runs); where there is
one network, for further runs against it."""


class Line(NamedTuple):
    """The figures of one line of the table.

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


def find(paths: Sequence[Path]) -> list[Path]:
    """The summaries named, and those below the folders named, in order.

    In a folder these are the files `summary.json` and, as published, `NAME-targetN.json`.

    Raises:
      InputError: a path is not there, or a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted([*path.rglob("summary.json"), *path.rglob("*-target*.json")])
        if not inside:
            raise InputError(f"{path}: expected a folder with a summary.json, found none")
        found += inside
    return found


def group(summaries: Sequence[Found]) -> tuple[tuple[str, ...], dict[tuple[str, ...], list[Found]]]:
    """The names of the settings in which summaries differ, and the summaries by the values of these.

    Raises:
      InputError: a file is not the summary of a fooling experiment.
    """
    settings = []
    for path, summary in summaries:
        if not isinstance(summary.get("rescored"), dict) or "generations_to_all_9999" not in summary:
            raise InputError(f"{path}: expected the summary of a fooling experiment, found something else")
        # Before there were settings in it, a summary named these alone.
        older = {"strategy": summary.get("strategy"), "children": summary.get("children_per_generation")}
        found = summary.get("settings", older)
        if not isinstance(found, dict):
            raise InputError(f"{path}: expected settings, found {shown(found)}")
        settings.append({**found, "experiment": summary.get("experiment"), "target": summary.get("target")})
    names = list(dict.fromkeys(name for one in settings for name in one if name not in NOT_COMPARED))
    differing = [name for name in names if len({repr(one[name]) for one in settings if name in one}) > 1]
    lines: dict[tuple[str, ...], list[Found]] = defaultdict(list)
    for one, (path, summary) in zip(settings, summaries, strict=True):
        lines[tuple(shown(one.get(name, numbers.NONE)) for name in differing)].append((path, summary))
    return tuple(differing), dict(lines)


def line(summaries: Sequence[Found]) -> Line:
    """The figures of one line of the table.

    Raises:
      InputError: a summary lacks a figure, or has something else in its place.
    """
    by_target: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    generations = 0
    for path, summary in summaries:
        try:
            _gather(by_target[str(summary["target_sha256"])], summary)
            generations = max(generations, int(summary["generations"]))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise InputError(
                f"{path}: expected the summary of a fooling experiment, found something else ({shown(error)})"
            ) from error

    def of(name: str) -> Groups:
        return [figures[name] for figures in by_target.values()]

    every = {name: np.concatenate([np.asarray(one) for one in of(name)]) for name in ("all", "end", "lowest")}
    return Line(
        networks=tuple(by_target),
        runs=int(every["all"].size),
        generations=generations,
        runs_with_median=int(np.sum(every["end"] >= FOOLED)),
        generation_of_median=median_interval(of("median")),
        generation_of_all=median_interval(of("all")),
        runs_with_all=int(np.sum(np.isfinite(every["all"]))),
        share_of_images=share_interval(of("share")),
        lowest=float(every["lowest"].min()),
    )


def _gather(figures: dict[str, list[float]], summary: Mapping[str, Any]) -> None:
    """Adds a value for each run of a summary.

    Raises:
      ValueError: it has not as many values as runs, or impossible ones; other errors where something is
        missing.
    """
    rescored, runs = summary["rescored"], int(summary["runs"])
    # Older summaries count the images of all runs together; then each run has the share of all.
    counts = rescored.get("images_at_9999_of_each_run") or [rescored["images_at_9999"] / runs] * runs
    added = {
        "share": [count / (rescored["images"] / runs) for count in counts],
        "end": [float(value) for value in rescored["median_confidence_of_each_run"]],
        "lowest": [float(value) for value in rescored["min_confidence_of_each_run"]],
    }
    for name in ("median", "all"):
        reached = summary[f"generations_to_{name}_9999"]
        added[name] = [np.inf if generation is None else float(generation) for generation in reached]
    for name, values in added.items():
        most = np.inf if name in ("median", "all") else 1.0
        if len(values) != runs or not all(0.0 <= value <= most for value in values):
            raise ValueError(f"{name} of {runs} runs: {values}")
        figures[name] += values


def cells(figures: Line) -> dict[str, str]:
    """The figures as they are written, under the heads of the table's columns."""
    runs = figures.runs
    with np.errstate(divide="ignore"):
        odds = np.log(figures.lowest) - np.log1p(-figures.lowest)
    return {
        "networks x runs": f"{len(figures.networks)} x {runs / len(figures.networks):g}",
        "runs with median >= 99.99 % at the end": f"{figures.runs_with_median} of {runs}",
        "generation of that": numbers.needed(figures.generation_of_median, figures.generations),
        "generation of all classes": (
            f"{numbers.needed(figures.generation_of_all, figures.generations)}; "
            f"{figures.runs_with_all} of {runs} runs"
        ),
        "images >= 99.99 %": numbers.shares(figures.share_of_images),
        "lowest": format_confidence(float(odds)),
    }


def name_networks(sets: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A letter for each set of networks, in the order met."""
    different = list(dict.fromkeys(tuple(sorted(one)) for one in sets))
    letters = {
        one: chr(ord("A") + index) if index < 26 else f"{index + 1}" for index, one in enumerate(different)
    }
    return {one: letters[tuple(sorted(one))] for one in sets}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, heads first, in Markdown."""
    head, *body = rows
    rows = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def markdown(summaries: Sequence[Found]) -> str:
    """The table, what its unit is, and which networks it speaks of.

    Raises:
      InputError: as `group` and `line`.
    """
    names, groups = group(summaries)
    lines = [(values, line(of)) for values, of in groups.items()]
    letters = name_networks([figures.networks for _, figures in lines])
    rows: list[list[str]] = []
    for values, figures in lines:
        written = cells(figures)
        rows = rows or [[*(name.replace("_", " ") for name in names), "networks", *written]]
        rows.append([*values, letters[figures.networks], *written.values()])
    sets = {letter: " ".join(digest[:8] for digest in networks) for networks, letter in letters.items()}
    named = "; ".join(f"{letter}: {digests}" for letter, digests in sets.items())
    return f"{table(rows)}\n\n{UNIT}\nNetworks by the beginning of their digest: {named}."


def tabulate(argv: Sequence[str] | None) -> None:
    """The command; prints the table."""
    parser = Parser(
        prog="python -m fooljax.cli.tabulate", description="One table of many runs.", allow_abbrev=False
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folders or summary files")
    flags = parser.parse_args(argv)
    print(markdown([(path, read_json(path)) for path in find(flags.paths)]))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: tabulate(argv), FoolingConfig)


if __name__ == "__main__":
    sys.exit(main())
