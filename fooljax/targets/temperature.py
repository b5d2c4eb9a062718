"""The temperature that fits a classifier's confidence to how often it is right (Guo et al. 2017)."""

import math

import numpy as np
import numpy.typing as npt
import scipy


def best_temperature(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], least: float, most: float
) -> float:
    """The temperature under which the labels are likeliest, in float64.

    The likelihood has one peak, where the logits that the classifier expects equal those of the labels.

    Args:
      logits: `[N, C]`.
      labels: `[N]` classes.
      least: the smallest that is given.
      most: the largest.
    Returns:
      What logits are divided by.
    """
    logits = np.asarray(logits, np.float64)
    own = logits[np.arange(len(logits)), labels]

    def excess(log_temperature: float) -> float:
        shares = scipy.special.softmax(logits / math.exp(log_temperature), axis=1)
        return float(np.mean(np.sum(shares * logits, axis=1) - own))

    low, high = math.log(least), math.log(most)
    if excess(low) <= 0.0:
        return least
    if excess(high) >= 0.0:
        return most
    return float(math.exp(scipy.optimize.brentq(excess, low, high, xtol=1e-12)))
