"""Networks that may reject an image: by a class for it or by too little confidence, at equal clean rejection.

A defence that rejects more clean images also rejects more fooling ones. So two defences are compared where
each rejects the same share of clean images. Two scores are looked at: the log-odds of the fooling class, and
how unsure the network is, which any network tells. An image is rejected where a score is above its level.

An image whose class has log-odds L has log-odds of at most -L in every other class. So one at 99.99 % or more
passes every level of the first score that is above -9.21, however it was made. Evolution for log-odds knows
such a detector already.

Source: Vovk et al. 2005 (the quantile).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.thresholds import LEAST_IMAGES, conformal_quantile
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError

RATES = (0.01, 0.05)
"""Shares of clean images that are rejected, at which detectors and retrained networks are compared."""
SCORES = ("fooling class", "confidence")
Odds = npt.NDArray[np.floating]


class Rejection(NamedTuple):
    """Levels at which a network rejects given shares of clean images.

    Attributes:
      levels: by the name of the score, then by the rate as text. What is above is rejected.
      rejected: in the same way, the share of other clean images that is above. It is near the rate.
    """

    levels: dict[str, dict[str, float]]
    rejected: dict[str, dict[str, float]]


def scores(odds: Odds, fooling: int) -> dict[str, npt.NDArray[np.float64]]:
    """What an image is rejected by, each `[N]`; the more, the sooner.

    Args:
      odds: `[N, C]` log-odds of all classes.
      fooling: the index of the class for images to be rejected.
    """
    values = np.asarray(odds, np.float64)
    if values.ndim != 2 or not 0 <= fooling < values.shape[1] or values.shape[1] < 3:
        raise InputError(f"odds: expected [N, C] with a class {fooling}, got {list(values.shape)}")
    others = np.delete(values, fooling, axis=1)
    return {"fooling class": values[:, fooling], "confidence": -others.max(axis=1)}


def rejection(odds: Odds, fooling: int, *, seed: int = 0) -> Rejection:
    """Finds the levels on one half of clean images, and what they reject of the other half.

    Args:
      odds: `[N, C]` log-odds of clean images that the network has not learnt from; N at least 198.
      fooling: the index of the class for images to be rejected.
      seed: of the split in two halves.
    Raises:
      InputError: there are too few images, or the arrays do not fit together.
    """
    if len(odds) < LEAST_IMAGES:
        raise InputError(f"odds: expected {LEAST_IMAGES} clean images or more, got {len(odds)}")
    shuffled = np.asarray(odds)[np.random.default_rng(seed).permutation(len(odds))]
    first, second = (scores(part, fooling) for part in np.array_split(shuffled, 2))
    levels = {
        name: {f"{rate}": -conformal_quantile(-first[name], 1.0 - rate) for rate in RATES} for name in SCORES
    }
    return Rejection(
        levels,
        {
            name: {rate: float(np.mean(second[name] > level)) for rate, level in by_rate.items()}
            for name, by_rate in levels.items()
        },
    )


def rejected_share(odds: Odds, fooling: int) -> float:
    """The share of images whose largest logit is that of the class for images to be rejected."""
    return float(np.mean(np.argmax(odds, axis=1) == fooling))


def rejection_outcomes(
    odds: Odds, classes: npt.NDArray[np.integer], fooling: int, found: Rejection
) -> dict[str, Any]:
    """How a network that may reject meets images that aim at a class.

    Args:
      odds: `[N, C]` log-odds of the images.
      classes: `[N]`, the class that each aims at.
      fooling: the index of the class for images to be rejected.
      found: the levels of this network.
    Returns:
      `taken`: the share whose largest logit is that of the fooling class. `fooled`: with 99.99 % or more for
      the class aimed at. `passed` and `sure`: by score and rate, the share that is not rejected and is given
      the name aimed at, and those of them with 99.99 %.
    """
    values, values_by_score = np.asarray(odds, np.float64), scores(odds, fooling)
    own = values[np.arange(len(values)), classes]
    named = np.argmax(np.delete(values, fooling, axis=1), axis=1) == np.asarray(classes)
    accepted = {
        name: {rate: values_by_score[name] <= level for rate, level in by_rate.items()}
        for name, by_rate in found.levels.items()
    }

    def share(of: npt.NDArray[np.bool_]) -> dict[str, dict[str, float]]:
        return {
            name: {rate: float(np.mean(of & kept)) for rate, kept in rates.items()}
            for name, rates in accepted.items()
        }

    return {
        "taken": rejected_share(values, fooling),
        "fooled": float(np.mean(own >= FOOLED)),
        "passed": share(named),
        "sure": share(own >= FOOLED),
    }
