"""How hard ImageNet's classes are when networks are fooled anew: tables and findings of several networks.

Rows hold one image for each class of one run. Runs against one network are averaged, and each network is one
observation.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fooljax.analysis.correlations import mean_correlation
from fooljax.analysis.statistics import Interval, mean_share_interval
from fooljax.engine.log_odds import format_confidence
from fooljax.report.class_log_odds import (
    ANIMALS,
    Clean,
    against_other_animals,
    correlation,
    odds_of,
    other_animals,
    shares_of,
)
from fooljax.report.dots import strips
from fooljax.study import Row, group_by, markdown
from fooljax.study import numbers as written
from fooljax.study.findings import Finding
from fooljax.study.generators import EXPLANATIONS

WORDS = """\
New images against several networks, {classes} classes in each run, with {passes} network passes for all
classes together. **Dogs**: the chance that a dog got higher log-odds than another animal; 0.5 is no
difference. **Near classes** and **random pictures**: Spearman's rank correlation, over the animals, of the
log-odds with the number of near classes, and with the log-odds that random pictures give to the class. For
one network, a run is one observation; for all networks, a network is. Brackets are 95 % t-intervals. The
networks are a fixed set of different architectures, so the interval over all of them is only a guide."""
THRESHOLDS = """\
The mean share of classes whose saved image reaches each threshold, over runs. `clean_median` is the median
confidence of the network in photographs. `tpr_95` and `tpr_99` are the confidences that 95 % and 99 % of
photographs reach."""
ALL = "all networks"
DOGS = ("dogs",)
KINDS = {"dogs": DOGS, "other animals": other_animals(DOGS), "things": ("things",)}


def _dogs(row: Row, clean: Clean) -> float | None:
    del clean
    test = against_other_animals(row, DOGS)
    return None if test is None else test.a12.estimate


def _against(factor: str) -> Callable[[Row, Clean], float | None]:
    def found(row: Row, clean: Clean) -> float | None:
        one = correlation(row, clean, factor, ANIMALS)
        return None if one is None or not np.isfinite(one.rho.estimate) else one.rho.estimate

    return found


class Measure(NamedTuple):
    """What is measured of each run.

    Attributes:
      short: names it among the findings.
      of: its value of a row; None where it cannot be told.
      mean: over networks, of the values of their runs.
    """

    short: str
    of: Callable[[Row, Clean], float | None]
    mean: Callable[[Sequence[Sequence[float]]], Interval]


MEASURES = {
    "dogs": Measure("dogs", _dogs, mean_share_interval),
    "near classes": Measure("near", _against("near"), mean_correlation),
    "random pictures": Measure("random", _against("random_log_odds"), mean_correlation),
}
"""By the heads of their columns."""


def tables(rows: Sequence[Row], clean: Clean) -> str:
    """Dogs against other animals and rank correlations by network; thresholds.

    Args:
      rows: of image sets.
      clean: the rows of clean images by network.
    """
    counts = sorted({sum(one is not None for one in row["log_odds"]) for row in rows})
    passes = max(row["passes"] for row in rows)
    words = WORDS.format(classes=" or ".join(map(str, counts)), passes=f"{passes:,}")
    lines = []
    for (generator,), group in group_by(rows, "generator").items():
        for (network,), runs in group_by(group, "network").items():
            lines.append(_line(generator, network, runs, clean))
        if len(group_by(group, "network")) > 1:
            lines.append(_line(generator, ALL, group, clean))
    parts = ["### ImageNet: several networks\n", words, "", markdown(lines), ""]
    if reached := _thresholds(rows, clean):
        parts += ["### ImageNet: thresholds of several networks\n", THRESHOLDS, "", markdown(reached), ""]
    return "\n".join(parts)


def findings(rows: Sequence[Row], clean: Clean) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of image sets.
      clean: the rows of clean images by network.
    Returns:
      For each generator: `GENERATOR_dogs`, the chance that a dog gets more than another animal,
      `GENERATOR_near` and `GENERATOR_random`, rank correlations over the animals; means over networks.
    """
    found = {}
    for (generator,), group in group_by(rows, "generator").items():
        networks = len(group_by(group, "network"))
        for measure in MEASURES.values():
            if groups := _values(group, clean, measure):
                interval = measure.mean(_means(groups, measure))
                words = f"{networks} networks, {len(group) / networks:g} runs each"
                found[f"{generator}_{measure.short}"] = Finding(interval, written.signed(interval), words)
    return found


def figures(rows: Sequence[Row], clean: Clean) -> dict[str, bytes]:
    """For each network the mean log-odds of each class over the runs of evolved CPPNs, by kinds of classes.

    Args:
      rows: of image sets.
      clean: not used.
    """
    del clean
    pictures = {}
    for (generator, network), runs in group_by(rows, "generator", "network").items():
        if generator == "cppn":
            odds = np.mean([np.asarray(row["log_odds"], np.float64) for row in runs], axis=0)
            mean = {"network": network, "log_odds": odds}
            values = {name: odds_of(mean, *groups).tolist() for name, groups in KINDS.items()}
            shown = {name: one for name, one in values.items() if one}
            label = f"mean log-odds against {network}, ln p/(1\N{MINUS SIGN}p)"
            pictures[f"anew-{network}.png"] = strips(shown, value=label, log_odds=True)
    return pictures


def _line(generator: str, network: str, rows: Sequence[Row], clean: Clean) -> dict[str, str]:
    """The line of one network, or of all of them."""
    line = {"images": EXPLANATIONS[generator], "network": network, "runs": str(len(rows))}
    for name, members in KINDS.items():
        odds = np.concatenate([odds_of(row, *members) for row in rows])
        line[f"median, {name}"] = format_confidence(float(np.median(odds)) if odds.size else None)
    for name, measure in MEASURES.items():
        groups = _values(rows, clean, measure)
        # The runs of one network are its observations. Of all networks, each is one.
        groups = _means(groups, measure) if network == ALL else _apart(groups)
        line[name] = written.signed(measure.mean(groups)) if groups else written.NONE
    return line


def _values(rows: Sequence[Row], clean: Clean, measure: Measure) -> list[list[float]]:
    """What is measured of the runs of each network; networks of which it cannot be are left out."""
    networks = group_by(rows, "network").values()
    values_by_network = [[measure.of(row, clean) for row in runs] for runs in networks]
    return [known for values in values_by_network if (known := [one for one in values if one is not None])]


def _apart(groups: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[value] for group in groups for value in group]


def _means(groups: Sequence[Sequence[float]], measure: Measure) -> list[list[float]]:
    """The mean over the runs of each network, as its own line in the table has it."""
    return [[measure.mean(_apart([group])).estimate] for group in groups]


def _thresholds(rows: Sequence[Row], clean: Clean) -> list[dict[str, str]]:
    lines = []
    for (generator, network), runs in group_by(rows, "generator", "network").items():
        known = [shares for row in runs if (shares := shares_of(row, clean)) is not None]
        if known:
            means = {name: float(np.mean([one[name] for one in known])) for name in known[0]}
            words = {name: written.percent(mean) for name, mean in means.items()}
            lines.append({"images": EXPLANATIONS[generator], "network": network, **words})
    return lines
