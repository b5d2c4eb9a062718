"""Tables made of rows: how cells are grouped by network, and how they are written in Markdown."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fooljax.study.task import Row

UNIT = """\
A unit is a run on an independently trained network. Brackets are 95 % intervals. Where a line has several
networks, the interval is for further networks that are trained alike. For a median it is a t-interval over
the medians of the networks. For a share it is a Clopper-Pearson interval with at most as many trials as
there are runs. Where a line has one network, the interval is for further runs against that network."""
"""What the intervals of `fooljax.analysis.statistics` speak of, for a reader of a table."""


def markdown(lines: Sequence[Mapping[str, str]]) -> str:
    """Writes a table.

    Args:
      lines: the cells of each line by the head of their column. The first line gives the order.
    Returns:
      The table in Markdown, without a line end.
    """
    heads = list(lines[0])
    cells = [heads, ["---"] * len(heads), *([line[head] for head in heads] for line in lines)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells)


def group_by(rows: Sequence[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    """Groups rows by the values of some entries.

    Args:
      rows: of a study.
      *names: of the entries.
    Returns:
      The rows of each group by these values, in the order in which they are first met.
    """
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def column_by_network(
    rows: Sequence[Row], figure: str, never: str | None = None, network: str = "target_sha256"
) -> list[list[float]]:
    """An entry of every row, grouped by network, as `fooljax.analysis.statistics` takes it.

    Args:
      rows: of one line of a table.
      figure: the entry that holds it. None there means that a run never came so far, which is infinite.
      never: the entry whose value stands in the place of None.
      network: the entry that tells networks apart. The groups are in its order.
    Returns:
      For each network the values of its rows.
    """
    groups: dict[Any, list[float]] = {}
    for row in rows:
        value = row[figure]
        if value is None:
            value = np.inf if never is None else row[never]
        groups.setdefault(row[network], []).append(float(value))
    return [groups[name] for name in sorted(groups)]


def values_by_network(rows: Sequence[Row], figure: Callable[[Row], float | None]) -> list[list[float]]:
    """A value of every row that has one, grouped by network, as `fooljax.analysis.statistics` takes it.

    Args:
      rows: with `network`. The groups are in its order.
      figure: of a row; None where the row has none, which leaves it out.
    Returns:
      For each network that has any the values of its rows.
    """
    groups: dict[str, list[float]] = {}
    for row in rows:
        if (value := figure(row)) is not None:
            groups.setdefault(row["network"], []).append(value)
    return [groups[name] for name in sorted(groups)]
