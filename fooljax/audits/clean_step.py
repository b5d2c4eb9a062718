"""The step of an audit that asks the network about the clean images, and finds its thresholds."""

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.audits.audited import Audited
from fooljax.audits.counted_scores import CountedScores
from fooljax.audits.levels import thresholds_on
from fooljax.engine.types import Target
from fooljax.scoring import score

TIMED = 64
"""Clean images, at most, by which it is estimated how long an audit takes."""


def of_clean(audited: Audited, target: Target) -> dict[str, Any]:
    """What the network says of clean images.

    Args:
      audited: whose images.
      target: the network, with what it needs put around it.
    Returns:
      `thresholds`; `right`: images of the last part that it names rightly, None without labels; `asked`: how
      many there are; `rejected`: how many of them the class for rejection takes; `passes`.
    """
    ask, clean = CountedScores(), audited.clean
    second = ask(target, clean.thresholds.images)
    third = ask(target, clean.test.images)
    thresholds = thresholds_on(second, clean.thresholds.labels if clean.labelled else None, audited.cells)
    named = np.argmax(third, axis=1)
    return {
        "thresholds": thresholds.row(),
        "right": int(np.sum(named == clean.test.labels)) if clean.labelled else None,
        "asked": len(third),
        "rejected": int(np.sum(~audited.counted(third))),
        "passes": ask.passes,
    }


def estimate(target: Target, images: npt.NDArray[np.uint8], budget: int) -> str:
    """How long so many network passes take here, in words."""
    score(target, images[:TIMED])  # compiles
    begun = time.perf_counter()
    score(target, images[:TIMED])
    rate = len(images[:TIMED]) / (time.perf_counter() - begun)
    minutes = budget / rate / 60.0
    words = "less than a minute" if minutes < 1.0 else f"about {minutes:.0f} minutes"
    return (
        f"the network names {rate:,.0f} images a second: {budget:,} passes take {words}; compiling, scores "
        "and detectors come on top"
    )
