"""The step of an audit that shows images to detectors, and that makes images which know a detector."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fooljax.analysis.detection import LEAST_IMAGES
from fooljax.analysis.thresholds import Thresholds
from fooljax.audits.audited import NAME, Audited
from fooljax.audits.clean import CleanParts
from fooljax.audits.counted_scores import CountedScores
from fooljax.audits.levels import shares
from fooljax.detectors import seen_of_clean
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target
from fooljax.study.adaptive_attacks import make_adaptive_sets
from fooljax.study.image_sets import ImageSet, ImageSets
from fooljax.study.network_detectors import DetectorInputs, NetworkWithDetectors


def enough_for_detectors(clean: CleanParts) -> bool:
    """Whether there are clean images enough to fit detectors and to find their thresholds."""
    return len(clean.fit.labels) > 0 and len(clean.thresholds.labels) >= LEAST_IMAGES


def detector_inputs(audited: Audited, target: Target, thresholds: Thresholds) -> tuple[DetectorInputs, int]:
    """What the network says of clean images, which detectors are fitted to.

    Args:
      audited: whose clean images; where they have no labels, the network's own answers stand for them.
      target: the network, with what it needs put around it.
      thresholds: of its confidence.
    Returns:
      That, and the passes of it and of one look of the detectors at all that they do not fit. A look counts
      as one pass whatever detectors there are; ODIN, which asks again and takes a gradient, makes it four.
    """
    clean, ask = audited.clean, CountedScores()
    labels = clean.fit.labels
    if not clean.labelled:
        labels = np.argmax(ask(target, clean.fit.images), axis=1)
    seen = seen_of_clean(target, clean.fit.images, labels)
    sure = ask(target, clean.thresholds.images)[:, audited.cells].max(axis=1)
    looks = 2 * len(labels) + len(clean.thresholds.labels) + len(clean.test.labels)
    return DetectorInputs(target, seen, clean.thresholds, sure, clean.test, thresholds), ask.passes + looks


def of_detectors(found: NetworkWithDetectors, made: Mapping[str, Sequence[ImageSet]]) -> dict[str, Any]:
    """What detectors make of images that know nothing of them.

    Args:
      found: the network and its detectors.
      made: image sets by generator, one for each run.
    Returns:
      `told_apart`: by generator, for each run what `NetworkWithDetectors.detector_metrics` gives.
      `clean_rejected`: by detector and share, how many of other clean images are rejected. `passes`.
    """
    ask = CountedScores()
    metrics: dict[str, list[dict[str, Any]]] = {}
    for generator, sets in made.items() if found.fitted else ():
        for one in sets:
            metrics.setdefault(generator, []).append(
                found.detector_metrics(one.images, one.log_odds >= FOOLED)
            )
            ask.passes += len(one.images)
    return {
        "told_apart": metrics,
        "clean_rejected": found.clean_figures()["clean_rejected"],
        "passes": ask.passes,
    }


def of_knowing(
    audited: Audited,
    sets: ImageSets,
    found: NetworkWithDetectors,
    *,
    detector: str,
    generator: str,
    runs: Sequence[int],
    passes: int,
    cells: Sequence[int],
) -> Iterator[dict[str, Any]]:
    """Makes images that fool the network and pass a detector.

    Args:
      audited: what is audited.
      sets: the folder of sets.
      found: the network and this detector.
      detector: its name.
      generator: "direct", "cppn" or "gradient".
      runs: indices of the runs.
      passes: network passes of each, at most.
      cells: the classes that images are made for.
    Yields:
      For each run as `of_attack`, where `shares` are of images that reach a level and pass the detector at
      the stricter threshold, and `log_odds` are the network's own; `attack_log_odds`, those of the class and
      of being accepted together; and `told_apart`, what the detector makes of them.
    """
    made = make_adaptive_sets(
        sets, found, NAME, detector, generator, runs=runs, passes=passes, judges={}, classes=list(cells)
    )
    for one, odds, passed, figures in made:
        yield {
            "images_digest": one.digest,
            "classes": one.classes.tolist(),
            "log_odds": figures["network_log_odds"],
            "shares": shares(found.thresholds, odds, one.classes, audited.counted(odds) & passed),
            "reached": None if one.reached is None else list(one.reached),
            "course": [list(point) for point in one.course],
            "attack_log_odds": figures["log_odds"],
            "told_apart": figures["told_apart"],
            "symptoms": figures.get("symptoms"),
            "attack_passes": one.passes,
            # Images were scored when they were saved, then twice by the network and twice by the detector.
            "passes": one.passes + 5 * len(odds),
        }
