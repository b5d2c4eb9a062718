"""The steps of an audit that show the images to other networks, and to the network after small changes."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.judges import agrees, calibrate, verdict
from fooljax.analysis.nearest import nearest, percentiles, pixels
from fooljax.analysis.panel import CALIBRATED_ON, CONTROLS, NOISE, noise_images
from fooljax.analysis.survival import survive
from fooljax.audits.audited import Audited
from fooljax.audits.counted_scores import CountedScores
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target
from fooljax.study.image_sets import ImageSet
from fooljax.targets.image_sizes import fitted

Images = npt.NDArray[np.uint8]
MOST_NEAREST = 5000
"""Clean images, at most, among which the nearest is looked for."""
MOST_SHOWN = 200
"""Images of a run, at most, that are shown to detectors and other networks. All of a network with a thousand
classes would cost more than its attacks do."""


def shown_of(one: ImageSet) -> ImageSet:
    """The images of a set that are shown to others: all, or as many as `MOST_SHOWN`, evenly spaced."""
    if len(one.images) <= MOST_SHOWN:
        return one
    places = np.arange(MOST_SHOWN) * len(one.images) // MOST_SHOWN
    return dataclasses.replace(
        one, images=one.images[places], classes=one.classes[places], log_odds=one.log_odds[places]
    )


def of_survival(audited: Audited, target: Target, made: Mapping[str, Sequence[ImageSet]]) -> dict[str, Any]:
    """Whether the network keeps its verdict when an image changes a little, and how near clean images are.

    Args:
      audited: whose clean images.
      target: the network, with what it needs put around it.
      made: image sets by generator, one for each run.
    Returns:
      `survival`: by generator, for each run by the name of the change the share of images that are still
      named as before; None where nothing was fooled. `nearest`: by generator, for each run the median
      percentile of the distance to the nearest clean image, among those of other clean images. `shown`: the
      images of a run that were looked at, at most. `passes`.
    """
    ask = CountedScores()
    clean = audited.clean
    known = pixels(np.concatenate([clean.fit.images, clean.thresholds.images])[:MOST_NEAREST])
    usual = nearest(pixels(clean.test.images[:CALIBRATED_ON]), known).distances
    survival: dict[str, list[dict[str, float] | None]] = {}
    near: dict[str, list[float]] = {}
    for generator, sets in made.items():
        for one in sets:
            fooled = one.log_odds >= FOOLED
            survived = None
            if fooled.any():
                after = survive(
                    functools.partial(ask, target),
                    one.images[fooled],
                    one.classes[fooled],
                    np.random.default_rng(0),
                )
                survived = {name: float(np.mean(found.named)) for name, found in after.items()}
            survival.setdefault(generator, []).append(survived)
            apart = nearest(pixels(one.images), known).distances
            near.setdefault(generator, []).append(float(np.median(percentiles(apart, usual))))
    shown = max(len(one.images) for sets in made.values() for one in sets)
    return {"survival": survival, "nearest": near, "shown": shown, "passes": ask.passes}


def of_judge(audited: Audited, judge: Target, made: Mapping[str, Sequence[ImageSet]]) -> dict[str, Any]:
    """What a network that had no part in the images says of them.

    Args:
      audited: whose clean images.
      judge: the network; it knows the same classes.
      made: image sets by generator, one for each run.
    Returns:
      `right` and `asked`: clean images that it names rightly, None without labels; `fault`: why it is
      refused, "" where it is not; `agrees`: by generator, for each run the share of images in which it
      recognises the class, see `fooljax.analysis.judges`; `same` and `sure`: of the images that fool the
      audited network, how many there are, how many it gives the same name, and how many with 99.99 %;
      `passes`.
    """
    ask, clean = CountedScores(), audited.clean
    test = clean.test.images[:CALIBRATED_ON], clean.test.labels[:CALIBRATED_ON]
    odds = ask(judge, _for(judge, test[0]))
    draws, shape = np.random.default_rng(0), (CONTROLS, *clean.test.images.shape[1:])
    noise = np.concatenate([noise_images(kind, draws, shape) for kind in NOISE])
    of_noise = ask(judge, _for(judge, noise))
    found = calibrate(of_noise, odds if clean.labelled else None, test[1] if clean.labelled else None)
    votes: dict[str, list[float]] = {}
    same: dict[str, list[list[int]]] = {}
    for generator, sets in made.items():
        for one in sets:
            said = verdict(ask(judge, _for(judge, one.images)), one.classes)
            votes.setdefault(generator, []).append(float(np.mean(agrees(said, one.classes, found.threshold))))
            fooled = one.log_odds >= FOOLED
            counts = (fooled, fooled & (said.top == one.classes), fooled & (said.own >= FOOLED))
            same.setdefault(generator, []).append([int(np.sum(one)) for one in counts])
    return {
        "right": int(np.sum(np.argmax(odds, axis=1) == test[1])) if clean.labelled else None,
        "asked": len(odds),
        "fault": found.fault,
        "agrees": votes,
        "same": same,
        "passes": ask.passes,
    }


def _for(judge: Target, images: Images) -> Images:
    return images if judge.image_shape is None else fitted(images, judge)
