"""How hard each digit is: what the searches of `experiments.class_difficulty` say."""

from collections.abc import Mapping, Sequence

import numpy as np

from fooljax.analysis.correlations import mean_correlation, spearman
from fooljax.analysis.statistics import median_interval
from fooljax.engine.log_odds import format_confidence
from fooljax.report.dots import strips
from fooljax.study import Row, group_by, markdown
from fooljax.study import numbers as written
from fooljax.study.findings import Finding
from fooljax.study.thresholds_reached import threshold_cells, threshold_words

FAMILIES = {"cppn": "evolved CPPNs", "direct": "evolved pixels", "random": "random CPPNs (control)"}
FACTORS = {
    "clean_log_odds": "confidence in clean images",
    "in_question": "classes in question in clean images",
    "wrong_names": "clean images taken for another digit",
    "random_log_odds": "confidence in random pictures",
}
"""What may make a digit easy or hard, by its entry in a row of clean images."""
FIGURES = {"passes": "passes to 99.99 %", "log_odds": "log-odds at the end"}
CORRELATIONS = """\
Spearman's rank correlation over the ten digits. It is taken for each run; the table gives the mean over runs
and networks. Brackets are t-intervals over networks, for further networks that are trained alike."""
Clean = Mapping[str, Row]
"""The rows of clean images by network."""


def tables(rows: Sequence[Row], clean: Clean) -> str:
    """By digit, as rank correlations, and the thresholds.

    Args:
      rows: of searches.
      clean: the rows of clean images by network.
    """
    shares = [{"images": FAMILIES[family], **threshold_cells(group)} for family, group in _families(rows)]
    return "\n".join(
        [
            *("### Digits\n", markdown(_digits(rows, clean)), ""),
            *("### Digits: rank correlations\n", CORRELATIONS, "", markdown(_correlations(rows, clean)), ""),
            *("### Digits: thresholds\n", threshold_words(), "", markdown(shares), ""),
        ]
    )


def findings(rows: Sequence[Row], clean: Clean) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of searches.
      clean: the rows of clean images by network.
    Returns:
      `FAMILY_clean`: the rank correlation of passes with the confidence in clean images; `FAMILY_wrong`: with
      the share of these that are taken for another digit.
    """
    found = {}
    for family, group in _families(rows):
        for short, factor in (("clean", "clean_log_odds"), ("wrong", "wrong_names")):
            if groups := _rhos(group, clean, "passes", factor):
                mean = mean_correlation(groups)
                units = f"{sum(map(len, groups))} runs on {len(groups)} networks"
                found[f"{family}_{short}"] = Finding(mean, written.signed(mean), units)
    return found


def figures(rows: Sequence[Row], clean: Clean) -> dict[str, bytes]:
    """The passes of every run until each digit was fooled, a picture for each family that fooled any.

    Args:
      rows: of searches.
      clean: the rows of clean images by network.
    """
    del clean
    pictures = {}
    for family, group in _families(rows):
        passes = np.asarray([list(map(_never, row["passes"])) for row in group])
        if np.isfinite(passes).any():
            digits = {f"digit {digit}": passes[:, digit].tolist() for digit in range(passes.shape[1])}
            value = f"network passes until 99.99 %, {FAMILIES[family]}"
            pictures[f"passes-{family}.png"] = strips(digits, value=value, log_scale=True)
    return pictures


def _families(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    return [(family, group) for (family,), group in group_by(rows, "family").items()]


def _digits(rows: Sequence[Row], clean: Clean) -> list[dict[str, str]]:
    met = [clean[network] for (network,) in group_by(rows, "network")]
    lines = []
    for digit in range(len(rows[0]["log_odds"])):
        line = {"digit": str(digit)}
        for family, group in _families(rows):
            networks = group_by(group, "network").values()
            passes = [[_never(row["passes"][digit]) for row in runs] for runs in networks]
            line[f"passes, {FAMILIES[family]}"] = written.needed(median_interval(passes), group[0]["budget"])
        sure = [row["clean_log_odds"][digit] for row in met]
        asked = [row["in_question"][digit] for row in met]
        wrong = [row["wrong_names"][digit] for row in met]
        line[FACTORS["clean_log_odds"]] = format_confidence(float(np.median(sure)))
        line[FACTORS["in_question"]] = written.plain(float(np.median(asked)), 5)
        line[FACTORS["wrong_names"]] = written.percent(float(np.median(wrong)), 2)
        lines.append(line)
    return lines


def _correlations(rows: Sequence[Row], clean: Clean) -> list[dict[str, str]]:
    lines = []
    for family, group in _families(rows):
        for figure, name in FIGURES.items():
            line = {"images": FAMILIES[family], "rank of": name}
            for factor, head in FACTORS.items():
                groups = _rhos(group, clean, figure, factor)
                line[head] = written.signed(mean_correlation(groups)) if groups else written.NONE
            lines.append(line)
    return lines


def _rhos(rows: Sequence[Row], clean: Clean, figure: str, factor: str) -> list[list[float]]:
    """For each network the rank correlation of each run; those that cannot be told are left out."""
    groups = []
    for (network,), runs in group_by(rows, "network").items():
        rhos = [spearman([*map(_never, row[figure])], clean[network][factor]).rho.estimate for row in runs]
        if finite := [rho for rho in rhos if np.isfinite(rho)]:
            groups.append(finite)
    return groups


def _never(value: float | None) -> float:
    return np.inf if value is None else value
