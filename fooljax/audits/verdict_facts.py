"""What the verdict of an audit speaks of, gathered from its rows and from the entries of `audit.json`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fooljax.audits.attack_entries import ROUNDING, strength_of
from fooljax.audits.audited import Audited
from fooljax.audits.settings import AuditSettings
from fooljax.audits.verdict import AttackImages, Facts
from fooljax.engine.log_odds import FOOLED
from fooljax.study import Row
from fooljax.study.attacks import FRESH
from fooljax.targets.foreign.on_host import HIGHEST_LOG_ODDS

FEW_PASSES = 50
"""Of a run, for each class: what CPPNs need against a LeNet for half of the classes, see `budget.WEIGHTS`."""
REJECTED = 0.05
"""The share of clean images that a detector rejects, where the verdict speaks of it."""


class Goal(NamedTuple):
    """What the attacks on a network are to reach.

    Attributes:
      level: its name in the shares of `audit.json`.
      log_odds: of the network's confidence.
      words: that name the confidence.
      highest: log-odds that the network can have at most, where that is less than 99.99 %; else None.
    """

    level: str = "0.9999"
    log_odds: float = FOOLED
    words: str = "99.99 %"
    highest: float | None = None


def goal_of(audited: Audited, clean: Row | None) -> Goal:
    """99.99 %; or, of a network that is never so sure, the confidence of the median clean image if known.

    Args:
      audited: what was audited.
      clean: the row of the clean images; None where there is none.
    """
    highest = audited.target.provenance.get(HIGHEST_LOG_ODDS)
    median = None if clean is None else clean["thresholds"]["raw"].get("clean_median")
    if highest is None or median is None:
        return Goal()
    return Goal("clean_median", median - ROUNDING, "the confidence of the median clean image", highest)


def facts_of(
    audited: Audited,
    config: AuditSettings,
    by_kind: Mapping[str, Row],
    groups: Mapping[tuple[str, str | None], Sequence[Row]],
    attacks: Sequence[Mapping[str, Any]],
    classes: Sequence[Mapping[str, Any]],
    detectors: Sequence[Mapping[str, Any]],
) -> Facts:
    """What the verdict speaks of.

    Args:
      audited: what was audited.
      config: the settings.
      by_kind: a row of each kind of step.
      groups: the rows of attacks, see `group_attacks`.
      attacks: as `audit.json` has them.
      classes: as `audit.json` has them.
      detectors: as `audit.json` has them.
    """
    alone = {one["generator"]: one for one in attacks if one["knows"] is None}
    evolved = [alone[name] for name in FRESH if name in alone]
    soon = [
        (one["passes_to"]["0.9999"]["median"], one["generator"])
        for one in evolved
        if one["passes_to"] and one["passes_to"]["0.9999"]["median"] is not None
    ]
    best = max(evolved, key=_success)
    clean_median = best["shares"].get("clean_median")
    check, goal = by_kind["check"], goal_of(audited, by_kind.get("clean"))

    def share(attack: Mapping[str, Any]) -> float:
        found: float = attack["shares"][goal.level]["share"]
        return found

    def most(names: str) -> float:
        return max((share(one) for name, one in alone.items() if names in name), default=0.0)

    strength = strength_of(groups, check, goal=goal.log_odds)
    overcome, partly = strength.overcome, None
    ascents = _ascents(alone, len(audited.cells))
    if ascents is not None and overcome:
        whole = {key: runs for key, runs in groups.items() if key[0] != "gradient"}
        of_whole = strength_of(whole, check, goal=goal.log_odds)  # of what was tried for all classes
        if not of_whole.overcome:
            strength = of_whole
            partly = _made(alone["gradient"], share(alone["gradient"]))
    found = facts_without_images(check)._replace(
        classes=len(audited.cells),
        fooled=sum(one["log_odds"] >= FOOLED for one in classes),
        surest=max(one["log_odds"] for one in classes),
        soonest=(min(soon)[1], min(soon)[0]) if soon else None,
        ascents=ascents,
        budget=config.budget,
        best=_made(best, clean_median["share"]) if clean_median else None,
        controls=most("random_search"),
        noise=most("noise"),
        overcome=overcome,
        partly=partly,
        flags=(*strength.raised, *few_passes(max(one["passes"] for one in evolved), len(audited.cells))),
        highest=goal.highest,
    )
    return _with_detectors(found, attacks, detectors) if detectors else found


def _with_detectors(
    facts: Facts, attacks: Sequence[Mapping[str, Any]], detectors: Sequence[Mapping[str, Any]]
) -> Facts:
    """What is said of detectors; the first is the best."""
    made = {(one["generator"], one["knows"]): one for one in attacks}
    names = [name for name in FRESH if (name, None) in made]

    def caught(detector: Mapping[str, Any], name: str) -> float:
        share: float = detector["caught"]["0.95"][name]["share"]
        return share

    first = detectors[0]
    missed = min(names, key=lambda name: caught(first, name))
    through = first["through"]["0.95"] if first["through"] else {}
    passed = max(through, key=lambda name: through[name]["share"], default=None)
    return facts._replace(
        detector=first["name"],
        caught=_made(made[missed, None], caught(first, missed)),
        unnoticed=all(min(caught(one, name) for name in names) <= REJECTED for one in detectors),
        through=None if passed is None else _made(made[passed, first["name"]], through[passed]["share"]),
    )


def _made(attack: Mapping[str, Any], share: float) -> AttackImages:
    return AttackImages(attack["generator"], attack["images"], share)


def _ascents(alone: Mapping[str, Mapping[str, Any]], classes: int) -> int | None:
    """The classes that gradient ascent was tried for, where these are not all that there are."""
    if "gradient" not in alone:
        return None
    tried = int(alone["gradient"]["images"]) // int(alone["gradient"]["runs"])
    return tried if tried < classes else None


def facts_without_images(check: Row) -> Facts:
    """What the verdict of a network speaks of for which no images could be made."""
    failed = tuple(one["name"] for one in check["checks"] if one["passed"] is False)
    return Facts(failed=failed, mended=bool(check["mends"]))


def few_passes(passes: int, classes: int) -> tuple[str, ...]:
    """The sign of a budget that is too small for so many classes, in words; none where it is large enough.

    Args:
      passes: of a run.
      classes: that it was made for.
    """
    each = passes / classes
    return (f"a run had at most {each:.3g} passes for each class",) if each < FEW_PASSES else ()


def _success(attack: Mapping[str, Any]) -> tuple[float, float, float]:
    """Attacks in order of success, also where no image has 99.99 %."""
    shares = attack["shares"]
    clean = shares["clean_median"]["share"] if "clean_median" in shares else 0.0
    return shares["0.9999"]["share"], clean, attack["log_odds"]["median"]
