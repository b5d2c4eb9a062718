"""What a finished search says of itself: the content of `summary.json`."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import FOOLED, confidence, format_confidence, to_log_odds
from fooljax.engine.placement import device_in_words, place_of
from fooljax.engine.types import Target
from fooljax.environment import is_deterministic
from fooljax.evolution import Evolution
from fooljax.runs.arithmetic import products_of
from fooljax.runs.folder import versions
from fooljax.runs.plan import RunPlan
from fooljax.runs.scored import Scored

LEVELS = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Confidences at which images are counted."""
NOT_MEASURED = "not measured"


def summarise(
    plan: RunPlan,
    target: Target,
    evolution: Evolution,
    best: Scored,
    first: Scored,
    second: Target | None,
) -> dict[str, Any]:
    """The content of `summary.json`. Its medians over classes, then over runs, are of log-odds.

    Args:
      plan: what was done.
      target: the network that was fooled.
      evolution: what came of it.
      best: the best images.
      first: the first images that fooled the target.
      second: a second network; None where there is none.
    """
    metrics = evolution.metrics
    evaluations = int(np.sum(metrics["queries"][:, -1]))
    nan = int(np.sum(metrics["nan"]))
    return {
        "experiment": plan.config["experiment"],
        "target": target.name,
        "confidence": target.confidence,
        "target_sha256": target.provenance["params_sha256"],
        "clean_accuracy": target.clean_accuracy,
        "encoding": plan.encoding.name,
        "strategy": plan.strategy.name,
        "objective": plan.objective.name,
        "seed": plan.settings.get("seed"),
        **plan.choice.facts,
        "runs": plan.runs,
        "generations": evolution.generations,
        "children_per_generation": plan.strategy.batch_size,
        "settings": dict(plan.settings),
        "evaluations": evaluations,
        "nan_images": nan,
        "nan_share": nan / max(1, evaluations),
        "evaluations_before": plan.initial.evaluations if plan.initial else 0,
        "seconds_search": round(evolution.seconds_search, 3),
        "seconds_compile": round(evolution.seconds_compile, 3),
        "evaluations_per_second": round(evaluations / max(evolution.seconds_search, 1e-9), 1),
        **(
            _of_log_odds(plan, evolution, best, first, second)
            if plan.objective.is_log_odds
            else _of_values(evolution, best)
        ),
        # What the encoding measures of its elites, means over cells and runs.
        "genomes": {
            name: {"end": finite(np.mean(values[:, -1])), "mean": finite(np.mean(values))}
            for name, values in metrics.items()
            if name.startswith(f"{plan.encoding.name}/")
        },
        "precision": products_of(target),
        "deterministic": is_deterministic(place_of(target.params)),
        "device": device_in_words(place_of(target.params)),
        "versions": versions(),
    }


def _of_log_odds(
    plan: RunPlan, evolution: Evolution, best: Scored, first: Scored, second: Target | None
) -> dict[str, Any]:
    metrics, rescored = evolution.metrics, best.rescored.own
    return {
        **medians(evolution.log_odds),
        "generations_to_all_9999": _generations_to(metrics["min_log_odds"]),
        "generations_to_median_9999": _generations_to(metrics["median_log_odds"]),
        "rescored": {
            **medians(rescored),
            "median_confidence_of_each_run": [medians(row[None])["median_confidence"] for row in rescored],
            "min_confidence_of_each_run": [medians(row[None])["min_confidence"] for row in rescored],
            "images_at_9999": int(np.sum(rescored >= FOOLED)),
            "images_at_9999_of_each_run": np.sum(rescored >= FOOLED, axis=1).tolist(),
            "images": int(rescored.size),
            "shares": _shares(rescored),
        },
        "first_fooled": _first_fooled(first),
        "second_network": NOT_MEASURED
        if second is None
        else {
            "name": second.name,
            "sha256": second.provenance["params_sha256"],
            "clean_accuracy": second.clean_accuracy,
            "first_fooled": _named_alike(first),
            "best": _named_alike(best),
        },
        "by_group": _by_group(plan, evolution, rescored),
        "also_judged": {
            name: {**medians(odds), "shares": _shares(odds)} for name, odds in best.others.items()
        },
        # The control within every run: the best of the first images, random unless it began with others.
        "generation_0": {
            "median_log_odds": finite(np.median(metrics["median_log_odds"][:, 0])),
            "min_log_odds": finite(np.min(metrics["min_log_odds"][:, 0])),
        },
    }


def _of_values(evolution: Evolution, best: Scored) -> dict[str, Any]:
    """The same of an objective that is no log-odds, so that no level of confidence has a meaning."""
    metrics, rescored = evolution.metrics, best.rescored.own
    return {
        "rescored": {**_median_values(rescored), "images": int(rescored.size)},
        **_median_values(evolution.log_odds),
        "second_network": NOT_MEASURED,
        "by_group": {},
        "also_judged": {},
        "generation_0": {
            "median_fitness": finite(np.median(metrics["median_fitness"][:, 0])),
            "min_fitness": finite(np.min(metrics["min_fitness"][:, 0])),
        },
    }


