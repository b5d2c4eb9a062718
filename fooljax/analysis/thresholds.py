"""When an image counts as fooling: three thresholds, each before and after temperature scaling.

A confidence of 99.99 % means different things for different networks. So every experiment reports together:
the fixed confidences of the paper; the median confidence that the network has in clean images; and tau, the
confidence that 95 % or 99 % of clean images reach (the true-positive rate of a detector that accepts what
reaches tau). Temperature scaling divides the logits by one number, chosen so that the network's confidence
fits how often it is right.

A network's confidence in a clean image is that in the class it names first, right or wrong. All thresholds
are log-odds. Clean images must be new to the network. They are split in two by chance, and no image is used
twice: the first half fits the temperature, the second half gives the median and tau.

Source: Guo et al. 2017 (temperature); Meinke and Hein 2020 (clean median); Stutz et al. 2020 (tau); Vovk et
al. 2005 (the quantile).
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.analysis.statistics import lower_median
from fooljax.engine.log_odds import to_log_odds
from fooljax.errors import InputError
from fooljax.targets.temperature import best_temperature

CONFIDENCES = (0.9, 0.99, 0.999, 0.9999)
"""The fixed thresholds. Source of the last: Nguyen et al. 2015, abstract."""
RATES = (0.95, 0.99)
"""True-positive rates."""
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 20.0
"""A network that is right on every image would have no best temperature: it gets the least."""
LEAST_IMAGES = 198
"""Clean images, so that half of them tell what 99 % of further ones reach."""


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """The thresholds of one network, as log-odds by name.

    Attributes:
      raw: for the network as it is: the fixed ones by `0.9` to `0.9999`, then `clean_median`, `tpr_95` and
        `tpr_99`.
      scaled: the same after temperature scaling, to be held against `scaled_log_odds`.
      temperature: what logits are divided by; above 1 the network was too sure.
      fitted_on: clean images that the temperature was fitted to.
      taken_on: other clean images, whose median and tau these are.
    """

    raw: dict[str, float]
    scaled: dict[str, float]
    temperature: float
    fitted_on: int
    taken_on: int

    def shares(
        self, odds: npt.NDArray[np.floating], classes: npt.NDArray[np.integer] | None = None
    ) -> dict[str, dict[str, float]]:
        """The share of images that reach each threshold.

        Args:
          odds: `[N, C]`, log-odds of each class, as `fooljax.score` gives them.
          classes: `[N]`, the class that each image aims at; None for any class.
        Returns:
          `raw` and `scaled`, each with a share for every threshold.
        Raises:
          InputError: there are no images, or the arrays do not fit together.
        """
        odds = _checked(odds, "odds")
        if classes is not None and np.shape(classes) != odds.shape[:1]:
            raise InputError(
                f"classes: expected [{len(odds)}], one for each image, got {list(np.shape(classes))}"
            )
        parts = {}
        for name, levels, values in (
            ("raw", self.raw, odds),
            ("scaled", self.scaled, scaled_log_odds(odds, self.temperature)),
        ):
            own = values.max(axis=1) if classes is None else values[np.arange(len(values)), classes]
            parts[name] = {level: float(np.mean(own >= least)) for level, least in levels.items()}
        return parts

    def row(self) -> dict[str, Any]:
        """All of it as plain values, for JSON; `Thresholds(**row)` reads it back."""
        return dataclasses.asdict(self)


def clean_thresholds(
    odds: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], *, seed: int = 0
) -> Thresholds:
    """Finds a network's thresholds on clean images that it was not trained on.

    Args:
      odds: `[N, C]`, log-odds of the clean images for each class, as `fooljax.score` gives them. N is at
        least 198, C at least 2.
      labels: `[N]`, their classes.
      seed: of the split in two halves.
    Returns:
      The thresholds, and how many images each part had.
    Raises:
      InputError: there are too few images, a number is not finite, or the arrays do not fit together.
    """
    odds, labels = _checked(odds, "odds"), np.asarray(labels)
    if len(odds) < LEAST_IMAGES:
        raise InputError(f"odds: expected at least {LEAST_IMAGES} clean images, got {len(odds)}")
    if labels.shape != odds.shape[:1] or not np.all((labels >= 0) & (labels < odds.shape[1])):
        raise InputError(
            f"labels: expected [{len(odds)}] classes from 0 to {odds.shape[1] - 1}, got "
            f"{list(labels.shape)} from {labels.min(initial=0)} to {labels.max(initial=0)}"
        )
    order = np.random.default_rng(seed).permutation(len(odds))
    first, second = np.split(order, [len(odds) // 2])
    temperature = fit_temperature(odds[first], labels[first])
    return Thresholds(
        raw=clean_levels(odds[second]),
        scaled=clean_levels(scaled_log_odds(odds[second], temperature)),
        temperature=temperature,
        fitted_on=first.size,
        taken_on=second.size,
    )


def fit_temperature(odds: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature under which the labels are likeliest, in float64.

    Args:
      odds: `[N, C]` log-odds.
      labels: `[N]` classes.
    Returns:
      What logits are divided by, from 0.05 to 20.
    """
    logits = scipy.special.log_expit(np.asarray(odds, np.float64))
    return best_temperature(logits, labels, LEAST_TEMPERATURE, MOST_TEMPERATURE)


