"""What a row says of the confidence along rays, as floats and clipped back into the box of images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.rays import factor_needed, log_odds_along
from fooljax.engine.log_odds import to_log_odds
from fooljax.engine.types import Target
from fooljax.scoring import score

LEVEL = 0.999
"""The confidence that rays are followed to. Source: Hein et al. 2019, section 4."""
CLIPPED_LEVEL = 0.95


def ray_figures(target: Target, images: npt.NDArray[np.uint8], factors: Sequence[float]) -> dict[str, Any]:
    """Log-odds of the class named first along rays from black through images, and the factor to 99.9 %.

    Args:
      target: a network that JAX can run.
      images: `[B, H, W, K]`.
      factors: rising.
    Returns:
      `factors`. `median_log_odds` and `clipped_median_log_odds`: at each factor, the median over rays.
      `share_ever_999` and `clipped_share_999`: of rays on which 99.9 % is reached at some factor.
      `factor_999`: the median factor at which it is; None where the median ray never does.
      `clipped_share_95`: of rays that reach 99.9 % as floats, and whose image at that factor still has 95 %
      after clipping. What is clipped is rounded to 8 bits.
    Raises:
      InputError: see `log_odds_along`.
    """
    odds = log_odds_along(target, images, factors)
    clipped = np.stack([score(target, _clipped(images, factor)).max(axis=1) for factor in factors], axis=1)
    level = to_log_odds(LEVEL)
    needed = factor_needed(odds, factors, level)
    median = float(np.median(needed))
    first = np.argmax(odds >= level, axis=1)
    at_first = clipped[np.arange(len(clipped)), first]
    return {
        "factors": list(factors),
        "median_log_odds": np.minimum(np.median(odds, axis=0), 1e6).round(3).tolist(),
        "clipped_median_log_odds": np.median(clipped, axis=0).round(3).tolist(),
        "share_ever_999": float(np.mean(np.isfinite(needed))),
        "factor_999": median if np.isfinite(median) else None,
        "clipped_share_999": float(np.mean(np.isfinite(factor_needed(clipped, factors, level)))),
        "clipped_share_95": float(np.mean(np.isfinite(needed) & (at_first >= to_log_odds(CLIPPED_LEVEL)))),
    }


def _clipped(images: npt.NDArray[np.uint8], factor: float) -> npt.NDArray[np.uint8]:
    return np.clip(np.rint(images.astype(np.float64) * factor), 0, 255).astype(np.uint8)
