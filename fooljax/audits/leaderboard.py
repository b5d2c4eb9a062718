"""Audits beside each other: a table with a line for each network, and a file with a line for each attack."""

from collections.abc import Sequence
from typing import Any

from fooljax.audits.attack_entries import LEVELS_OF_PASSES, NAMES_OF_LEVELS
from fooljax.audits.record import Attack, Audit, Detector
from fooljax.study import numbers
from fooljax.study.attacks import FRESH
from fooljax.study.tables import markdown

FOOLED = "0.9999"
SHOWN = {
    "direct": "pixels",
    "cppn": "CPPNs",
    "gradient": "gradient",
    "random_search_direct": "random pixels (control)",
    "random_search_cppn": "random CPPNs (control)",
}
"""Generators that have a column of their own, and its head."""
WORDS = """\
Each line is a network. The columns of generators give the share of images with 99.99 % or more, read back
from the saved files. Brackets are 95 % intervals for further runs against the same network. **Passes to 99.99
%**: the network passes until the median class had 99.99 %, in the attack that needed the fewest. **Best
detector**: the one that catches most images of the strongest attack while 95 % of clean images pass; then the
share that it catches when the attack knows it. Do not compare networks with other budgets, other clean images
or another number of classes."""


def knowing_nothing(audit: Audit) -> dict[str, Attack]:
    """The attacks that know the network alone, by generator."""
    return {one.generator: one for one in audit.attacks if one.knows is None}


def strongest(audit: Audit) -> Attack | None:
    """The attack that fooled the network most often, of those that are no controls; None where none was."""
    attacks = [one for name, one in knowing_nothing(audit).items() if name in FRESH]
    return max(attacks, key=lambda one: (_fooled(one), one.log_odds.median), default=None)


def ordered(audits: Sequence[Audit]) -> list[Audit]:
    """Audits with the network first that was fooled least; where two are alike, by its name."""

    def place(audit: Audit) -> tuple[float, float, str]:
        best = strongest(audit)
        return (
            (_fooled(best), best.log_odds.median, audit.network.name)
            if best
            else (0.0, 0.0, audit.network.name)
        )

    return sorted(audits, key=place)


def cells(audit: Audit) -> dict[str, str]:
    """The line of a network, by the heads of its columns."""
    network, attacks = audit.network, knowing_nothing(audit)
    accuracy = audit.data.accuracy
    shares = {
        head: numbers.shares(attacks[name].shares[FOOLED].interval()) if name in attacks else numbers.NONE
        for name, head in SHOWN.items()
    }
    budgets = sorted({one.passes for one in attacks.values() if one.passes})
    return {
        "network": network.name,
        "classes": f"{network.classes:,}",
        "image": size(network.image_shape),
        "clean images named rightly": numbers.percent(accuracy.share) if accuracy else numbers.NONE,
        "passes of a run": " to ".join(f"{one:,}" for one in sorted({*budgets[:1], *budgets[-1:]})),
        **shares,
        "passes to 99.99 %": _soonest(attacks),
        "best detector": _best_detector(audit),
    }


def lines(audits: Sequence[Audit]) -> list[dict[str, str]]:
    """The lines of several networks; those of one name are told apart by the digest of their weights."""
    names = [one.network.name for one in audits]
    return [
        {**cells(one), "network": f"{one.network.name} {one.network.params_sha256[:8]}".strip()}
        if names.count(one.network.name) > 1
        else cells(one)
        for one in audits
    ]


def table(audits: Sequence[Audit]) -> str:
    """The leaderboard in Markdown, the network first that was fooled least, with what its columns mean."""
    order = "The network that was fooled least is first."
    return f"{markdown(lines(ordered(audits)))}\n\n{WORDS} {order}"


def rows(audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """The leaderboard's file: a row for each attack of each audit, with numbers as they are."""
    return [{**_about(audit), **_attack(one)} for audit in ordered(audits) for one in audit.attacks]


def _about(audit: Audit) -> dict[str, Any]:
    network, data = audit.network, audit.data
    return {
        "network": network.name,
        "from": network.from_,
        "params_sha256": network.params_sha256 or None,
        "classes": network.classes,
        "image_shape": "x".join(map(str, network.image_shape)),
        "clean_images": data.images,
        "clean_described": data.described,
        "clean_accuracy": data.accuracy.share if data.accuracy else None,
    }


def _attack(attack: Attack) -> dict[str, Any]:
    odds = attack.log_odds
    row = {
        "generator": attack.generator,
        "knows": attack.knows,
        "passes": attack.passes,
        "runs": attack.runs,
        "images": attack.images,
        "median_log_odds": odds.median,
        "median_log_odds_low": odds.low,
        "median_log_odds_high": odds.high,
    }
    for level in NAMES_OF_LEVELS.values():
        found = attack.shares.get(level)
        row[f"share_{level}"] = found.share if found else None
        # One run says nothing about others: the interval in the file is all that is possible.
        ends = found if attack.runs > 1 else None
        row |= {
            f"share_{level}_low": ends.low if ends else None,
            f"share_{level}_high": ends.high if ends else None,
        }
    for level in LEVELS_OF_PASSES:
        reached = attack.passes_to.get(level)
        row[f"passes_to_{level}"] = reached.median if reached else None
    return row


def size(shape: Sequence[int]) -> str:
    """The shape of an image, for people."""
    return " x ".join(map(str, shape))


def best_detector(audit: Audit) -> Detector | None:
    """The detector that catches most images of the strongest attack; None if none was tried."""
    best = strongest(audit)
    met = [one for one in audit.detectors if best and best.generator in one.caught.get("0.95", {})]
    return max(met, key=lambda one: one.caught["0.95"][best.generator].share, default=None) if best else None


def _fooled(attack: Attack) -> float:
    return attack.shares[FOOLED].share


def _soonest(attacks: dict[str, Attack]) -> str:
    found = [
        one.passes_to[FOOLED].median
        for name, one in attacks.items()
        if name in FRESH and FOOLED in one.passes_to
    ]
    known = [one for one in found if one is not None]
    return f"{min(known):,.0f}" if known else "not reached" if found else numbers.NONE


def _best_detector(audit: Audit) -> str:
    detector, best = best_detector(audit), strongest(audit)
    if detector is None or best is None:
        return numbers.NONE
    caught = f"{detector.name}: {numbers.percent(detector.caught['0.95'][best.generator].share)}"
    knowing = (detector.knowing or {}).get("0.95", {}).get(best.generator)
    return f"{caught}; {numbers.percent(knowing.share)} where it is known" if knowing else caught
