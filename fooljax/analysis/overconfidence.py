"""How sure a network is of images that it should not be sure of, beside how sure it is of clean ones."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.diversity import probability_smaller
from fooljax.analysis.statistics import lower_median
from fooljax.analysis.thresholds import Thresholds, scaled_log_odds
from fooljax.engine.log_odds import confidence
from fooljax.errors import InputError


def overconfidence_metrics(
    odds: npt.NDArray[np.floating], clean: npt.NDArray[np.floating], thresholds: Thresholds
) -> dict[str, Any]:
    """What a network's confidence in the class that it names first says of images that are none of its own.

    Args:
      odds: `[N, C]`, log-odds of the images.
      clean: `[M, C]`, log-odds of clean images.
      thresholds: of the network.
    Returns:
      `median_log_odds` of the class named first. `mmc`: the mean of the largest confidence (Hein et al.
      2019), and `mmc_scaled`, the same after temperature scaling. `auroc`: the chance that the network is
      surer of a clean image; a tie counts half. `fpr_at_95_tpr_clean_positive`: the share of the images of
      which it is as sure as it is of 95 % of clean images. `share_9999`: those named with 99.99 %.
    Raises:
      InputError: there are no images of a kind, or one's log-odds are not finite.
    """
    if not len(odds) or not len(clean) or not np.all(np.isfinite(odds)) or not np.all(np.isfinite(clean)):
        raise InputError("odds, clean: expected finite log-odds of at least one image each")
    sure, own = odds.max(axis=1), clean.max(axis=1)
    scaled = scaled_log_odds(odds, thresholds.temperature).max(axis=1)
    reached = {
        name: float(np.mean(sure >= thresholds.raw[level]))
        for name, level in (("fpr_at_95_tpr_clean_positive", "tpr_95"), ("share_9999", "0.9999"))
    }
    return {
        "median_log_odds": round(lower_median(sure), 3),
        "mmc": float(np.mean(confidence(sure))),
        "mmc_scaled": float(np.mean(confidence(scaled))),
        "auroc": probability_smaller(sure, own),
        **reached,
    }