def in_lines(summary: Mapping[str, Any]) -> list[str]:
    """What came out, for a terminal; all of it is of the saved images."""
    if "median_fitness" in summary:
        values = summary["rescored"]
        return [
            f"best images: median {summary['objective']} {values['median_fitness']}, "
            f"lowest {values['min_fitness']}"
        ]
    first, rescored, second = (summary[name] for name in ("first_fooled", "rescored", "second_network"))
    by, fooled = "", first["images"]
    if fooled:
        when = f"generation {first['generations']['median']:,.0f}"
        by = f", half of them by {when}" if fooled > 1 else f", in {when}"
    lines = [
        f"fooled: {fooled} of {first['of']} classes{by}",
        f"best images: median confidence {format_confidence(rescored['median_log_odds'])}, "
        f"lowest {format_confidence(rescored['min_log_odds'])}",
    ]
    lines += _judged_in_line(summary.get("panel"))
    if second == NOT_MEASURED:
        return lines
    alike = [
        f"{second[which]['named_alike']} of {second[which]['images']} {words}"
        for which, words in (("first_fooled", "first images that fooled"), ("best", "best images"))
    ]
    return [*lines, f"a second network gives the same name to {' and '.join(alike)}"]


def _judged_in_line(panel: Any) -> list[str]:
    """On how many of the best images that fool the network a judge agrees; nothing where none was asked."""
    if not isinstance(panel, Mapping) or "elites" not in panel["sets"]:
        return []
    best = panel["sets"]["elites"]
    judges = ", ".join(name for name, one in panel["judges"].items() if not one["refused"])
    agreed = best["fooled"] - best["no_judge_agrees"]
    if not best["fooled"]:
        return [f"no best image fools the network, so judges can agree on none (judges: {judges})"]
    return [
        f"a judge agrees on {agreed:,} of the {best['fooled']:,} best images that fool the network "
        f"(judges: {judges})"
    ]


def _first_fooled(first: Scored) -> dict[str, Any]:
    """How many cells were fooled, what their first images score, and when these were born.

    Medians are over all such images of all runs; None where there is none. Queries are counted by run.
    """
    there = np.isfinite(first.kept.log_odds)
    odds = first.rescored.own[there]
    births, queries = (
        np.asarray(leaf)[there] for leaf in (first.kept.archive.births, first.kept.archive.ids)
    )
    return {
        "images": int(np.sum(there)),
        "of": int(there.size),
        "images_of_each_run": np.sum(there, axis=1).tolist(),
        "images_at_9999": int(np.sum(odds >= FOOLED)),
        "median_confidence": confidence_below_1(np.median(odds)) if len(odds) else None,
        "median_log_odds": float(np.median(odds)) if len(odds) else None,
        "min_log_odds": float(np.min(odds)) if len(odds) else None,
        "generations": _spread(births),
        "queries": _spread(queries),
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, float | int | None]:
    if not len(values):
        return dict.fromkeys(("least", "median", "most"))
    return {"least": int(np.min(values)), "median": float(np.median(values)), "most": int(np.max(values))}


def _named_alike(scored: Scored) -> dict[str, Any]:
    """How many images the second network takes for the class that they were evolved for, and how surely."""
    second = scored.second
    assert second is not None
    there = np.isfinite(scored.kept.log_odds)
    alike = there & (second.top == np.asarray(scored.kept.cells)[None])
    return {
        "images": int(np.sum(there)),
        "named_alike": int(np.sum(alike)),
        "named_alike_of_each_run": np.sum(alike, axis=1).tolist(),
        "named_alike_with": {
            f"{level:g}": int(np.sum(alike & (second.own >= to_log_odds(level)))) for level in LEVELS
        },
    }


def _by_group(
    plan: RunPlan, evolution: Evolution, rescored: npt.NDArray[np.float64]
) -> dict[str, dict[str, Any]]:
    """Images, median and shares of each group of related classes, over all runs."""
    names = [plan.choice.group(cell) for cell in evolution.cells]
    return {
        name: {
            "classes": len(places),
            "median_log_odds": finite(np.median(rescored[:, places])),
            "median_confidence": confidence_below_1(np.median(rescored[:, places])),
            "shares": _shares(rescored[:, places]),
        }
        for name in dict.fromkeys(names)
        if name and (places := [place for place, other in enumerate(names) if other == name])
    }


def _shares(odds: npt.NDArray[np.float64]) -> dict[str, float]:
    """Shares of images at some confidences or more."""
    return {f"{level:g}": float(np.mean(odds >= to_log_odds(level))) for level in LEVELS}


def medians(odds: npt.NDArray[Any]) -> dict[str, float | None]:
    """Median over cells of each run, then over runs, and the minimum over both, of log-odds `[R, C]`."""
    middle, least = float(np.median(np.median(odds, axis=1))), float(np.min(odds))
    return {
        "median_confidence": confidence_below_1(middle),
        "min_confidence": confidence_below_1(least),
        "median_log_odds": finite(middle),
        "min_log_odds": finite(least),
    }


def _median_values(values: npt.NDArray[Any]) -> dict[str, float | None]:
    """Median over cells of each run, then over runs, and the minimum over both, of `[R, C]`."""
    middle, least = np.median(np.median(values, axis=1)), np.min(values)
    return {"median_fitness": finite(middle), "min_fitness": finite(least)}


def finite(value: Any) -> float | None:
    """JSON has no -inf, which stands for an empty cell."""
    return float(value) if math.isfinite(value) else None


def confidence_below_1(odds: Any) -> float:
    """A confidence for JSON, never rounded up."""
    # Where float64 rounds to 1 it is the next number below: nothing is ever rounded up.
    return min(float(confidence(odds)), math.nextafter(1.0, 0.0))


def _generations_to(odds: npt.NDArray[Any]) -> list[int | None]:
    """The first generation of each run at which `odds`, `[R, T + 1]`, count as fooled; None if never."""
    reached = odds >= FOOLED
    return [int(np.argmax(row)) if row.any() else None for row in reached]
