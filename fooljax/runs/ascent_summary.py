"""The summary of a gradient ascent, `summary.json`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fooljax.engine.log_odds import FOOLED, format_confidence
from fooljax.engine.placement import device_in_words, place_of
from fooljax.engine.types import Target
from fooljax.environment import is_deterministic
from fooljax.gradient import Ascent
from fooljax.gradient.methods import Method
from fooljax.runs.arithmetic import FLOAT32
from fooljax.runs.ascent_images import ScoredImages
from fooljax.runs.folder import versions
from fooljax.runs.summary import finite, medians

LEVEL_KEYS = ("top1", "99", "999", "9999")
"""The names of `fooljax.gradient.LEVELS` in `summary.json`."""
UNIT = 255.0
"""Lengths are given in the authors' unit, pixels from 0 to 255."""


class Done(NamedTuple):
    """A method, what came of it, on the host, and how long it took, compilation included."""

    method: Method
    ascent: Ascent
    seconds: float


def line_of(done: Done, starts: int) -> str:
    """How a method did, in a line for the terminal."""
    odds = np.asarray(done.ascent.log_odds_8_bit).reshape(starts, -1)
    median = format_confidence(medians(odds)["median_log_odds"])
    return (
        f"{done.method.name}: {done.method.iterations:,} iterations in {done.seconds:.1f} s, "
        f"{int(np.sum(odds >= FOOLED))} of {odds.size} images at 99.99 %, median {median}"
    )


def summarise(
    experiment: str | None,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
    target: Target,
    control: ScoredImages,
    done: Sequence[Done],
    scored: Sequence[ScoredImages],
) -> dict[str, Any]:
    """The content of `summary.json`.

    Medians are of log-odds, first over the classes of each start image and then over the start images.

    Args:
      experiment: its name; None where the run is none.
      settings: of the run.
      facts: what is known of the network and its data besides the target itself.
      target: the network.
      control: the start images.
      done: every method.
      scored: the images of each.
    """
    return {
        "experiment": experiment,
        **facts,
        "confidence": target.confidence,
        "target": target.name,
        "target_sha256": target.provenance["params_sha256"],
        "clean_accuracy": target.clean_accuracy,
        "settings": dict(settings),
        "evaluations": sum(int(one.ascent.queries) for one in done),
        "control": {"start images, 8 bits": _facts_of(control)},
        "methods": {
            one.method.name: {
                "iterations": one.method.iterations,
                "settings": dict(one.method.settings),
                "explanation": one.method.explanation,
                "passes": int(one.ascent.queries),
                "seconds_with_compile": round(one.seconds, 3),
                "rescored": _facts_of(images),
                "before_rounding": medians(np.asarray(one.ascent.log_odds).reshape(images.odds.shape)),
                "reached": _reached(one.ascent),
            }
            for one, images in zip(done, scored, strict=True)
        },
        "precision": {"search": FLOAT32, "scores": FLOAT32},
        "deterministic": is_deterministic(place_of(target.params)),
        "device": device_in_words(place_of(target.params)),
        "versions": versions(),
    }


def _facts_of(scored: ScoredImages) -> dict[str, Any]:
    odds = scored.odds
    return {
        **medians(odds),
        "images_at_9999": int(np.sum(odds >= FOOLED)),
        "images_top1": int(np.sum(scored.named == np.asarray(scored.cells)[None])),
        "images": int(odds.size),
    }


def _reached(ascent: Ascent) -> dict[str, Any]:
    """For each level: how many images reached it, when, and what they were like then.

    The median iteration is over all images; it is None where fewer than half reached the level. Lengths are
    medians over the images that reached it, in the authors' unit.
    """
    found = ascent.reached
    lengths = {"norm": found.norm, "distance": found.distance, "deviation": found.deviation}
    facts = {}
    for level, key in enumerate(LEVEL_KEYS):
        iteration = np.asarray(found.iteration)[:, level]
        there = iteration >= 0
        facts[key] = {
            "images": int(np.sum(there)),
            "median_iteration": finite(np.median(np.where(there, iteration, np.inf))),
            **{
                f"median_{name}": finite(UNIT * np.median(np.asarray(leaf)[there, level]))
                if there.any()
                else None
                for name, leaf in lengths.items()
            },
        }
    return facts
