"""The entries of `audit.json` on attacks and on classes, made from the rows of an audit."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fooljax.analysis.attack_strength import Attempt, Strength, attack_strength
from fooljax.analysis.statistics import lower_median
from fooljax.analysis.thresholds import Thresholds
from fooljax.audits.intervals import median_of_runs, share_of_runs
from fooljax.engine.log_odds import FOOLED, confidence, to_log_odds
from fooljax.study import Row
from fooljax.study.attacks import FRESH, passes_to_share, sees_network

NAMES_OF_LEVELS = {
    "0.5": "0.5",
    "0.99": "0.99",
    "0.999": "0.999",
    "0.9999": "0.9999",
    "clean_median": "clean_median",
    "tpr_95": "tau95",
    "tpr_99": "tau99",
}
"""By the name that thresholds have in rows: their name in `audit.json`."""
ROUNDING = 1e-3
"""Of the log-odds in rows."""
LEVELS_OF_PASSES = {"0.5": 0.0, "0.99": to_log_odds(0.99), "0.9999": FOOLED}


def group_attacks(rows: Iterable[Row]) -> dict[tuple[str, str | None], list[Row]]:
    """The rows of attacks, by the generator and the detector that it knows, in their order."""
    groups: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        if row["kind"] in ("attack", "knowing"):
            groups.setdefault((row["generator"], row.get("detector")), []).append(row)
    return groups


def attack_entry(generator: str, knows: str | None, runs: Sequence[Row]) -> dict[str, Any]:
    """One kind of attack.

    Args:
      generator: its name.
      knows: the detector that it knows; None where it knows the network alone.
      runs: its rows.
    """
    shares = {
        name: share_of_runs([row["shares"]["raw"][level] for row in runs])
        for level, name in NAMES_OF_LEVELS.items()
        if level in runs[0]["shares"]["raw"]
    }
    scaled = {
        NAMES_OF_LEVELS[level]: share_of_runs([row["shares"]["scaled"][level] for row in runs])
        for level in runs[0]["shares"]["scaled"]
        if level in NAMES_OF_LEVELS
    }
    return {
        "generator": generator,
        "knows": knows,
        "passes": max(row["attack_passes"] for row in runs),
        "runs": len(runs),
        "images": sum(len(row["log_odds"]) for row in runs),
        "log_odds": median_of_runs([row["log_odds"] for row in runs]),
        "shares": shares,
        "scaled_shares": scaled,
        "passes_to": passes_to(runs) if runs[0]["course"] else {},
        "flags": _flags(generator, runs),
    }


def passes_to(runs: Sequence[Row]) -> dict[str, Any]:
    """How soon each level of confidence was reached: by how many images, and when by the median class.

    A run in which half of the classes never reached it counts as longer than any other.
    """
    found = {}
    for name, level in LEVELS_OF_PASSES.items():
        images = [odds for row in runs for odds in row["log_odds"]]
        middle = lower_median([_middle(row, name, level) for row in runs])
        found[name] = {
            "reached": int(np.sum(np.asarray(images) >= level)),
            "of": len(images),
            "median": int(middle) if math.isfinite(middle) else None,
        }
    return found


def _middle(row: Row, name: str, level: float) -> float:
    """The passes of a run by which half of the classes had a level; infinite where they never had."""
    if name == "0.9999":  # noted for each class, and else for the median of them
        found = passes_to_share(row["reached"], 0.5)
        return math.inf if found is None else found
    return next((passes for passes, odds in row["course"] if odds >= level - ROUNDING), math.inf)


def attempts(generator: str, runs: Sequence[Row]) -> list[Attempt]:
    """An attack at its whole budget, and at half of it, as far as its course tells."""
    method, by_gradient = generator, generator == "gradient"
    reached = [
        lower_median(row["log_odds" if row["kind"] == "attack" else "attack_log_odds"]) for row in runs
    ]
    found = [Attempt(method, by_gradient, runs[0]["budget"], reached)]
    halves = [_at(row["course"], row["attack_passes"] / 2) for row in runs]
    if not by_gradient and all(math.isfinite(one) for one in halves):
        found.insert(0, Attempt(method, by_gradient, runs[0]["budget"] // 2, halves))
    return found


def _at(course: Sequence[Sequence[float]], passes: float) -> float:
    """The log-odds of the median class after so many passes; -infinity where there were none yet."""
    return max((odds for spent, odds in course if spent <= passes), default=-math.inf)


def strength_of(
    groups: Mapping[tuple[str, str | None], Sequence[Row]],
    check: Row,
    detector: str | None = None,
    goal: float = FOOLED,
) -> Strength:
    """What the attacks on the network alone, or on it and a detector, say of their own strength."""
    tried = [
        one
        for (generator, knows), runs in groups.items()
        if knows == detector and sees_network(generator)
        for one in attempts(generator, runs)
    ]
    ascents = groups.get(("gradient", detector), ())
    seen = check["symptoms"] if detector is None else next((row["symptoms"] for row in ascents), None)
    return attack_strength(
        tried,
        zero_gradients=None if seen is None else seen["zero_gradients"],
        probabilities=None if seen is None else seen["probabilities"],
        goal=goal,
    )


def _flags(generator: str, runs: Sequence[Row]) -> list[str]:
    """The signs of weakness of one attack, in words."""
    if generator not in FRESH:
        return []
    found = attack_strength(attempts(generator, runs))
    return [] if found.overcome else found.raised


def best_images(groups: Mapping[tuple[str, str | None], Sequence[Row]]) -> dict[int, tuple[Row, int]]:
    """By class: the row of the attack on the network alone that has its surest image, and the place there."""
    best: dict[int, tuple[Row, int]] = {}
    for (generator, knows), runs in groups.items():
        if knows is not None or generator not in FRESH:
            continue
        for row in runs:
            for place, index in enumerate(row["classes"]):
                found = best.get(index)
                if found is None or row["log_odds"][place] > found[0]["log_odds"][found[1]]:
                    best[index] = (row, place)
    return best


def class_entries(
    groups: Mapping[tuple[str, str | None], Sequence[Row]], names: Sequence[str]
) -> list[dict[str, Any]]:
    """A line for each class, the easiest first: by the passes to 99.99 %, then by how sure the network is."""
    entries = []
    for index, (row, place) in best_images(groups).items():
        odds = row["log_odds"][place]
        entries.append(
            {
                "index": index,
                "name": names[index],
                "generator": row["generator"],
                "log_odds": odds,
                "confidence": float(confidence(odds)),
                "passes_to_9999": _soonest(groups, index),
                "image": picture_of(index),
            }
        )
    return sorted(
        entries, key=lambda one: (one["passes_to_9999"] or math.inf, -one["log_odds"], one["index"])
    )


def picture_of(index: int) -> str:
    """The file of a class's surest image, relative to the folder of the audit."""
    return f"pictures/{index:04d}.png"


def _soonest(groups: Mapping[tuple[str, str | None], Sequence[Row]], index: int) -> int | None:
    """The fewest passes of a run by which a class had 99.99 %; None where it never had."""
    found = [
        row["reached"][row["classes"].index(index)]
        for (generator, knows), runs in groups.items()
        if knows is None and generator in FRESH
        for row in runs
        if row["reached"] is not None and index in row["classes"]
    ]
    return min((one for one in found if one is not None), default=None)


def thresholds_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """The thresholds of the network, in log-odds; null for what too few images do not tell."""
    found = Thresholds(**row)

    def of(levels: Mapping[str, float]) -> dict[str, float | None]:
        return {
            NAMES_OF_LEVELS[name]: None if name not in levels else round(levels[name], 4)
            for name in ("clean_median", "tpr_95", "tpr_99")
        }

    return {"temperature": round(found.temperature, 4), **of(found.raw), "scaled": of(found.scaled)}
