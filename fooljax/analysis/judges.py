"""Whether anything but the fooled network sees the class in an image: the verdict of held-out judges.

A judge is any network for the same classes that had no part in making the images. Confidence alone does not
make a fooling image: a well drawn digit gets it too. So an image counts as **fooling** when

  - the network that it was made for gives its class a confidence of 99.99 % or more, and
  - no judge agrees.

A judge **agrees** when it names that class first, with at least the confidence that 95 % of clean images get
from it: its own threshold. A network has to name some class even for noise, and one in ten names of a digit
is right by chance, so a name alone is no recognition. A confidence of 99 % means different things to
different networks, so the threshold is the judge's own. Where there are no clean images to find it by, a
judge agrees whenever it names the class first, which makes it harder for an image to count as fooling.

A judge must be able to tell clean images from noise. Where more than a tenth of noise images reach its
threshold, it is raised until they do not. A judge that then recognises fewer than half of the clean images
(as one does whose classes stand in another order) is refused: what it says means nothing.

A judge of the same family as the network (the same architecture, perhaps larger, trained on the same data)
has the same blind spots. That it agrees shows that the image transfers, not that it shows something. So
agreement is counted for each judge, and once more without the network's relatives.

Source: the threshold at a true-positive rate of 95 % is that of Liang et al. 2018 (ODIN) and of OpenOOD
(Zhang et al. 2023), where it tells known images from unknown ones.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.thresholds import conformal_quantile
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError

RATE = 0.95
"""Of clean images that reach a judge's threshold."""
LEAST_RECOGNISED = 0.5
"""Of clean images that a judge must name rightly, with the confidence of its threshold."""
MOST_NOISE = 0.1
"""Of noise images that may reach a judge's threshold."""
Odds = npt.NDArray[np.floating]
"""Log-odds `[B, C]` of each class, as `fooljax.score` gives them."""
Classes = npt.NDArray[np.integer]


class Verdict(NamedTuple):
    """What a network says of images that were made for a class.

    Attributes:
      top: `[B]`, the class that it names first.
      top_odds: `[B]`, log-odds of that class.
      own: `[B]`, log-odds of the class that the image was made for.
    """

    top: npt.NDArray[np.int64]
    top_odds: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]


class Calibration(NamedTuple):
    """What a judge says of clean images and of noise.

    Attributes:
      threshold: log-odds from which its naming a class counts; -inf where there were no clean images.
      clean_images: how many clean images there were.
      right: the share of them that it names rightly; None where there were none.
      recognised: the share of them that it names rightly, as sure as its threshold asks; None as before.
      noise_images: how many noise images there were.
      noise_accepted: the share of them of which it is as sure as of 95 % of clean images; where it is large,
        the threshold was raised.
      fault: why it is refused, as the end of a sentence that begins with its name; "" where it is not.
    """

    threshold: float
    clean_images: int
    right: float | None
    recognised: float | None
    noise_images: int
    noise_accepted: float
    fault: str


class Fooling(NamedTuple):
    """Which images fool a network, and what the judges say of these.

    Attributes:
      fooled: `[B]` bool, the network gives their class 99.99 % or more.
      agrees: by the judge's name, `[B]` bool.
      none: `[B]` bool, fooled and no judge agrees. This is what counts as a fooling image.
      none_of_others: the same of the judges that are not of the network's family; None where all are.
      every: `[B]` bool, fooled and every judge agrees.
    """

    fooled: npt.NDArray[np.bool_]
    agrees: Mapping[str, npt.NDArray[np.bool_]]
    none: npt.NDArray[np.bool_]
    none_of_others: npt.NDArray[np.bool_] | None
    every: npt.NDArray[np.bool_]


