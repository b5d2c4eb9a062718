"""The tables of a run folder, read back and checked, and its summary."""

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import confidence
from fooljax.errors import InputError, shown
from fooljax.storage.csv_files import text_of
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of, read_regular

MAX_TABLE = 2**30
"""Bytes of a table, at most."""
SECOND_COLUMNS = ("second_class", "second_class_name", "second_confidence")
"""The class that a second network names, and how sure it is. Empty where there is no second network."""
OTHER = "log_odds_"
"""What the name of a column begins with that holds the log-odds of another score of the same images."""
FITNESS = "fitness"
"""The column of scores that are not log-odds, in place of those of confidence and log-odds."""
_COUNTS = ("generation", "queries", "replacements", "nan")
DAMAGE = (KeyError, IndexError, TypeError, ValueError, OverflowError, MemoryError, csv.Error)
"""What reading a damaged table may raise."""


class EliteRow(NamedTuple):
    """One saved image: a row of `elites.csv` or `first.csv`.

    Attributes:
      run: index of the run, from 0.
      class_index: the class that the image was evolved for.
      class_name: its name.
      group: the group of related classes that it belongs to; "" where there are none.
      confidence: of the network that was fooled, for this class; never more than the truth. NaN where the
        search maximised something else.
      log_odds: the same as log-odds, of the saved file; or what the search maximised instead.
      generation: in which the image was made.
      query: the number of the image among all that its run showed to the network.
      file: of the image, relative to the folder of the run.
      second: what a second network names it; None where none was asked.
      others: log-odds of the same image by other scores (as of ten crops), by name.
    """

    run: int
    class_index: int
    class_name: str
    group: str
    confidence: float
    log_odds: float
    generation: int
    query: int
    file: str
    second: "SecondOpinion | None"
    others: Mapping[str, float]


class SecondOpinion(NamedTuple):
    """The class that a second network names.

    Attributes:
      class_index: from 0.
      class_name: its name.
      confidence: of the second network, in [0, 1]; never more than the truth.
    """

    class_index: int
    class_name: str
    confidence: float


def read_metrics(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Reads `metrics.csv`.

    Returns:
      Arrays `[R, T + 1]` by name, one value for each run and generation.
    Raises:
      InputError: the file is missing, or is not the table of metrics of a run.
    """
    try:
        header, *rows = csv_rows(path)
        names = [text_of(name) for name in header]
        table = np.asarray([[float(cell) for cell in row] for row in rows], np.float64)
        columns = dict(zip(names, table.reshape(len(rows), len(names)).T, strict=True))
        run = columns.pop("run")
        runs = int(run.max()) + 1
        if not rows or len(set(names)) < len(names) or not 1 <= runs <= len(rows) or len(rows) % runs:
            raise ValueError("rows of runs that do not go together")
        order = np.argsort(run, kind="stable")
        if not np.array_equal(run[order], np.repeat(np.arange(runs), len(rows) // runs)):
            raise ValueError("rows of runs that do not go together")
        found = {name: column[order].reshape(runs, -1) for name, column in columns.items()}
        queries = found["queries"]
        if any(np.isnan(found[name]).any() for name in (*_COUNTS, "median_log_odds") if name in found):
            raise ValueError("a count or a median that is no number")
        if any(np.abs(found[name]).max() >= 2**53 for name in _COUNTS if name in found):
            raise ValueError("a count that is too large")
        if np.any(queries != queries[:1]) or np.any(np.diff(queries[0], prepend=-1) <= 0):
            raise ValueError("counts of queries that do not rise alike in all runs")
        return {
            name: values.astype(np.int64) if name in _COUNTS else values for name, values in found.items()
        }
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{name_of(path)}: expected the metrics of a run, found something else ({shown(error)})"
        ) from error


def read_rows(path: Path) -> list[EliteRow]:
    """Reads `elites.csv` or `first.csv`.

    Raises:
      InputError: the file is missing, or is not such a table.
    """
    try:
        header, *rows = csv_rows(path)
        return [_elite_row(dict(zip(header, map(text_of, row), strict=True))) for row in rows]
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{name_of(path)}: expected a table of saved images, found something else ({shown(error)})"
        ) from error


def _elite_row(cells: Mapping[str, str]) -> EliteRow:
    is_log_odds = FITNESS not in cells
    log_odds = float(cells["log_odds" if is_log_odds else FITNESS])
    claimed = float(cells["confidence"]) if is_log_odds else math.nan
    if not math.isfinite(log_odds) or (is_log_odds and abs(claimed - float(confidence(log_odds))) > 1e-6):
        raise ValueError(f"a confidence of {shown(cells['confidence'])} with log-odds {log_odds:g}")
    second = None
    if cells.get("second_class"):
        sure = float(cells["second_confidence"])
        if not 0.0 <= sure <= 1.0:
            raise ValueError(f"a confidence of {sure:g}")
        second = SecondOpinion(_count(cells["second_class"]), cells["second_class_name"], sure)
    run, index, born, query = (_count(cells[name]) for name in ("run", "class", "generation", "query"))
    others = {name.removeprefix(OTHER): float(text) for name, text in cells.items() if name.startswith(OTHER)}
    return EliteRow(
        run,
        index,
        cells["class_name"],
        cells["group"],
        claimed,
        log_odds,
        born,
        query,
        cells["file"],
        second,
        others,
    )


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**53:
        raise ValueError(f"the number {value}")
    return value


def csv_rows(path: Path) -> list[list[str]]:
    """The cells of a table, its header first; every row has as many.

    Raises:
      InputError: the file is missing.
      ValueError: there are no rows, or they differ in length; or another of `DAMAGE`.
    """
    text = read_regular(path, MAX_TABLE).decode()
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not rows:
        raise ValueError("no rows")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(rows[0]):
            raise ValueError(f"{len(row)} cells in row {number} below a header of {len(rows[0])}")
    return rows


def read_summary(path: Path) -> dict[str, Any]:
    """Reads `summary.json`, and makes sure that the numbers are there that comparisons and pages begin with.

    Raises:
      InputError: the file is missing or damaged, or is not the summary of a run.
    """
    summary = read_json(path)
    rescored = summary.get("rescored")
    if not isinstance(rescored, dict):
        raise InputError(f"{name_of(path)}: expected an entry rescored, found none")
    shares = rescored.get("shares") or {}
    before, median = summary.get("evaluations_before", 0), rescored.get("median_log_odds")
    target = summary.get("target_sha256")
    for what, value, is_right in (
        ("a number evaluations_before", before, type(before) is int and 0 <= before < 2**53),
        ("a digest target_sha256", target, isinstance(target, str)),
        ("a number median_log_odds", median, median is None or _is_number(median)),
        ("shares", shares, isinstance(shares, dict) and all(map(_is_number, shares.values()))),
    ):
        if not is_right:
            raise InputError(f"{name_of(path)}: expected {what}, found {shown(repr(value))}")
    return summary


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