def scaled_log_odds(odds: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float64]:
    """Log-odds after the logits are divided by a temperature.

    Log-odds of all classes tell the logits but for a shift, which no softmax sees.

    Args:
      odds: `[N, C]`, log-odds of all classes.
      temperature: above 0.
    Returns:
      `[N, C]` float64.
    """
    logits = scipy.special.log_expit(np.asarray(odds, np.float64)) / temperature
    top = np.argmax(logits, axis=1)[:, None]
    logits = logits - np.take_along_axis(logits, top, axis=1)
    others = logits.copy()
    np.put_along_axis(others, top, -np.inf, axis=1)  # summed without the largest, so that no bit is lost
    rest = scipy.special.logsumexp(others, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float64] = logits - np.log1p(np.maximum(np.exp(rest) - np.exp(others), 0.0))
    np.put_along_axis(scaled, top, -rest, axis=1)
    return scaled


def conformal_quantile(values: npt.NDArray[np.floating], rate: float) -> float:
    """The value that a further one of the same kind reaches with at least this chance.

    The quantile of split conformal prediction: right on average for any number of values and any
    distribution.

    Args:
      values: `[N]`.
      rate: in (0, 1).
    Returns:
      One of the values; -infinity where there are too few to tell.
    """
    rank = math.floor((1.0 - rate) * (len(values) + 1) + 1e-9)
    return float(np.sort(values)[rank - 1]) if rank else -math.inf


def clean_levels(odds: npt.NDArray[np.floating]) -> dict[str, float]:
    """The levels of clean images' log-odds `[N, C]`, by name; -infinity where few tell nothing."""
    sure = odds.max(axis=1)
    return {
        **{f"{confidence}": to_log_odds(confidence) for confidence in CONFIDENCES},
        "clean_median": lower_median(sure),
        **{f"tpr_{round(100 * rate)}": conformal_quantile(sure, rate) for rate in RATES},
    }


def _checked(odds: npt.NDArray[np.floating], name: str) -> npt.NDArray[np.float64]:
    """The log-odds as float64.

    Raises:
      InputError: they are not `[N, C]`, or one is not finite.
    """
    values: npt.NDArray[np.float64] = np.asarray(odds, np.float64)
    if values.ndim != 2 or not len(values) or values.shape[1] < 2:
        raise InputError(f"{name}: expected log-odds [N, C] of at least 2 classes, got {list(values.shape)}")
    if not np.all(np.isfinite(values)):
        raise InputError(f"{name}: expected finite numbers, got {values[~np.isfinite(values)][0]:g}")
    return values
