"""What the rows of `experiments.training_data` say: trends, ways to train, and findings."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fooljax.analysis.comparisons import Unpaired, mann_whitney
from fooljax.analysis.statistics import Interval, difference_interval, lower_median, mean_interval, median
from fooljax.analysis.trends import Trend, trend
from fooljax.study import Row, group_by, numbers
from fooljax.study.attacks import FRESH
from fooljax.study.findings import Finding, describe_sample
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.tables import values_by_network
from fooljax.study.trainings import KINDS, PLAIN_KIND

MADE = FRESH
"""Images that are made against a network. What comes of them is tested for a trend."""
FIGURES = {
    "log_odds": "log-odds of the images",
    "scaled_log_odds": "the same after temperature scaling",
    "passes": "passes until the median class",
}
IN_NAMES = {"log_odds": "", "scaled_log_odds": "scaled_", "passes": "passes_"}
"""What the names of findings say of each measure."""


class Against(NamedTuple):
    """A way to train against plain training.

    Attributes:
      apart: the mean log-odds less that of plain networks, with its interval for further networks.
      scaled: the same after temperature scaling.
      test: of the log-odds.
    """

    apart: Interval
    scaled: Interval
    test: Unpaired


def sort_rows(rows: Sequence[Row]) -> list[Row]:
    """By what was made, way to train, images or depth, seed and run, however the rows were read."""
    kinds, made = list(KINDS), [None, *EXPLANATIONS]

    def place(row: Row) -> tuple[Any, ...]:
        first = row["architecture"], made.index(row.get("generator"))
        if row["architecture"] == "given":
            return *first, 0, row["depth"] or 0, row["network"], row.get("run", 0)
        return *first, kinds.index(row["training"]), row["learnt"], str(row["seed"]), row.get("run", 0)

    return sorted(rows, key=place)


def figures_by_network(rows: Sequence[Row], figure: str) -> list[list[float]]:
    """A measure of `FIGURES` of each row, grouped by network."""
    return values_by_network(rows, lambda row: _figure(row, figure))


def _figure(row: Row, name: str) -> float:
    if name == "passes":
        return float("inf") if row["passes_to_median"] is None else float(row["passes_to_median"])
    return median(row[name])


def trends(rows: Sequence[Row]) -> dict[tuple[str, str], tuple[Trend, int]]:
    """The trends of one architecture's plain networks along the images they learnt from, or their depth.

    Args:
      rows: of one architecture.
    Returns:
      By generator and measure out of `FIGURES`, the trend, and how many networks it is taken over. Those
      that need more networks are not in it.
    """
    given = rows[0]["architecture"] == "given"
    made = [row for row in sort_rows(rows) if row["kind"] == "attack" and row["generator"] in MADE]
    made = [row for row in made if (row["depth"] is not None if given else row["training"] == PLAIN_KIND)]
    found = {}
    for (generator,), group in group_by(made, "generator").items():
        levels = sorted({row[level_of(given)] for row in group})
        for figure in FIGURES:
            if figure == "passes" and generator == "gradient":
                continue
            values = [
                [_of_runs(some, figure) for some in group_by(of_seed, level_of(given)).values()]
                for of_seed in group_by(group, "architecture" if given else "seed").values()
            ]
            if len(levels) > 1 and len(levels) * len(values) >= 4:
                found[generator, figure] = trend(levels, values), len(levels) * len(values)
    return found


def _of_runs(rows: Sequence[Row], figure: str) -> float:
    """A measure of several runs, as the tables show it: of passes, which may be infinite, the median."""
    values = [_figure(row, figure) for row in rows]
    return lower_median(values) if figure == "passes" else float(np.mean(values))


def diversity(rows: Sequence[Row]) -> dict[tuple[str, str], Against]:
    """Ways to train against plain training on as many images.

    Args:
      rows: of attacks on networks of one architecture.
    Returns:
      By generator and way to train.
    """
    found = {}
    made = [row for row in rows if row["generator"] in MADE and row["architecture"] != "given"]
    groups = group_by(sort_rows(made), "generator", "training", "learnt")
    for (generator, kind, learnt), group in groups.items():
        plain = groups.get((generator, PLAIN_KIND, learnt))
        if kind != PLAIN_KIND and plain:
            apart, scaled = (
                difference_interval(
                    *(mean_interval(figures_by_network(some, figure)) for some in (group, plain))
                )
                for figure in ("log_odds", "scaled_log_odds")
            )
            test = mann_whitney(figures_by_network(group, "log_odds"), figures_by_network(plain, "log_odds"))
            found[generator, kind] = Against(apart, scaled, test)
    return found


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of the study, of one architecture or of several.
    Returns:
      With G a generator of `MADE`. `size_slope_G`: what the log-odds gain for ten times as many images, or
      layers, and `size_scaled_slope_G`, the same after temperature scaling; `size_rho_G`,
      `size_scaled_rho_G` and `size_passes_rho_G`: Spearman's correlation of the log-odds, before and after
      scaling, and of the passes until the median class, with the images or layers. `T_a12_G` for each
      further way T to train: the chance that images reach higher log-odds than against plain networks.
      `T_apart_G` and `T_scaled_apart_G`: by how much, before and after scaling. All of them bear the name of
      the architecture in front where there are several.
    """
    found: dict[str, Finding] = {}
    by_architecture = group_by(rows, "architecture")
    for (architecture,), group in by_architecture.items():
        front = f"{architecture}_" if len(by_architecture) > 1 else ""
        attacks = [row for row in group if row["kind"] == "attack"]
        for (generator, figure), (one, networks) in trends(group).items():
            units, rho = describe_sample(networks, networks), one.correlation.rho
            name = f"{front}size_{IN_NAMES[figure]}"
            found[f"{name}rho_{generator}"] = Finding(rho, numbers.signed(rho), units)
            if figure != "passes":
                slope = Finding(one.slope, numbers.signed(one.slope), units)
                found[f"{name}slope_{generator}"] = slope
        for (generator, kind), against in diversity(attacks).items():
            a12, networks = against.test.a12, sum(against.test.counts)
            units = describe_sample(networks, networks)
            found[f"{front}{kind}_a12_{generator}"] = Finding(a12, numbers.signed(a12), units)
            for name, apart in (("apart", against.apart), ("scaled_apart", against.scaled)):
                found[f"{front}{kind}_{name}_{generator}"] = Finding(apart, numbers.signed(apart, 1), units)
    return found


def level_of(given: bool) -> str:
    """The entry along which there is a trend."""
    return "depth" if given else "learnt"
