"""What the experiments of the second chapter found: numbers that claims are held against, from rows alone."""

from collections.abc import Callable, Sequence

import numpy as np

from fooljax.analysis.comparisons import mann_whitney
from fooljax.analysis.correlations import mean_correlation, spearman
from fooljax.analysis.statistics import Interval, mean_interval, median_interval
from fooljax.data.imagenet import GROUPS, group_of
from fooljax.report.class_difficulty import NO_ANIMALS
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
        found |= _mean(name, evolved, lambda row, name=name: change(row, name))  # type: ignore[misc]
        twin = f"random_{name}"
        found |= _mean(f"{name}_beyond", evolved, lambda row, name=name, twin=twin: change(row, name, twin))  # type: ignore[misc]
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


def of_run_diversity(rows: Sequence[Row]) -> dict[str, Finding]:
    """How different the images are that runs against one network find for one class.

    Returns:
      For evolved CPPNs (`cppn`) and pixels (`direct`): `KIND_less`, how much less often than of clean images
      two images of one class, from two runs, are more alike than two of different classes, in the features
      of another network; `KIND_999`, the share of images with 99.9 %. `related`: of CPPNs, the rank
      correlation of common ancestors of two classes with how much clean images raise both.
    """
    clean = {row["network"]: row["features"]["closer_apart"] for row in rows if row["images"] == "clean"}
    found = {}
    for kind in ("cppn", "direct"):
        of = [row for row in rows if row["images"] == kind]
        if not of:
            continue
        units = of_units(sum(row["runs"] for row in of), len(of))
        less = mean_interval([[row["features"]["closer"] - clean[row["network"]]] for row in of])
        found[f"{kind}_less"] = Finding(less, numbers.signed(less), units)
        found[f"{kind}_999"] = share([[row["shares"]["raw"]["0.999"]] for row in of], units)
        related = [[one for one in row.get("shared_related", ()) if one is not None] for row in of]
        if related := [group for group in related if group]:
            rho = mean_correlation(related)
            found[f"{kind}_related"] = Finding(rho, numbers.signed(rho), units)
    return found


def of_class_difficulty(rows: Sequence[Row]) -> dict[str, Finding]:
    """Which classes are hard, in the archive of a run on ImageNet that had the most passes.

    Returns:
      `dogs` and `cats`: the chance that a class of dogs, or of domestic cats, has more log-odds than another
      animal's (A12). `near`: the rank correlation of a class's log-odds with how many near classes it has.
      The intervals speak of other classes of the same network.
    """
    archives = [row for row in rows if row["kind"] == "archive"]
    if not archives:
        return {}
    best = max(archives, key=lambda row: row["passes_in_all"])
    odds, of = np.asarray(best["log_odds"], np.float64), f"{len(best['log_odds']):,} classes, one run"
    animals = {name for name, _ in GROUPS.items() if name not in NO_ANIMALS}
    group = np.asarray([group_of(index) for index in range(len(odds))])
    found = {}
    for name, members in (("dogs", {"dogs"}), ("cats", {"domestic cats"})):
        others = np.isin(group, sorted(animals - {"dogs", "domestic cats"}))
        a12 = mann_whitney([odds[np.isin(group, sorted(members))].tolist()], [odds[others].tolist()]).a12
        found[name] = Finding(a12, numbers.signed(a12), of)
    clean = {row["network"]: row for row in rows if row["kind"] == "clean"}.get(best["network"], {})
    if clean.get("near") is not None:
        rho = spearman(clean["near"], odds).rho
        found["near"] = Finding(rho, numbers.signed(rho), of)
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


def _mean(name: str, rows: Sequence[Row], figure: Callable[[Row], float | None]) -> dict[str, Finding]:
    """A figure of every row that has it; nothing where none has."""
    groups = median_of_runs(rows, figure)
    if not groups:
        return {}
    value = mean_interval(groups)
    return {name: Finding(value, numbers.signed(value), _units(rows))}


def _units(rows: Sequence[Row]) -> str:
    return of_units(len(rows), len({row["network"] for row in rows}))
