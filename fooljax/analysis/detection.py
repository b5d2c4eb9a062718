"""How well a detector tells images apart, and where its threshold lies. A higher score is more suspicious.

Two kinds of images are compared: clean ones, and others that should be rejected. Both kinds weigh the same,
however many there are. Which of them is the positive class is part of a measure's name, since the two answers
differ, and readers of other tables were confused by it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.rejection import RATES
from fooljax.analysis.statistics import lower_median
from fooljax.analysis.thresholds import conformal_quantile
from fooljax.errors import InputError
from fooljax.importing import import_extra

LEAST_IMAGES = 99
"""Clean images, so that thresholds for 1 % can be told."""
TPR = 0.95


class Levels(NamedTuple):
    """What clean images say of a detector's scores.

    Attributes:
      thresholds: by the share of clean images that are rejected, the score above which an image is.
      slope: nats of log-odds for one unit of score, see `calibrate`.
    """

    thresholds: Mapping[float, float]
    slope: float


def calibrate(scores: npt.NDArray[np.floating], sure: npt.NDArray[np.floating]) -> Levels:
    """Finds a detector's thresholds, and what its scores are worth in log-odds.

    The slope makes the two halves of a search's fitness comparable. From the clean image at the threshold for
    5 % to the median clean image, the detector's log-odds rise by as much as the network's own log-odds do
    from the clean image that 5 % are below to the median one.

    Args:
      scores: `[N]`, of clean images that neither the network nor the detector has seen.
      sure: `[N]`, for the same images the network's log-odds of the class that it names.
    Raises:
      InputError: they are fewer than 99, not as many, not finite, or all alike.
    """
    values, odds = np.asarray(scores, np.float64), np.asarray(sure, np.float64)
    if values.ndim != 1 or values.shape != odds.shape or len(values) < LEAST_IMAGES:
        raise InputError(
            f"scores: expected those of at least {LEAST_IMAGES} clean images, and as many log-odds, got "
            f"{list(values.shape)} and {list(odds.shape)}"
        )
    if not np.all(np.isfinite(values)) or not np.all(np.isfinite(odds)):
        raise InputError("scores: expected finite numbers, got others")
    thresholds = {share: -conformal_quantile(-values, 1.0 - share) for share in RATES}
    rise = thresholds[RATES[-1]] - lower_median(values)
    nats = lower_median(odds) - conformal_quantile(odds, 1.0 - RATES[-1])
    if rise <= 0.0 or nats <= 0.0:
        raise InputError("scores: expected clean images that differ in score and confidence, got some alike")
    return Levels(thresholds, nats / rise)


def detection_metrics(clean: npt.NDArray[np.floating], others: npt.NDArray[np.floating]) -> dict[str, float]:
    """Tells two kinds of images apart by their scores.

    Args:
      clean: `[N]` scores of clean images, that gave no threshold and fitted nothing.
      others: `[M]` scores of images that should be rejected.
    Returns:
      `auroc`: the chance that another image is more suspicious than a clean one; a tie counts half.
      `aupr_others_positive` and `aupr_clean_positive`: the average precision with each of them as the
      positive class. `fpr_at_95_tpr_others_positive`: clean images that are rejected where 95 % of the
      others are.
      `fpr_at_95_tpr_clean_positive`: other images that are accepted where 95 % of the clean ones are.
    Raises:
      InputError: there are none of a kind, or a score is not a number.
      FaultError: scikit-learn is not installed.
    """
    one, other = (np.asarray(values, np.float64) for values in (clean, others))
    if one.ndim != 1 or other.ndim != 1 or not one.size or not other.size:
        raise InputError(f"scores: expected [N] and [M], got {list(one.shape)} and {list(other.shape)}")
    if np.any(np.isnan(one)) or np.any(np.isnan(other)):
        raise InputError("scores: expected numbers, got NaN")
    metrics = sklearn_metrics()
    # Infinite scores keep their rank.
    ranks = np.unique(np.concatenate([one, other]), return_inverse=True)[1]
    is_other = np.repeat([0, 1], [one.size, other.size])
    weights = np.where(is_other == 1, 1.0 / other.size, 1.0 / one.size)
    return {
        "auroc": float(metrics.roc_auc_score(is_other, ranks, sample_weight=weights)),
        "aupr_others_positive": float(
            metrics.average_precision_score(is_other, ranks, sample_weight=weights)
        ),
        "aupr_clean_positive": float(
            metrics.average_precision_score(1 - is_other, -ranks, sample_weight=weights)
        ),
        "fpr_at_95_tpr_others_positive": _false_positives(other, one),
        "fpr_at_95_tpr_clean_positive": _false_positives(-one, -other),
    }


def _false_positives(positive: npt.NDArray[np.float64], negative: npt.NDArray[np.float64]) -> float:
    """The share of negatives at or above the highest score that at least 95 % of the positives reach."""
    needed = int(np.ceil(TPR * positive.size - 1e-9))
    return float(np.mean(negative >= np.sort(positive)[positive.size - needed]))


def sklearn_metrics() -> Any:
    """The module by which areas under curves are measured.

    Raises:
      FaultError: scikit-learn is not installed.
    """
    return import_extra("detection", "sklearn.metrics", "scikit-learn", "analysis")
