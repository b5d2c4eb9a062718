"""Tables made of rows: how cells are grouped by network, and how they are written in Markdown."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from fooljax.analysis.transfer import architecture
from fooljax.study.task import Row

UNIT = """\
A unit is a run on an independently trained network. Brackets are 95 % intervals. Where a line has several
networks, the interval is for further networks that are trained alike. For a median it is a t-interval over
the medians of the networks. For a share it is a Clopper-Pearson interval with at most as many trials as
there are runs. Where a line has one network, the interval is for further runs against that network."""
"""What the intervals of `fooljax.analysis.statistics` speak of, for a reader of a table."""
ALIKE = " for further networks that are trained alike."
ONE_EACH = ". Each line has one network, and its interval is for further runs against that network."
"""The ends of a sentence such as "Brackets are 95 % intervals": for whom they speak."""


def speaks_for(networks: Collection[str]) -> str:
    """For whom intervals over networks speak: the end of a sentence such as "Brackets are 95 % intervals".

    Args:
      networks: their names, each once or more often.
    """
    if len(set(networks)) == 1:
        return " for further runs against this network; a single run has none."
    if len(set(map(architecture, networks))) == 1:
        return ALIKE
    return ". The networks are a fixed set of different architectures, so the intervals are only a guide."


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


def values_by_network(
    rows: Sequence[Row],
    value: str | Callable[[Row], float | None],
    *,
    network: str = "network",
    missing: float | None = None,
) -> list[list[float]]:
    """A value of every row, grouped by network, as `fooljax.analysis.statistics` takes it.

    Args:
      rows: of one line of a table.
      value: the entry that holds it, or a function that gives it of a row; None where a row has none.
      network: the entry that tells networks apart. The groups are in its order.
      missing: what stands for None, as infinity where None means that a run never came so far; by default a
        row without a value is left out.
    Returns:
      For each network that has any the values of its rows.
    """
    groups: dict[Any, list[float]] = {}
    for row in rows:
        found = row[value] if isinstance(value, str) else value(row)
        found = missing if found is None else found
        if found is not None:
            groups.setdefault(row[network], []).append(float(found))
    return [groups[name] for name in sorted(groups)]
