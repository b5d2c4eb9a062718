"""Tables and figures of `experiments.class_difficulty`, from its rows alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fooljax.analysis.comparisons import holm, mann_whitney
from fooljax.analysis.correlations import Correlation, mean_correlation, spearman
from fooljax.analysis.statistics import median_interval
from fooljax.data.imagenet import GROUPS, NUM_CLASSES, group_of
from fooljax.engine.log_odds import format_confidence, to_log_odds
from fooljax.report.dots import scatter, strips
from fooljax.study import Row, alike, markdown
from fooljax.study import numbers as written
from fooljax.study.thresholds_reached import THRESHOLDS, threshold_cells

FACTORS = {
    "clean_log_odds": "confidence in clean images",
    "in_question": "classes in question in clean images",
    "near": "near classes",
    "group_size": "classes of its group",
    "random_log_odds": "confidence in random pictures",
}
"""What may make a class easy or hard, by its entry in a row of clean images."""
FAMILIES = {"cppn": "evolved CPPNs", "direct": "evolved pixels", "random": "random CPPNs (control)"}
COMPARED = {
    "dogs": ("dogs",),
    "domestic cats": ("domestic cats",),
    "dogs, cats, wolves and foxes": ("dogs", "domestic cats", "wild cats", "wolves and foxes"),
}
"""Groups that are held against all other animals."""
NO_ANIMALS = ("things", "food", "landscapes", "people", "plants and fungi")
WORDS = """\
Log-odds of saved 8-bit images, read back. **Classes in question**: among how many classes the network is
undecided, the exponential of the entropy of its answer. **Near classes**: others whose logits rise and fall
with those of the class over all clean images; of all pairs of classes the 1 % that go together most.
**Random pictures**: {random} random CPPN images, without selection. Brackets are intervals of 95 %.
Clean images: {clean}. Threat model: the searches see a network's logits, and no gradients or weights."""
LEARNT = " (digits that the shipped LeNets have learnt from, so clean figures are too good)"


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: for digits by class and as rank correlations; for archives by group, and correlations."""
    clean = {row["network"]: row for row in rows if row["kind"] == "clean"}
    searches = [row for row in rows if row["kind"] == "search"]
    archives = [row for row in rows if row["kind"] == "archive"]
    known = {f"{row['clean_images']:,} of {row['clean_data']}{_learnt(row)}" for row in clean.values()}
    random = next((row["random_images"] for row in clean.values()), 0)
    parts = [WORDS.format(random=random, clean="; ".join(sorted(known)) or "none"), ""]
    if searches:
        parts += ["### Digits\n", _digits(searches, clean), "\n### Digits: rank correlations\n"]
        parts += [_UNITS, "", _digit_correlations(searches, clean), "\n### Digits: thresholds\n"]
        parts += [THRESHOLDS, "", _shares(searches), ""]
    if archives:
        parts += ["### ImageNet by group\n", _groups(archives, clean), "", _searches(archives), ""]
        parts += ["### Dogs and cats\n", _DOGS, "", _dogs(archives), ""]
        parts += [
            "### ImageNet: rank correlations\n",
            _CLASSES,
            "",
            _archive_correlations(archives, clean),
            "",
        ]
    return "\n".join(parts)


def _learnt(row: Row) -> str:
    learnt = row["clean_data"] == "mnist-embedded" and str(row["network"]).startswith("lenet-")
    return LEARNT if learnt else ""


_UNITS = """\
Spearman's rank correlation over the ten digits, of each run. The mean over runs and networks; the interval
is a t-interval over the networks, for further ones that are trained alike."""
_DOGS = """\
A12 is the chance that a class of the group got a higher log-odds than another animal: 0.5 is no difference.
p is Mann-Whitney's, two-sided, corrected by Holm over the table. Intervals and p are for other classes, not
for other networks."""
_CLASSES = """\
Spearman's rank correlation of the log-odds of the saved images over the classes. p is corrected by Holm over
the table. Intervals and p are for other classes of the same network, not for other networks."""


_KINDS = {
    "things": ("things",),
    "other animals": (
        "fish",
        "birds",
        "amphibians and reptiles",
        "insects, spiders and their kin",
        "sea animals without a spine",
        "wolves and foxes",
        "other mammals",
    ),
    "food, plants and others": ("food", "landscapes", "people", "plants and fungi"),
    "dogs": ("dogs",),
    "cats": ("domestic cats", "wild cats"),
}
_ACROSS = {
    "near": "near classes: others that the network raises together with the class",
    "random_log_odds": "median log-odds of the class in random pictures",
}


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Passes of each digit; and for each archive the log-odds by group, and against near classes."""
    pictures = {}
    for (family,), of in alike([row for row in rows if row["kind"] == "search"], "family").items():
        passes = np.asarray([list(map(_never, row["passes"])) for row in of])
        if np.isfinite(passes).any():
            digits = {f"digit {digit}": passes[:, digit].tolist() for digit in range(passes.shape[1])}
            value = f"network passes until 99.99 %, {FAMILIES[family]}"
            pictures[f"passes-{family}.png"] = strips(digits, value=value, log_scale=True)
    clean = {row["network"]: row for row in rows if row["kind"] == "clean"}
    for row in (row for row in rows if row["kind"] == "archive"):
        name, odds = _name(row), np.asarray(row["log_odds"])
        groups = sorted(GROUPS, key=lambda group: float(np.median(odds[_members(group)])))
        label = "log-odds of the saved image, ln p/(1\N{MINUS SIGN}p)"
        by_group = {group: odds[_members(group)].tolist() for group in groups}
        pictures[f"groups-{name}.png"] = strips(by_group, value=label, log_odds=True)
        for factor, across in _ACROSS.items():
            if (values := clean.get(row["network"], {}).get(factor)) is not None:
                across_all = np.asarray(values, np.float64)
                points = {
                    kind: (across_all[_members(*of)].tolist(), odds[_members(*of)].tolist())
                    for kind, of in _KINDS.items()
                }
                pictures[f"{factor}-{name}.png"] = scatter(points, across=across, up=label, log_odds=True)
    return pictures


