"""Thresholds on the user's clean images, of which there may be few, without labels, or a class that rejects.

With 198 labelled images and no such class they are those of `fooljax.analysis.thresholds.clean_thresholds`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.thresholds import (
    LEAST_IMAGES,
    Thresholds,
    clean_levels,
    fit_temperature,
    scaled_log_odds,
)

SEED = 0


def thresholds_on(
    odds: npt.NDArray[np.floating], labels: npt.NDArray[np.integer] | None, cells: Sequence[int]
) -> Thresholds:
    """Finds a network's thresholds.

    Args:
      odds: `[N, C]` log-odds of clean images.
      labels: `[N]`; None where they are not known. The network's own answers are enough for thresholds; the
        temperature is then 1.
      cells: the classes that count: all but one that rejects.
    Returns:
      The thresholds. A level that so few images do not tell is not among them.
    """
    order = np.random.default_rng(SEED).permutation(len(odds))
    fitted = len(odds) // 2 if labels is not None and len(odds) >= LEAST_IMAGES else 0
    first, second = np.split(order, [fitted])
    temperature = fit_temperature(odds[first], labels[first]) if fitted and labels is not None else 1.0
    kept = list(cells)
    return Thresholds(
        raw=_told(clean_levels(odds[second][:, kept])),
        scaled=_told(clean_levels(scaled_log_odds(odds[second], temperature)[:, kept])),
        temperature=temperature,
        fitted_on=first.size,
        taken_on=second.size,
    )


def _told(found: dict[str, float]) -> dict[str, float]:
    return {name: level for name, level in found.items() if math.isfinite(level)}


def shares(
    thresholds: Thresholds,
    odds: npt.NDArray[np.floating],
    classes: npt.NDArray[np.integer],
    counted: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """The share of images that reach each level for their class and count.

    Args:
      thresholds: of the network.
      odds: `[N, C]`.
      classes: `[N]`, the class that each image is for.
      counted: `[N]`; an image that a class for rejection takes, or a detector rejects, never counts.
    Returns:
      `raw` and `scaled`, each with a share for every level; of `raw` also for 0.5.
    """
    rows = np.arange(len(odds))
    own = {
        "raw": np.asarray(odds, np.float64)[rows, classes],
        "scaled": scaled_log_odds(odds, thresholds.temperature)[rows, classes],
    }
    found = {
        name: {level: float(np.mean(counted & (values >= least))) for level, least in levels.items()}
        for (name, values), levels in zip(own.items(), (thresholds.raw, thresholds.scaled), strict=True)
    }
    found["raw"]["0.5"] = float(np.mean(counted & (own["raw"] >= 0.0)))
    return found
