"""`panel.csv`: what held-out judges say of each saved image of a run, written and read back."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fooljax.errors import InputError, shown
from fooljax.runs.tables import DAMAGE, csv_rows
from fooljax.storage.csv_files import csv_text, text_of
from fooljax.storage.files import write_bytes
from fooljax.storage.reading import name_of

FILE = "panel.csv"
_JUDGE, _SPACE, _CHANGE = "judge:", "distance:", "after:"
"""What columns are called that hold a judge's verdict, a distance, or the log-odds after a change."""


class JudgeSays(NamedTuple):
    """The verdict of one judge on one image.

    Attributes:
      class_index, class_name: of the class that it names first.
      confidence: in that class, in [0, 1]; never more than the truth.
      agrees: whether it counts as agreement, see `fooljax.analysis.judges`.
    """

    class_index: int
    class_name: str
    confidence: float
    agrees: bool


class Distance(NamedTuple):
    """How far an image is from the nearest training image.

    Attributes:
      distance: Euclidean.
      percentile: among clean held-out images, in [0, 100].
      class_index: of the training image.
    """

    distance: float
    percentile: float
    class_index: int


class PanelRow(NamedTuple):
    """One saved image.

    Attributes:
      kind: of a search "elites" or "first", of a gradient ascent the method.
      run: of the image; of a gradient ascent the number of its start image.
      class_index, class_name: of the image.
      log_odds: of the network that was fooled, for this class.
      fools: whether that is a confidence of 99.99 % or more, and no judge agrees.
      judges: by name.
      distances: by `pixels` and `features`; empty where there were no training images.
      after: log-odds of the class after each small change, by its name.
    """

    kind: str
    run: int
    class_index: int
    class_name: str
    log_odds: float
    fools: bool
    judges: Mapping[str, JudgeSays]
    distances: Mapping[str, Distance]
    after: Mapping[str, float]


def save_panel_rows(path: Path, rows: Sequence[PanelRow]) -> None:
    """Writes the table; rows have the same judges, distances and changes."""
    first = rows[0] if rows else PanelRow("", 0, 0, "", 0.0, False, {}, {}, {})
    header = ["set", "run", "class", "class_name", "log_odds", "fools_and_no_judge_agrees"]
    for name in first.judges:
        header += [f"{_JUDGE}{name}:{part}" for part in ("class", "class_name", "confidence", "agrees")]
    for name in first.distances:
        header += [f"{_SPACE}{name}", f"{_SPACE}{name}:percentile", f"{_SPACE}{name}:class"]
    header += [f"{_CHANGE}{name}" for name in first.after]
    cells: list[list[Any]] = [header]
    for row in rows:
        line = [row.kind, row.run, row.class_index, row.class_name, row.log_odds, row.fools]
        line += [cell for says in row.judges.values() for cell in says]
        line += [cell for apart in row.distances.values() for cell in apart]
        cells.append([*line, *row.after.values()])
    write_bytes(path, csv_text(cells).encode())


def read_panel_rows(
    path: Path, kinds: Collection[str], runs: int, classes: Collection[int]
) -> list[PanelRow]:
    """Reads the table.

    Args:
      path: of the file.
      kinds: those that the folder may have.
      runs: how many runs or start images it has.
      classes: indices of the classes that its images were made for.
    Raises:
      InputError: the file is missing, or is not such a table, or is of other images.
    """
    try:
        header, *lines = [[text_of(cell) for cell in row] for row in csv_rows(path)]
        rows = [_row(dict(zip(header, line, strict=True)), kinds) for line in lines]
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{name_of(path)}: expected a table of what judges say, found something else ({shown(error)})"
        ) from error
    for row in rows:
        if row.run >= runs or row.class_index not in classes:
            raise InputError(
                f"{path}: expected images of {path.parent}, found run {row.run}, class {row.class_index}"
            )
    if len({(row.kind, row.run, row.class_index) for row in rows}) < len(rows):
        raise InputError(f"{path}: expected each image once, found one twice")
    return rows


def _row(cells: Mapping[str, str], kinds: Collection[str]) -> PanelRow:
    def named(begin: str, end: str = "") -> list[str]:
        return [name.removeprefix(begin).removesuffix(end) for name in cells if _is(name, begin, end)]

    kind, run, index = cells["set"], int(cells["run"]), int(cells["class"])
    if kind not in kinds or run < 0 or index < 0:
        raise ValueError(f"run {run}, class {index} of {shown(kind)}")
    judges = {
        name: JudgeSays(
            int(cells[f"{_JUDGE}{name}:class"]),
            cells[f"{_JUDGE}{name}:class_name"],
            float(cells[f"{_JUDGE}{name}:confidence"]),
            bool(int(cells[f"{_JUDGE}{name}:agrees"])),
        )
        for name in named(_JUDGE, ":agrees")
    }
    if wrong := [says.confidence for says in judges.values() if not 0.0 <= says.confidence <= 1.0]:
        raise ValueError(f"a confidence of {wrong[0]:g}")
    distances = {
        name: Distance(
            float(cells[f"{_SPACE}{name}"]),
            float(cells[f"{_SPACE}{name}:percentile"]),
            int(cells[f"{_SPACE}{name}:class"]),
        )
        for name in named(_SPACE, ":percentile")
    }
    changes = {name: float(cells[f"{_CHANGE}{name}"]) for name in named(_CHANGE)}
    return PanelRow(
        kind,
        run,
        index,
        cells["class_name"],
        float(cells["log_odds"]),
        bool(int(cells["fools_and_no_judge_agrees"])),
        judges,
        distances,
        changes,
    )


def _is(name: str, begin: str, end: str) -> bool:
    return name.startswith(begin) and name.endswith(end)
