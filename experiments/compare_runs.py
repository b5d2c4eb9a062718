r"""Finished runs side by side, at as many network passes: a table, and a picture of their medians.

    python -m experiments.compare_runs runs/a runs/b --names "the paper's,ours" --output curves.png

reads the `summary.json` and `metrics.csv` of each folder. Figures are those of the search, which scores 8-bit
images as they are saved; the last columns are of the saved images read back, at the end of each run.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.command_line import Parser, run_command
from experiments.job import FoolingConfig
from experiments.outputs import check_output
from fooljax.errors import InputError, printable, shown
from fooljax.report import format_confidence
from fooljax.report.budget import median_curves
from fooljax.storage import read_json, write_bytes

MAX_PASSES = 2**62
"""More than any run makes; sums of two still fit 64 bits."""


class Run(NamedTuple):
    """A run folder's figures.

    Attributes:
      summary: its `summary.json`.
      passes: `[n]`, rising; those that the genomes it began with had cost are counted.
      odds: `[R, n]`, medians over the classes.
    """

    summary: Mapping[str, Any]
    passes: npt.NDArray[np.int64]
    odds: npt.NDArray[np.float64]


def read(folder: Path) -> Run:
    """A run's figures.

    Raises:
      InputError: a file is missing, or not one of a run folder.
    """
    summary, path = read_json(folder / "summary.json"), folder / "metrics.csv"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [
                (int(row["run"]), int(row["queries"]), float(row["median_log_odds"]))
                for row in csv.DictReader(file)
            ]
        table = np.asarray(sorted(rows), np.float64).reshape(max(run for run, _, _ in rows) + 1, -1, 3)
        if np.any(table[..., 0] != np.arange(len(table))[:, None]):
            raise ValueError("runs of different lengths")
        passes = table[0, :, 1].astype(np.int64)
        if not (passes.min() >= 0 and passes.max() < MAX_PASSES and np.all(np.diff(passes) > 0)):
            raise ValueError("network passes that do not rise")
        if np.any(np.isnan(table)):
            raise ValueError("log-odds that are no numbers")
    except OSError as error:
        raise InputError(f"cannot read {shown(path)}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError, csv.Error) as error:
        raise InputError(
            f"{shown(path)}: expected the metrics of a run, found something else ({shown(error)})"
        ) from error
    try:
        return _run(summary, passes, table[..., 2])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{shown(folder / 'summary.json')}: expected the summary of a run: {shown(error)}"
        ) from error


def _run(summary: Mapping[str, Any], passes: npt.NDArray[np.int64], odds: npt.NDArray[np.float64]) -> Run:
    """The figures, after a look at those in the summary that are shown."""
    rescored, before = summary.get("rescored"), summary.get("evaluations_before", 0)
    if not isinstance(rescored, dict):
        raise TypeError("expected an entry rescored, found none")
    if type(before) is not int or not 0 <= before < MAX_PASSES:
        raise TypeError(f"expected a number evaluations_before, found {before!r}")
    shares = rescored.get("shares") or {}
    if not isinstance(shares, dict) or not all(isinstance(share, float | int) for share in shares.values()):
        raise TypeError("expected shares that are numbers")
    if not isinstance(rescored.get("median_log_odds"), float | int):
        raise TypeError("expected a number median_log_odds, found none")
    if not isinstance(summary.get("target_sha256"), str):
        raise TypeError("expected a text target_sha256, found none")
    return Run(summary, before + passes, odds)


def at(run: Run, passes: int) -> float:
    """The median over runs of the median log-odds after at most so many passes."""
    return float(np.median(run.odds[:, np.searchsorted(run.passes, passes, side="right") - 1]))


def markdown(runs: Mapping[str, Run], passes: int) -> str:
    """The table.

    Raises:
      InputError: a run has fewer passes, or none so early.
    """
    rows = [["search", f"median at {passes:,} passes", "passes in all", "median of the saved images"]]
    rows[0] += ["at 50 % or more", "at 90 %", "at 99 %", "at 99.99 %"]
    rows.append(["---"] * len(rows[0]))
    for name, run in runs.items():
        if not run.passes[0] <= passes <= run.passes[-1]:
            raise InputError(
                f"passes: expected {run.passes[0]:,} to {run.passes[-1]:,}, those of {name}, got {passes:,}"
            )
        rescored = run.summary["rescored"]
        shares = rescored.get("shares") or {}
        rows.append(
            [
                name,
                format_confidence(at(run, passes)),
                f"{run.passes[-1]:,}",
                format_confidence(rescored["median_log_odds"]),
                *(f"{shares[p]:.1%}" if p in shares else "-" for p in ("0.5", "0.9", "0.99", "0.9999")),
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def compare(argv: Sequence[str] | None) -> None:
    """The command."""
    parser = Parser(
        prog="python -m experiments.compare_runs",
        description="Finished runs side by side, at as many network passes.",
        allow_abbrev=False,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN", help="run folders")
    parser.add_argument("--names", help="what to call them, with commas between; their folders' by default")
    parser.add_argument(
        "--passes", type=int, metavar="N", help="where to compare; by default the end of the shortest"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="a PNG of the curves")
    flags = parser.parse_args(argv)
    if flags.output is not None:
        check_output(flags.output, "--output")
    names = flags.names.split(",") if flags.names else [folder.name for folder in flags.folders]
    if len(names) != len(flags.folders) or len(set(names)) < len(names):
        raise InputError(
            f"names: expected {len(flags.folders)} different ones, got {shown(', '.join(names))}"
        )
    runs = {name: read(folder) for name, folder in zip(names, flags.folders, strict=True)}
    targets = {run.summary["target_sha256"] for run in runs.values()}
    if len(targets) > 1:
        raise InputError("RUN: expected runs against one target, got several")
    passes = flags.passes
    if passes is None:
        passes = int(min(run.passes[-1] for run in runs.values()))
    lines = markdown(runs, passes).splitlines()
    if flags.output is not None:
        curves = {name: (run.passes, run.odds) for name, run in runs.items()}
        write_bytes(check_output(flags.output, "--output"), median_curves(curves))
    print("\n".join(map(printable, lines)))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: compare(argv), FoolingConfig)


if __name__ == "__main__":
    sys.exit(main())
