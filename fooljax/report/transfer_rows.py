"""What tables and figures of `experiments.transfer` share: which rows belong together, and their names."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fooljax.analysis.transfer import OTHER, SAME, SEED, Seen, architecture, mean_known, relation
from fooljax.engine.log_odds import FOOLED
from fooljax.study import Row, group_by
from fooljax.study.generators import NOISE, SHORT_NAMES
from fooljax.study.measured_sets import ARCHIVE, CLEAN
from fooljax.study.tables import values_by_network

NAMES = {
    **SHORT_NAMES,
    ARCHIVE: "finished search with CPPNs",
    CLEAN: "clean images (control)",
}
LEVEL = "0.9999"
EDGES = (-20.0, -9.0, 0.0, 4.6, FOOLED, 12.0, 15.0, 18.0, 22.0, 28.0, 36.0, 50.0)
"""Log-odds between the bins of confidence in the network that images were made for."""
SHOWN = ("direct", "cppn", "gradient", "random_search_cppn", ARCHIVE)
"""Generators whose matrices are shown, with the largest budget."""
Pairs = Callable[[str, str], bool]
"""Which pairs of source and target count."""


def rows_of_sets(rows: Sequence[Row]) -> list[Row]:
    """The rows of sets of images, in an order of their own: by generator, budget, network and run."""
    order = [*NAMES]
    found = [row for row in rows if row["kind"] == "images"]
    return sorted(
        found, key=lambda row: (order.index(row["generator"]), row["budget"], row["network"], row["run"])
    )


def independent_sources(rows: Sequence[Row]) -> list[str]:
    """The sources that are units: those of the architecture that most of them have, else all."""
    sources = list(dict.fromkeys(row["network"] for row in rows))
    (common, count), *_ = Counter(map(architecture, sources)).most_common()
    return [name for name in sources if architecture(name) == common] if count > 1 else sources


def network_pairs(rows: Sequence[Row]) -> dict[str, Pairs]:
    """The columns of the tables: which pairs of source and target belong to each, by its name."""
    units = independent_sources(rows)
    kinds = {name: related(name) for name in (SAME, SEED, OTHER)}
    if len({architecture(name) for name in units}) == 1:
        del kinds[OTHER]
        for target in rows[0]["targets"]:
            if architecture(target) != architecture(units[0]):
                kinds[target] = _is_target(target)
    met = {relation(unit, target) for unit in units for target in rows[0]["targets"]}
    return {name: one for name, one in kinds.items() if name in met or name in rows[0]["targets"]}


def related(name: str) -> Pairs:
    """The pairs that are related in this way."""
    return lambda source, target: relation(source, target) == name


def _is_target(name: str) -> Pairs:
    return lambda source, target: target == name


def answers_of_targets(row: Row, wanted: Pairs) -> list[Seen]:
    """What the targets of a kind say of a set."""
    return [seen for target, seen in row["seen"].items() if wanted(row["network"], target)]


def grouped(
    rows: Sequence[Row], wanted: Pairs, figure: Callable[[Row, Seen], float | None]
) -> list[list[float]]:
    """A number of each set, averaged over the targets of a kind; for each source those of its runs."""
    return values_by_network(
        rows, lambda row: mean_known(figure(row, seen) for seen in answers_of_targets(row, wanted))
    )


def label(generator: str, passes: int) -> str:
    """A kind of images as tables and figures call it."""
    spent = generator not in ("random_cppn", CLEAN, *NOISE)
    return f"{NAMES[generator]}, {passes:,} passes" if spent else NAMES[generator]


def other_kind(rows: Sequence[Row]) -> str:
    """The relation that most is asked about: of the units to each other."""
    return SEED if SEED in network_pairs(rows) else OTHER


def other_networks(rows: Sequence[Row]) -> Pairs:
    """The pairs of different networks that images were made for; judges are none."""
    sources = {row["network"] for row in rows}
    return lambda source, target: source != target and target in sources


def own_and_other(rows: Sequence[Row], wanted: Pairs) -> npt.NDArray[np.float64]:
    """`[2, N]`, log-odds of each image's own class, under the network it was made for and under another.

    An image has a place for every target of the kind that is wanted.
    """
    pairs = [(row["log_odds"], seen["own"]) for row in rows for seen in answers_of_targets(row, wanted)]
    return np.moveaxis(np.asarray(pairs, np.float64).reshape(len(pairs), 2, -1), 1, 0).reshape(2, -1)


def kinds_of_images(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of each generator and budget, by what it is called."""
    return [(label(*key), group) for key, group in group_by(rows, "generator", "budget").items()]


def own_only(row: Row) -> float:
    """The share of a set that fools its own network at 99.99 % and no other, under the name it is for."""
    others = [np.asarray(seen["own"]) for target, seen in row["seen"].items() if target != row["network"]]
    transfers = np.any(np.asarray(others).reshape(len(others), -1) >= FOOLED, axis=0)
    return float(np.mean((np.asarray(row["log_odds"]) >= FOOLED) & ~transfers))


def matrices_of(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of each generator that has a matrix, by what it is called."""
    return kinds_of_images([row for row in with_largest_budget(rows) if row["generator"] in SHOWN])


def with_largest_budget(rows: Sequence[Row]) -> list[Row]:
    """Of each generator the rows of sets with the most passes."""
    kinds = group_by(rows, "generator").values()
    return [row for kind in kinds for row in kind if row["budget"] == max(one["budget"] for one in kind)]