def _digits(searches: Sequence[Row], clean: Mapping[str, Row]) -> str:
    lines = []
    for digit in range(len(searches[0]["log_odds"])):
        line = {"digit": str(digit)}
        for (family,), of in alike(searches, "family").items():
            networks = alike(of, "network").values()
            passes = [[_never(row["passes"][digit]) for row in runs] for runs in networks]
            line[f"passes, {FAMILIES[family]}"] = written.needed(median_interval(passes), of[0]["budget"])
        sure = [row["clean_log_odds"][digit] for row in clean.values()]
        asked = [row["in_question"][digit] for row in clean.values()]
        line[FACTORS["clean_log_odds"]] = format_confidence(float(np.median(sure)))
        line[FACTORS["in_question"]] = written.plain(float(np.median(asked)), 5)
        lines.append(line)
    return markdown(lines)


def _digit_correlations(searches: Sequence[Row], clean: Mapping[str, Row]) -> str:
    lines = []
    for (family,), of in alike(searches, "family").items():
        for figure, name in (("passes", "passes to 99.99 %"), ("log_odds", "log-odds at the end")):
            line = {"images": FAMILIES[family], "rank of": name}
            for factor in ("clean_log_odds", "in_question", "random_log_odds"):
                groups = []
                for (network,), runs in alike(of, "network").items():
                    against = clean[network][factor]
                    rhos = [spearman(list(map(_never, row[figure])), against).rho.estimate for row in runs]
                    if told := [rho for rho in rhos if np.isfinite(rho)]:
                        groups.append(told)
                line[FACTORS[factor]] = written.signed(mean_correlation(groups)) if groups else written.NONE
            lines.append(line)
    return markdown(lines)


