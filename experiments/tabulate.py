"""One table of many runs: a line for each combination of settings, over targets and runs, with intervals.

    python -m experiments.tabulate runs/table docs/results/other.json

reads every `summary.json` below the folders named, and the files named. Lines are in Markdown. Intervals are
95 %, from a bootstrap over targets and over the runs of each.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.command_line import Parser, run_command
from experiments.job import FoolingConfig
from fooljax.errors import InputError
from fooljax.report.figures import format_confidence
from fooljax.statistics import Interval, hierarchical_bootstrap
from fooljax.storage import read_json

NOT_COMPARED = ("seed", "target_seed", "runs")
"""Settings that runs of one line may differ in."""
FOOLED = 0.9999


def find(paths: Sequence[Path]) -> list[Path]:
    """The summaries named, and those below the folders named, in order.

    Raises:
      InputError: a path is not there, or a folder holds none.
    """
    found = []
    for path in paths:
        inside = sorted(path.rglob("summary.json")) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path}: expected a folder with a summary.json, found none")
        found += inside
    return found


def group(summaries: Sequence[tuple[Path, Mapping[str, Any]]]) -> dict[tuple[str, ...], list[Any]]:
    """Summaries by the values of the settings in which they differ; the first entry is the names of these.

    Raises:
      InputError: a summary lacks its settings (another version wrote it).
    """
    for path, summary in summaries:
        if not isinstance(summary.get("settings"), dict) or "rescored" not in summary:
            raise InputError(f"{path}: expected a summary of this version, found no settings in it")
    settings = [{"experiment": s["experiment"], **s["settings"]} for _, s in summaries]
    names = list(dict.fromkeys(name for one in settings for name in one if name not in NOT_COMPARED))
    differing = [name for name in names if len({repr(one.get(name, "-")) for one in settings}) > 1]
    groups: dict[tuple[str, ...], list[Any]] = {tuple(differing): []}
    lines: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for one, (_, summary) in zip(settings, summaries, strict=True):
        lines[tuple(str(one.get(name, "-")) for name in differing)].append(summary)
    return {**groups, **lines}


def line(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of one line of the table."""
    by_target: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for summary in summaries:
        figures, rescored = by_target[summary["target_sha256"]], summary["rescored"]
        for name in ("median", "all"):
            reached = summary[f"generations_to_{name}_9999"]
            figures[name] += [np.inf if generation is None else generation for generation in reached]
        classes = rescored["images"] / summary["runs"]
        figures["share"] += [count / classes for count in rescored["images_at_9999_of_each_run"]]
        figures["end"] += rescored["median_confidence_of_each_run"]
        figures["lowest"] += rescored["min_confidence_of_each_run"]

    def of(name: str) -> list[list[float]]:
        return [figures[name] for figures in by_target.values()]

    every = {name: np.concatenate(of(name)) for name in ("median", "all", "share", "end", "lowest")}
    full = [entry["mean"] for s in summaries for name, entry in s["genomes"].items() if "share_full" in name]
    return {
        "targets": len(by_target),
        "runs": int(every["share"].size),
        "generations": max(summary["generations"] for summary in summaries),
        "runs_with_median_9999": int(np.sum(every["end"] >= FOOLED)),
        "generation_of_median": hierarchical_bootstrap(of("median")),
        "generation_of_all": hierarchical_bootstrap(of("all")),
        "runs_with_all_9999": int(np.sum(np.isfinite(every["all"]))),
        "share_of_images": hierarchical_bootstrap(of("share"), lambda v: np.nanmean(v, axis=-1)),
        "lowest_confidence": float(every["lowest"].min()),
        "share_full": float(np.mean(full)) if full else None,
    }


def _generation(interval: Interval, last: int) -> str:
    middle, low, high = (f"{v:g}" if np.isfinite(v) else f"> {last}" for v in interval)
    return f"{middle} [{low}, {high}]"


def markdown(groups: Mapping[tuple[str, ...], list[Any]]) -> str:
    """The table."""
    (names, _), *lines = groups.items()
    head = [
        *(name.replace("_", " ") for name in names),
        "targets x runs",
        "runs with median >= 99.99 % at the end",
    ]
    head += ["generation of that", "generation of all classes", "images >= 99.99 %", "lowest"]
    rows = [head, ["---"] * len(head)]
    for values, summaries in lines:
        figures = line(summaries)
        share, runs = figures["share_of_images"], figures["runs"]
        odds = np.log(figures["lowest_confidence"]) - np.log1p(-figures["lowest_confidence"])
        rows.append(
            [
                *values,
                f"{figures['targets']} x {runs / figures['targets']:g}",
                f"{figures['runs_with_median_9999']} of {runs}",
                _generation(figures["generation_of_median"], figures["generations"]),
                f"{_generation(figures['generation_of_all'], figures['generations'])}; "
                f"{figures['runs_with_all_9999']} of {runs} runs",
                f"{share.estimate:.1%} [{share.low:.1%}, {share.high:.1%}]",
                format_confidence(float(odds)),
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def tabulate(argv: Sequence[str] | None) -> None:
    """The command; prints the table."""
    parser = Parser(
        prog="python -m experiments.tabulate", description="One table of many runs.", allow_abbrev=False
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folders or summary files")
    flags = parser.parse_args(argv)
    print(markdown(group([(path, read_json(path)) for path in find(flags.paths)])))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: tabulate(argv), FoolingConfig)


if __name__ == "__main__":
    sys.exit(main())
