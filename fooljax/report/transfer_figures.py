"""Figures of `experiments.transfer`, from its rows alone."""

from collections.abc import Callable, Sequence

import numpy as np

from fooljax.analysis.statistics import Interval, share_interval
from fooljax.analysis.transfer import curve, named_first
from fooljax.engine.log_odds import FOOLED
from fooljax.report.heat_map import heat_maps
from fooljax.report.rate_curves import rate_curves
from fooljax.report.transfer_rows import (
    EDGES,
    LEVEL,
    NAMES,
    independent_sources,
    matrices_of,
    other_kind,
    own_and_other,
    related,
    rows_of_sets,
)
from fooljax.study import Row, group_by
from fooljax.study.generators import NOISE
from fooljax.study.measured_sets import CLEAN


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """The matrices of each kind of images with its largest budget; transfer against the source's log-odds."""
    images = rows_of_sets(rows)
    if not images:
        return {}
    sources, targets = list(dict.fromkeys(row["network"] for row in images)), images[0]["targets"]
    rate, value = _drawn(images)
    panels = {}
    for name, group in matrices_of(images):
        shares = np.full((len(sources), len(targets)), np.nan)
        for (source,), runs in group_by(group, "network").items():
            rates = [[rate(row, target) for target in targets] for row in runs]
            shares[sources.index(source)] = np.mean(rates, axis=0)
        panels[name] = shares
    pictures = {
        "matrix.png": heat_maps(panels, sources, targets, down="made for", across="shown to", value=value)
    }
    units = independent_sources(images)
    if series := _curves([row for row in images if row["network"] in units]):
        pictures["curve.png"] = rate_curves(
            series,
            across="log-odds of the network that the image was made for, ln p/(1\N{MINUS SIGN}p)",
            up="same name at 99.99 % from another network",
            marks={"99.99 %": FOOLED},
        )
    return pictures


def _drawn(rows: Sequence[Row]) -> tuple[Callable[[Row, str], float], str]:
    """What matrices show of a set and a target: what is named first where no image transfers at 99.99 %."""

    def same(row: Row, target: str) -> float:
        return float(row["seen"][target]["same"]["raw"][LEVEL])

    def first(row: Row, target: str) -> float:
        return named_first(row["seen"][target], row["aims"])

    shown = [row for _, group in matrices_of(rows) for row in group]
    if any(same(row, target) for row in shown for target in row["targets"] if target != row["network"]):
        return same, "images with the same name at 99.99 % or more"
    return first, "images whose class is named first, with any confidence"


def _curves(rows: Sequence[Row]) -> dict[str, list[tuple[float, Interval]]]:
    """For evolved, gradient and random images: the rate in each bin, all budgets together."""
    wanted = related(other_kind(rows))
    series: dict[str, list[tuple[float, Interval]]] = {}
    for (generator,), group in group_by(rows, "generator").items():
        if generator in ("random_cppn", CLEAN, *NOISE):
            continue
        by_source = []
        for runs in group_by(group, "network").values():
            own, other = own_and_other(runs, wanted)
            by_source.append(curve(own, other, EDGES))
        points = []
        for place in range(len(EDGES) - 1):
            known = [[float(shares[place])] for shares, counts in by_source if counts[place]]
            if known:
                middle = 0.5 * (EDGES[place] + EDGES[place + 1])
                points.append((middle, share_interval(known)))
        if points:
            series[NAMES[generator]] = points
    return series
