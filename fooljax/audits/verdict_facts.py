"""What the verdict of an audit speaks of, gathered from its rows and from the entries of `audit.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from fooljax.analysis.attack_strength import QUESTIONS, Strength
from fooljax.audits.attack_entries import ROUNDING
from fooljax.audits.audited import Audited
from fooljax.audits.settings import AuditSettings
from fooljax.audits.verdict import Facts
from fooljax.engine.log_odds import FOOLED
from fooljax.study import Row
from fooljax.study.attacks import FRESH
from fooljax.targets.foreign.on_host import HIGHEST_LOG_ODDS

FEW_PASSES = 50
"""Of a run, for each class: what CPPNs need against a LeNet for half of the classes, see `budget.WEIGHTS`."""
AS_CLEAN = "the confidence of the median clean image"


def facts_of(
    audited: Audited,
    config: AuditSettings,
    by_kind: Mapping[str, Row],
    attacks: Sequence[Mapping[str, Any]],
    classes: Sequence[Mapping[str, Any]],
    detectors: Sequence[Mapping[str, Any]],
    strength: Strength,
) -> Facts:
    """What the verdict speaks of.

    Args:
      audited: what was audited.
      config: the settings.
      by_kind: a row of each kind of step.
      attacks: as `audit.json` has them.
      classes: as `audit.json` has them.
      detectors: as `audit.json` has them.
      strength: of the attacks on the network alone.
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
    highest = None if clean_median is None else highest_of(audited)
    level = "0.9999" if highest is None else "clean_median"

    def most(names: str) -> float:
        return max(
            (one["shares"][level]["share"] for name, one in alone.items() if names in name), default=0.0
        )

    first = detectors[0] if detectors else None
    through = first["through"] and first["through"]["0.95"] if first else None
    check = by_kind["check"]
    return facts_without_images(check)._replace(
        classes=len(audited.cells),
        fooled=sum(one["log_odds"] >= FOOLED for one in classes),
        surest=max(one["log_odds"] for one in classes),
        soonest=(min(soon)[1], min(soon)[0]) if soon else None,
        ascents=_ascents(alone, len(audited.cells)),
        budget=config.budget,
        at_clean=clean_median["share"] if clean_median else None,
        controls=most("random_search"),
        noise=most("noise"),
        detector=first["name"] if first else None,
        caught=min(first["caught"]["0.95"][name]["share"] for name in FRESH if name in alone)
        if first
        else 0.0,
        through=max(one["share"] for one in through.values()) if through else None,
        overcome=strength.overcome,
        flags=(
            *(QUESTIONS[name] for name, flag in strength.flags.items() if flag),
            *few_passes(max(one["passes"] for one in evolved), len(audited.cells)),
        ),
        highest=highest,
    )


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


def highest_of(audited: Audited) -> float | None:
    """Log-odds that the network can have at most, where it can never be 99.99 % sure."""
    found: float | None = audited.target.provenance.get(HIGHEST_LOG_ODDS)
    return found


def goal_of(highest: float | None, clean: Row | None) -> tuple[float, str]:
    """The log-odds by which an attack is judged, and their name: those of clean images, if it must be so.

    Args:
      highest: see `highest_of`.
      clean: the row of the clean images; None where there is none.
    """
    median = None if clean is None else clean["thresholds"]["raw"].get("clean_median")
    if highest is None or median is None:
        return FOOLED, "99.99 %"
    return median - ROUNDING, AS_CLEAN


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