def _groups(archives: Sequence[Row], clean: Mapping[str, Row]) -> str:
    lines = []
    for group in GROUPS:
        members = _members(group)
        line = {"group": group, "classes": str(members.size)}
        for row in archives:
            odds = np.asarray(row["log_odds"])[members]
            at_90 = written.percent(float(np.mean(odds >= to_log_odds(0.9))))
            line[_name(row)] = f"{format_confidence(float(np.median(odds)))} ({at_90})"
        for network, row in clean.items():
            if row["near"] is not None:
                sure = np.asarray(row["clean_log_odds"], np.float64)[members]
                near = np.asarray(row["near"])[members]
                told = sure[np.isfinite(sure)]
                median_of = float(np.median(told)) if told.size else None
                line[f"photographs ({network})"] = format_confidence(median_of)
                line["near classes, median"] = written.plain(float(np.median(near)))
        lines.append(line)
    return markdown(lines)


def _dogs(archives: Sequence[Row]) -> str:
    animals = [group for group in GROUPS if group not in NO_ANIMALS]
    tests = {}
    for row in archives:
        odds = np.asarray(row["log_odds"])
        for name, groups in COMPARED.items():
            others = _members(*(group for group in animals if group not in groups))
            tests[_name(row), name] = mann_whitney([odds[_members(*groups)]], [odds[others]])
    corrected = holm([test.p for test in tests.values()])
    return markdown(
        [
            {
                "archive": archive,
                "group": name,
                "classes": f"{test.counts[0]} and {test.counts[1]}",
                "A12": written.signed(test.a12),
                "p": written.p_value(p),
            }
            for ((archive, name), test), p in zip(tests.items(), corrected, strict=True)
        ]
    )


def _archive_correlations(archives: Sequence[Row], clean: Mapping[str, Row]) -> str:
    sizes = [len(_members(group_of(index))) for index in range(NUM_CLASSES)]
    animals = set(_members(*(group for group in GROUPS if group not in NO_ANIMALS)).tolist())
    found: dict[tuple[str, str, str], Correlation] = {}
    for row in archives:
        factors = {**clean.get(row["network"], {}), "group_size": sizes}
        for over, members in (("all", set(range(NUM_CLASSES))), ("animals", animals)):
            for factor, name in FACTORS.items():
                if (values := factors.get(factor)) is not None:
                    told = [index for index in sorted(members) if values[index] is not None]
                    pair = [[column[index] for index in told] for column in (values, row["log_odds"])]
                    found[_name(row), over, name] = spearman(*pair)
    corrected = holm([one.p for one in found.values()])
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for ((archive, over, name), one), p in zip(found.items(), corrected, strict=True):
        line = lines.setdefault((archive, over), {"archive": archive, "classes": over})
        line[name] = f"{written.signed(one.rho)}, p {written.p_value(p)}"
    return markdown(list(lines.values()))


def _searches(archives: Sequence[Row]) -> str:
    told = [f"`{_name(row)}` ({row['search']}; {row['passes_in_all']:,} passes)" for row in archives]
    return (
        f"Medians, and in brackets the share of classes at 90 % or more. The searches: {', '.join(told)}.\n"
    )


def _shares(searches: Sequence[Row]) -> str:
    lines = []
    for (family,), of in alike(searches, "family").items():
        lines.append({"images": FAMILIES[family], **threshold_cells(of)})
    return markdown(lines)


def _never(value: float | None) -> float:
    return np.inf if value is None else value


def _members(*groups: str) -> Any:
    ranges: Iterable[tuple[int, int]] = [one for group in groups for one in GROUPS[group]]
    return np.concatenate([np.arange(first, last + 1) for first, last in ranges])


def _name(row: Row) -> str:
    """Of an archive, as tables call it."""
    return str(row["task"]).partition(",")[2]
