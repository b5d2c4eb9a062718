r"""Finished runs side by side, at as many network passes: a table, and a picture of their medians.

    python -m fooljax.cli.compare runs/a runs/b --names "the paper's,ours" --output curves.png

reads the `summary.json` and `metrics.csv` of each folder. Figures are those of the search, which scores 8-bit
images as they are saved; the last columns are of the saved images read back, at the end of each run.
"""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.cli.command_line import Parser, run_command
from fooljax.errors import InputError, printable, shown
from fooljax.report import format_confidence
from fooljax.report.budget import median_curves
from fooljax.runs.recipe import FoolingConfig
from fooljax.storage.outputs import check_output
from fooljax.storage.reading import name_of, read_regular
from fooljax.storage.trees import read_json, write_bytes

MAX_METRICS = 2**30
"""Bytes of a `metrics.csv`."""


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
        text = read_regular(path, MAX_METRICS).decode()
        rows = [
            (int(row["run"]), int(row["queries"]), float(row["median_log_odds"]))
            for row in csv.DictReader(io.StringIO(text, newline=""))
        ]
        table = np.asarray(sorted(rows), np.float64).reshape(max(run for run, _, _ in rows) + 1, -1, 3)
        passes = table[0, :, 1].astype(np.int64)
        is_whole = np.array_equal(table[..., 0], np.repeat(np.arange(len(table))[:, None], len(passes), 1))
        if (
            not is_whole
            or np.any(table[..., 1] != table[0, :, 1])
            or np.any(np.diff(passes, prepend=-1) <= 0)
        ):
            raise ValueError("rows of runs that do not go together")
        if np.isnan(table).any() or not 0 <= table[..., 1].max() < 2**53:
            raise ValueError("numbers that are none, or too large")
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, MemoryError, csv.Error) as error:
        raise InputError(
            f"{name_of(path)}: expected the metrics of a run, found something else ({shown(error)})"
        ) from error
    _check_summary(folder / "summary.json", summary)
    return Run(summary, summary.get("evaluations_before", 0) + passes, table[..., 2])


def _check_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Makes sure that what is shown of a summary is there."""
    rescored = summary.get("rescored")
    if not isinstance(rescored, dict):
        raise InputError(f"{name_of(path)}: expected an entry rescored, found none")
    shares = rescored.get("shares") or {}
    before = summary.get("evaluations_before", 0)
    median, target = rescored.get("median_log_odds"), summary.get("target_sha256")
    for what, value, is_right in (
        ("a number evaluations_before", before, type(before) is int and 0 <= before < 2**53),
        ("a digest target_sha256", target, isinstance(target, str)),
        ("a number median_log_odds", median, _is_number(median)),
        ("numbers as shares", shares, isinstance(shares, dict) and all(map(_is_number, shares.values()))),
    ):
        if not is_right:
            raise InputError(f"{name_of(path)}: expected {what}, found {shown(repr(value))}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
        prog="python -m fooljax.cli.compare",
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