def verdict(odds: Odds, classes: Classes) -> Verdict:
    """What a network's log-odds say of images.

    Args:
      odds: `[B, C]`.
      classes: `[B]`, the class that each image was made for.
    Raises:
      InputError: the arrays do not fit together.
    """
    values, classes = np.asarray(odds, np.float64), np.asarray(classes)
    if values.ndim != 2 or classes.shape != values.shape[:1]:
        raise InputError(f"classes: expected one for each image of {list(values.shape)}, got {classes.shape}")
    top, rows = np.argmax(values, axis=1), np.arange(len(values))
    return Verdict(top, values[rows, top], values[rows, classes])


def check_panel(
    noise: Mapping[str, Odds], clean: Mapping[str, Odds] | None = None, labels: Classes | None = None
) -> dict[str, Calibration]:
    """Finds the judges' thresholds, and which of them cannot tell clean images from noise.

    Args:
      noise: log-odds of noise images, one or more, by the judge's name.
      clean: log-odds of clean images, which neither a judge nor the network learnt from; None where there are
        none.
      labels: their classes.
    Returns:
      By the judge's name. Of one that is refused, `fault` says why.
    Raises:
      InputError: the arrays do not fit together, or every judge is refused.
    """
    found = {
        name: calibrate(odds, None if clean is None else clean[name], labels) for name, odds in noise.items()
    }
    faults = [f"{name} {one.fault}" for name, one in found.items() if one.fault]
    if faults and len(faults) == len(found):
        raise InputError(f"judges: expected one that tells clean images from noise, but {'; '.join(faults)}")
    return found


def calibrate(noise: Odds, clean: Odds | None, labels: Classes | None) -> Calibration:
    """The same for one judge, which may be refused."""
    of_noise = np.max(np.asarray(noise, np.float64), axis=1)
    if clean is None or labels is None:
        return Calibration(-math.inf, 0, None, None, len(of_noise), 1.0, "")
    found = verdict(clean, labels)
    usual = conformal_quantile(found.top_odds, RATE)
    # The next number above the confidence that a tenth of the noise images exceeds.
    above_noise = np.nextafter(np.quantile(of_noise, 1.0 - MOST_NOISE, method="higher"), np.inf)
    accepted = float(np.mean(of_noise >= usual))
    threshold = float(max(usual, above_noise)) if accepted > MOST_NOISE else usual
    right = float(np.mean(found.top == labels))
    recognised = float(np.mean(agrees(found, labels, threshold)))
    fault = ""
    if recognised < LEAST_RECOGNISED:
        fault = f"recognises only {100.0 * recognised:.1f} % of {len(found.top):,} clean images"
    return Calibration(threshold, len(found.top), right, recognised, len(of_noise), accepted, fault)


def agrees(found: Verdict, classes: Classes, threshold: float) -> npt.NDArray[np.bool_]:
    """Whether a judge agrees, for each image: see the module."""
    return (found.top == classes) & (found.top_odds >= threshold)


def fooling(
    target_odds: npt.NDArray[np.floating],
    classes: Classes,
    verdicts: Mapping[str, Verdict],
    thresholds: Mapping[str, float],
    relatives: frozenset[str] = frozenset(),
) -> Fooling:
    """Which images fool a network while no judge agrees: the one definition, see the module.

    Args:
      target_odds: `[B]`, log-odds that the network gives the class of each image.
      classes: `[B]`, that class.
      verdicts: of the judges that were not refused, by name; one or more.
      thresholds: of the same judges.
      relatives: names of the judges that are of the network's family.
    Raises:
      InputError: there is no judge.
    """
    if not verdicts:
        raise InputError("verdicts: expected those of at least one judge, got none")
    fooled = np.asarray(target_odds) >= FOOLED
    votes = {name: agrees(found, classes, thresholds[name]) for name, found in verdicts.items()}
    others = [vote for name, vote in votes.items() if name not in relatives]
    return Fooling(
        fooled=fooled,
        agrees=votes,
        none=fooled & ~np.any(list(votes.values()), axis=0),
        none_of_others=fooled & ~np.any(others, axis=0) if others else None,
        every=fooled & np.all(list(votes.values()), axis=0),
    )
