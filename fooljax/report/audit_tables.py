"""The tables on the page of an audit: what each has from `audit.json`, written as people read it."""

from collections.abc import Sequence
from typing import NamedTuple

from fooljax.audits import leaderboard
from fooljax.audits.comparing import attack_name, generator_name
from fooljax.audits.record import Attack, Audit, Share
from fooljax.engine.log_odds import format_confidence
from fooljax.report.panel_content import CHANGES
from fooljax.study import numbers
from fooljax.study.attacks import FRESH

LEVELS = {
    "0.5": "50 %",
    "0.99": "99 %",
    "0.9999": "99.99 %",
    "clean_median": "as sure as half of clean images",
    "tau95": "as sure as 95 % of clean images",
    "tau99": "as sure as 99 % of clean images",
}
"""Levels of confidence, and what they are called."""
TO = ("0.5", "0.99", "0.9999")
RATES = ("0.95", "0.99")
"""Shares of clean images that a detector lets pass."""


class Table(NamedTuple):
    """A table: the first cell of a line is its head, and so many columns are text, the others numbers."""

    caption: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    texts: int = 1


def classes(audit: Audit) -> Table:
    """The best image of each class."""
    head = ("Class", "Made by", "Confidence", "Log-odds", "Passes to 99.99 %")
    return Table(
        "Classes from the easiest to the hardest",
        head,
        [
            (
                line.name,
                generator_name(line.generator),
                format_confidence(line.log_odds),
                f"{line.log_odds:.2f}",
                "not reached" if line.passes_to_9999 is None else f"{line.passes_to_9999:,.0f}",
            )
            for line in audit.classes
        ],
        2,
    )


def passes(attacks: Sequence[Attack]) -> Table:
    """How soon: only of those that search."""
    head = ("Attack", "Passes of a run", "Runs")
    return Table(
        "Network passes by which the median class was there, and how many classes of all runs were",
        (*head, *(f"{LEVELS[level]}" for level in TO)),
        [
            (
                attack_name(one),
                f"{one.passes:,}",
                f"{one.runs}",
                *(_reached(one, level) for level in TO),
            )
            for one in attacks
            if one.passes_to
        ],
    )


def _reached(attack: Attack, level: str) -> str:
    found = attack.passes_to.get(level)
    if found is None:
        return numbers.NONE
    median = "not reached" if found.median is None else f"{found.median:,.0f}"
    return f"{median}; {found.reached:,} of {found.of:,}"


def levels_reached(attacks: Sequence[Attack]) -> Table:
    """How many images are as sure as each level asks."""
    known = [level for level in LEVELS if any(level in one.shares for one in attacks)]
    return Table(
        "Share of images that reach each level",
        ("Attack", "Images", "Median confidence", *(LEVELS[level] for level in known)),
        [
            (
                attack_name(one),
                f"{one.images:,}",
                format_confidence(one.log_odds.median),
                *(_share(one.shares.get(level)) for level in known),
            )
            for one in attacks
        ],
    )


def caught(audit: Audit, *, controls: bool) -> list[Table]:
    """What detectors catch of images that know nothing of them: a table for each share of clean images."""
    met = dict.fromkeys(name for one in audit.detectors for name in one.auroc)
    names = [name for name in met if (name not in FRESH) == controls]
    return [
        Table(
            f"Caught where {numbers.percent(float(rate), 0)} of clean images pass",
            ("Detector", *map(generator_name, names)),
            [
                (one.name, *(_share(one.caught.get(rate, {}).get(name)) for name in names))
                for one in audit.detectors
            ],
        )
        for rate in RATES
        if names
    ]


def told_apart(audit: Audit) -> Table:
    """AUROC of each detector."""
    names = list(dict.fromkeys(name for one in audit.detectors for name in one.auroc))
    return Table(
        "AUROC",
        ("Detector", *map(generator_name, names)),
        [
            (
                one.name,
                *(numbers.chance(one.auroc[name]) if name in one.auroc else numbers.NONE for name in names),
            )
            for one in audit.detectors
        ],
    )


def known(audit: Audit) -> Table:
    """Attacks that know a detector beside those that do not."""
    head = (
        "Detector",
        "Images",
        "Clean images pass",
        "Caught, not known",
        "Caught, known",
        "Fool and pass, known",
    )
    return Table(
        "Detectors that attacks were told of",
        head,
        [
            (
                one.name,
                generator_name(generator),
                numbers.percent(float(rate), 0),
                _share(one.caught.get(rate, {}).get(generator)),
                _share(rejected),
                _share((one.through or {}).get(rate, {}).get(generator)),
            )
            for one in audit.detectors
            for rate in RATES
            for generator, rejected in (one.knowing or {}).get(rate, {}).items()
        ],
        2,
    )


def judges(audit: Audit) -> Table:
    """What each judge says."""
    names = list(dict.fromkeys(name for one in audit.judges for name in one.agrees))
    return Table(
        "Share of images that a judge gives the class that they were made for",
        ("Judge", "Clean images named rightly", *map(generator_name, names)),
        [
            (
                f"{one.name}: {one.fault}" if one.fault else one.name,
                _share(one.right),
                *(_share(one.agrees.get(name)) for name in names),
            )
            for one in audit.judges
        ],
    )


def transfer(audit: Audit) -> Table:
    """What second networks say."""
    return Table(
        "Images shown to a second network",
        ("Network", "Images", "How many", "Given the same name", "With 99.99 % or more"),
        [
            (
                one.network,
                generator_name(one.generator),
                f"{one.images:,}",
                _share(one.same),
                _share(one.sure),
            )
            for one in audit.transfer
        ],
        2,
    )


def survival(audit: Audit) -> Table:
    """What is left of the images after small changes."""
    changes = list(dict.fromkeys(name for one in audit.survival for name in one.named))
    return Table(
        "Fooling images that keep their name after a small change, and how far they are from clean images",
        ("Images", *(CHANGES.get(name, name) for name in changes), "Farther than"),
        [
            (
                generator_name(one.generator),
                *(_share(one.named.get(name)) for name in changes),
                f"{one.nearest_percentile:.1f} % of clean images",
            )
            for one in audit.survival
        ],
    )


def budget(audit: Audit) -> Table:
    """What was spent on what."""
    return Table(
        "How the network passes were spent",
        ("What", "Detectors", "Runs of each", "Passes of a run", "In all"),
        [
            (
                generator_name(one.what),
                f"{one.detectors or numbers.NONE}",
                f"{one.runs}",
                f"{one.passes:,}",
                f"{one.total:,}",
            )
            for one in audit.budget
        ],
    )


def networks(audits: Sequence[Audit]) -> Table:
    """The audited network, which is the first, beside others."""
    cells = leaderboard.lines(audits)
    first = cells[0]["network"]
    cells[0] = {**cells[0], "network": f"{first} (this audit)"}
    return Table(
        "This network beside others",
        [head.capitalize() if head.islower() else head for head in cells[0]],
        [list(line.values()) for line in cells],
    )


def _share(share: Share | None) -> str:
    return numbers.NONE if share is None else numbers.shares(share.interval())
