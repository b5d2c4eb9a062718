"""How hard ImageNet's classes are: what the archives of `experiments.class_difficulty` say.

An archive need not have all 1,000 classes; those that it lacks are left out.
"""

from collections.abc import Sequence

import numpy as np

from fooljax.analysis.comparisons import Unpaired, holm
from fooljax.analysis.correlations import Correlation
from fooljax.data.imagenet import GROUPS
from fooljax.engine.log_odds import format_confidence, to_log_odds
from fooljax.report.class_log_odds import (
    ANIMALS,
    NO_ANIMALS,
    Clean,
    Values,
    against_other_animals,
    correlation,
    factor_of,
    members,
    odds_of,
    other_animals,
    pair,
    shares_of,
)
from fooljax.report.dots import scatter, strips
from fooljax.study import Row, markdown
from fooljax.study import numbers as written
from fooljax.study.findings import Finding, point_estimate

FACTORS = {
    "clean_log_odds": "confidence in clean images",
    "in_question": "classes in question in clean images",
    "near": "near classes",
    "group_size": "classes of its group",
    "random_log_odds": "confidence in random pictures",
}
"""What may make a class easy or hard, by its entry in a row of clean images."""
SHORT = {"near": "near", "random_log_odds": "random"}
ACROSS = {
    "near": "near classes: others that the network raises together with the class",
    "random_log_odds": "median log-odds of the class in random pictures",
}
COMPARED = {
    "dogs": ("dogs",),
    "domestic cats": ("domestic cats",),
    "dogs, cats, wolves and foxes": ("dogs", "domestic cats", "wild cats", "wolves and foxes"),
}
"""Groups that are held against all other animals."""
KINDS = {
    "things": ("things",),
    "other animals": tuple(one for one in ANIMALS if one not in ("dogs", "domestic cats", "wild cats")),
    "food, plants and others": tuple(group for group in NO_ANIMALS if group != "things"),
    "dogs": ("dogs",),
    "cats": ("domestic cats", "wild cats"),
}
"""Groups that are drawn in one colour; those drawn last lie on top."""
ENCODINGS = {"direct": "pixels", "cppn": "CPPNs"}
"""What people read for an encoding."""
GROUPED = "Medians, and in brackets the share of classes at 90 % or more. A column for each finished search:"
DOGS = """\
A12 is the chance that a class of the group got higher log-odds than another animal; 0.5 is no difference.
p is from the Mann-Whitney test, two-sided, with Holm's correction over the table. Intervals and p are for
other classes, not for other networks."""
CORRELATIONS = """\
Spearman's rank correlation, over the classes, of the log-odds of the saved images with each quantity. p has
Holm's correction over the table. Intervals and p are for other classes of the same network, not for other
networks."""
THRESHOLDS = """\
The share of classes whose saved image reaches each threshold. `clean_median` is the median confidence of the
network in photographs. `tpr_95` and `tpr_99` are the confidences that 95 % and 99 % of photographs reach. An
archive keeps only the log-odds of each class's own image, so temperature scaling cannot be applied."""


def tables(rows: Sequence[Row], clean: Clean) -> str:
    """By group, dogs and cats against other animals, and rank correlations.

    Args:
      rows: of archives.
      clean: the rows of clean images by network.
    """
    searches = [f"`{_name(row)}` ({_search(row)}; {row['passes_in_all']:,} passes)" for row in rows]
    parts = {
        "by group": (f"{GROUPED} {', '.join(searches)}.", _groups(rows, clean)),
        "dogs and cats": (DOGS, _dogs(rows)),
        "rank correlations": (CORRELATIONS, _correlations(rows, clean)),
        "thresholds": (THRESHOLDS, _thresholds(rows, clean)),
    }
    lines = [
        [f"### ImageNet: {head}\n", words, "", markdown(table), ""]
        for head, (words, table) in parts.items()
        if table
    ]
    return "\n".join(line for part in lines for line in part)


