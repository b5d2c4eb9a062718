"""What the experiments of the second chapter found: numbers that claims are held against, from rows alone."""

from collections.abc import Callable, Sequence

from fooljax.analysis.statistics import Interval, mean_interval, median_interval
from fooljax.report.feature_size import half_size
from fooljax.report.repetition import change
from fooljax.study import Row, by_network, numbers
from fooljax.study.findings import Finding, of_units, share
from fooljax.study.measured_sets import CLEAN, median_of_runs


def of_repetition(rows: Sequence[Row]) -> dict[str, Finding]:
    """What copies of repeated elements do in images that evolved by the paper's search (log-odds, nats).

    Returns:
      `repeating`: the share of images with a repeated element. `clean_repeating`: of clean images. For one
      and half of the copies removed, and as many added as there is room for, `removed_one`, `removed_half`
      and `added_many`: the change; `removed_half_beyond` and `added_many_beyond`: what it is more than with
      random windows of equal area.
    """
    evolved = _of(rows, "cppn_paper")
    found = {
        name: share(_groups(of, lambda row: row["repeating"] / row["images"]), _units(of))
        for name, of in (("repeating", evolved), ("clean_repeating", _of(rows, CLEAN)))
        if of
    }
    for name in ("removed_one", "removed_half", "added_many"):
        found |= _mean(name, change(evolved, name), evolved)
        found |= _mean(f"{name}_beyond", change(evolved, name, f"random_{name}"), evolved)
    return found


def of_feature_size(rows: Sequence[Row]) -> dict[str, Finding]:
    """How large the features are by which networks name images, as shares of an image's side.

    Returns:
      For evolved CPPNs (`cppn`), pixels (`direct`) and clean images (`clean`): `KIND_pieces`, the side of
      shuffled pieces at which half of the log-odds is lost; `KIND_alone`, that of the best window that alone
      keeps half.
    """
    found = {}
    for kind in ("cppn", "direct", CLEAN):
        of = _of(rows, kind)
        for name, change_of, sizes in (("pieces", "shuffled", "pieces"), ("alone", "alone", "windows")):
            groups = median_of_runs(of, lambda row, change_of=change_of: _share_of_side(row, change_of))  # type: ignore[misc]
            if groups:
                found[f"{kind}_{name}"] = _size(median_interval(groups), of, sizes)
    return found


def _share_of_side(row: Row, kind: str) -> float | None:
    size = half_size(row, kind)
    return None if size is None else size / _side(row)


def _side(row: Row) -> float:
    """The side of an image: the largest pieces are halves of it."""
    return 2.0 * max(row["sizes"]["pieces"])


def _size(value: Interval, rows: Sequence[Row], sizes: str) -> Finding:
    """A size as a share of the side; beyond the largest that was measured it is only known to be larger."""
    row = next(row for row in rows if "sizes" in row)
    most = max(row["sizes"][sizes]) / _side(row)
    if value.estimate > most:
        return Finding(value, f"> {numbers.percent(most, 0)}", _units(rows))
    return Finding(value, numbers.shares(Interval(*(min(end, 1.0) for end in value))), _units(rows))


def _of(rows: Sequence[Row], generator: str) -> list[Row]:
    return [row for row in rows if row["generator"] == generator]


def _groups(rows: Sequence[Row], figure: Callable[[Row], float]) -> list[list[float]]:
    return by_network([{**row, "figure": figure(row)} for row in rows], "figure", network="network")


def _mean(name: str, groups: Sequence[Sequence[float]], rows: Sequence[Row]) -> dict[str, Finding]:
    """A figure of each network; nothing where none has it."""
    if not groups:
        return {}
    value = mean_interval(groups)
    return {name: Finding(value, numbers.signed(value), _units(rows))}


def _units(rows: Sequence[Row]) -> str:
    return of_units(len(rows), len({row["network"] for row in rows}))