def findings(rows: Sequence[Row], clean: Clean) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of archives.
      clean: the rows of clean images by network.
    Returns:
      For each archive NAME: `NAME_dogs` and `NAME_cats`, A12 against the other animals; `NAME_dogs_at_90` and
      `NAME_others_at_90`, shares of classes; `NAME_near` and `NAME_random`, rank correlations over the
      animals with near classes and with random pictures.
    """
    found = {}
    for row in rows:
        for short, group in (("dogs", "dogs"), ("cats", "domestic cats")):
            if test := against_other_animals(row, (group,)):
                sample = f"{test.counts[0]} {short}, {test.counts[1]} other animals, one run"
                found[f"{_name(row)}_{short}"] = Finding(test.a12, written.signed(test.a12), sample)
        for short, groups in (("dogs", ("dogs",)), ("others", other_animals(("dogs",)))):
            if (odds := odds_of(row, *groups)).size:
                share = float(np.mean(odds >= to_log_odds(0.9)))
                sample = f"{odds.size} classes, one run"
                found[f"{_name(row)}_{short}_at_90"] = Finding(
                    point_estimate(share), written.percent(share), sample
                )
        for factor, short in SHORT.items():
            if one := correlation(row, clean, factor, ANIMALS):
                over = f"{one.pairs} animals, one run"
                found[f"{_name(row)}_{short}"] = Finding(one.rho, written.signed(one.rho), over)
    return found


def figures(rows: Sequence[Row], clean: Clean) -> dict[str, bytes]:
    """For each archive the log-odds by group, those with the least first, and against what may decide them.

    Args:
      rows: of archives.
      clean: the rows of clean images by network.
    """
    label = "log-odds of the saved image, ln p/(1\N{MINUS SIGN}p)"
    pictures = {}
    for row in rows:
        groups = {group: values for group in GROUPS if (values := odds_of(row, group)).size}
        ordered = sorted(groups, key=lambda group: float(np.median(groups[group])))
        by_group = {group: groups[group].tolist() for group in ordered}
        pictures[f"groups-{_name(row)}.png"] = strips(by_group, value=label, log_odds=True)
        for factor, across in ACROSS.items():
            if factor_of(row, clean, factor) is not None:
                points = {kind: pair(row, clean, factor, chosen) for kind, chosen in KINDS.items()}
                drawn = {kind: (first.tolist(), second.tolist()) for kind, (first, second) in points.items()}
                picture = scatter(drawn, across=across, up=label, log_odds=True)
                pictures[f"{SHORT[factor]}-{_name(row)}.png"] = picture
    return pictures


def _groups(rows: Sequence[Row], clean: Clean) -> list[dict[str, str]]:
    lines = []
    for group in GROUPS:
        line = {"group": group, "classes": str(members(group).size)}
        for row in rows:
            odds = odds_of(row, group)
            at_90 = written.percent(float(np.mean(odds >= to_log_odds(0.9)))) if odds.size else ""
            line[_name(row)] = f"{_median(odds)} ({at_90})" if odds.size else written.NONE
        for network in dict.fromkeys(row["network"] for row in rows):
            photographs = clean.get(network, {})
            if photographs.get("near") is not None:
                sure = np.asarray(photographs["clean_log_odds"], np.float64)[members(group)]
                line[f"photographs ({network})"] = _median(sure[np.isfinite(sure)])
                wrong = np.asarray(photographs["wrong_names"], np.float64)[members(group)]
                line[f"photographs named wrongly ({network})"] = written.percent(float(np.nanmean(wrong)))
                near = float(np.median(np.asarray(photographs["near"])[members(group)]))
                line[f"near classes ({network})"] = written.plain(near)
        lines.append(line)
    return lines


def _dogs(rows: Sequence[Row]) -> list[dict[str, str]]:
    tests: dict[tuple[str, str], Unpaired] = {}
    for row in rows:
        for name, groups in COMPARED.items():
            if test := against_other_animals(row, groups):
                tests[_name(row), name] = test
    corrected = holm([test.p for test in tests.values()])
    return [
        {
            "archive": archive,
            "group": name,
            "classes": f"{test.counts[0]} and {test.counts[1]}",
            "A12": written.signed(test.a12),
            "p": written.p_value(p),
        }
        for ((archive, name), test), p in zip(tests.items(), corrected, strict=True)
    ]


def _correlations(rows: Sequence[Row], clean: Clean) -> list[dict[str, str]]:
    found: dict[tuple[str, str, str], Correlation] = {}
    for row in rows:
        for over, groups in (("all", tuple(GROUPS)), ("animals", ANIMALS)):
            for factor, head in FACTORS.items():
                if one := correlation(row, clean, factor, groups):
                    found[_name(row), over, head] = one
    corrected = holm([one.p for one in found.values()])
    heads = [head for head in FACTORS.values() if any(key[2] == head for key in found)]
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for ((archive, over, head), one), p in zip(found.items(), corrected, strict=True):
        empty = {"archive": archive, "classes": over, **dict.fromkeys(heads, written.NONE)}
        line = lines.setdefault((archive, over), empty)
        if np.isfinite(one.rho.estimate):
            line[head] = f"{written.signed(one.rho)}, p {written.p_value(p)}"
    return list(lines.values())


def _thresholds(rows: Sequence[Row], clean: Clean) -> list[dict[str, str]]:
    known = [(row, shares_of(row, clean)) for row in rows]
    return [
        {"archive": _name(row), **{name: written.percent(share) for name, share in shares.items()}}
        for row, shares in known
        if shares is not None
    ]


def _median(odds: Values) -> str:
    return format_confidence(float(np.median(odds)) if odds.size else None)


def _search(row: Row) -> str:
    """The encoding and the strategy of a search, in words."""
    encoding, _, strategy = str(row["search"]).partition(", ")
    return f"{ENCODINGS.get(encoding, encoding)} by the strategy `{strategy}`"


def _name(row: Row) -> str:
    """Of an archive, as tables call it."""
    return str(row["task"]).partition(",")[2]
