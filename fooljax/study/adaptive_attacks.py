"""Adaptive attacks: images that are made to fool a network and to pass a detector, which the attack knows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.detectors import guarded, rejecting
from fooljax.engine.log_odds import FOOLED, rounded
from fooljax.engine.types import Target, checked_shape
from fooljax.scoring import score
from fooljax.study import attacks
from fooljax.study.image_sets import ImageSet, ImageSets, SetSpec
from fooljax.study.network_detectors import NetworkWithDetectors
from fooljax.study.study import Workspace
from fooljax.targets.choice import read_classes
from fooljax.targets.image_sizes import fitted

STRICT = 0.05
"""The share of clean images that is rejected by the threshold that an attack knows. An image that passes this
threshold passes that of any smaller share."""


class Known(NamedTuple):
    """A set of images that know a detector, and what was found of it.

    Attributes:
      images: the set.
      odds: `[N, C]`, the network's log-odds of every class.
      passed: `[N]`, which images pass the detector at the stricter threshold.
      figures: what a row says of it, see `make_adaptive_sets`.
    """

    images: ImageSet
    odds: npt.NDArray[np.floating]
    passed: npt.NDArray[np.bool_]
    figures: dict[str, Any]


def make_adaptive_sets(
    sets: ImageSets,
    defended: NetworkWithDetectors,
    network: str,
    detector: str,
    generator: str,
    *,
    runs: Sequence[int],
    passes: int,
    judges: Mapping[str, Target],
    classes: Sequence[int] | None = None,
) -> Iterator[Known]:
    """Makes sets of images against a network and one of its detectors, and measures them.

    Searches maximise the lesser of two log-odds, of the class and of being accepted. Gradient ascent, which
    wants one network, is given the product of the two probabilities.

    Args:
      sets: the folder of sets.
      defended: the network and its detectors.
      network: its name.
      detector: the name of the one that is known.
      generator: out of `fooljax.study.attacks.FRESH`, or random search.
      runs: indices of the runs.
      passes: network passes of each set, at most; an image that network and detector look at counts once,
        even where the detector asks the network again, as ODIN does.
      judges: classifiers of the same classes, by name.
      classes: that images are made for; None for all of the network.
    Yields:
      For each run the set with its figures: those of `fooljax.study.attacks.figures`, where `log_odds` are
      those of the attack; `network_log_odds`, of the classes alone; `fooled`, the share of images that fool
      the network; `told_apart`, what the detector makes of them; `judged`: for each judge, of the images that
      fool the network and pass the detector, whether it gives each the class that the image is for. Of
      gradient ascent `symptoms`, too.
    """
    levels = defended.levels[detector]
    threshold = levels.thresholds[STRICT]
    by_gradient = generator == "gradient"
    target = (rejecting if by_gradient else guarded)(
        defended.fitted[detector], threshold=threshold, slope=levels.slope
    )
    cells = tuple(range(len(defended.target.class_names)) if classes is None else classes)
    name, objective = f"{network}.{file_name_part(detector)}", "log_odds" if by_gradient else "pass"
    specs = [SetSpec(name, generator, run, passes, cells, objective) for run in runs]
    more: dict[str, Any] = {}
    if by_gradient:
        shape = checked_shape(defended.target.image_shape)
        more["symptoms"] = attacks.symptoms_on_noise(target, shape, cells)
    for found in sets.get_many(specs, target):
        odds = score(defended.target, found.images)
        own = odds[range(len(cells)), found.classes]
        fooled = own >= FOOLED
        passed = defended.fitted[detector].scores(found.images) <= threshold
        figures = {
            **attacks.figures(found, defended.target, defended.thresholds),
            "network_log_odds": rounded(own),
            "fooled": float(np.mean(fooled)),
            "told_apart": defended.detector_metrics(found.images, fooled, [detector])[detector],
            **more,
            "judged": _judged(found, fooled & passed, judges),
        }
        yield Known(found, odds, passed, figures)


def judge_plain_sets(workspace: Workspace, settings: Mapping[str, Any]) -> dict[str, list[bool]]:
    """What judges say of the images that fool a network, of all runs that know nothing of detectors.

    Args:
      workspace: knows the networks and the folder of sets.
      settings: of a task: `network`, `generator`, `runs`, `budget`, `judges`, and `classes` unless these
        are all.
    """
    runs, passes = range(settings["runs"]), settings["budget"]
    target = workspace.network(settings["network"])
    cells = classes_of_task(settings, target)
    specs = attacks.specs(settings["network"], [settings["generator"]], runs=runs, passes=passes, cells=cells)
    sets = ImageSets(workspace.config.images).get_many(specs, target)
    judges = {name: workspace.network(name) for name in settings["judges"]}
    each = [_judged(one, one.log_odds >= FOOLED, judges) for one in sets]
    return {name: [said for one in each for said in one[name]] for name in judges}


def _judged(
    found: ImageSet, chosen: npt.NDArray[np.bool_], judges: Mapping[str, Target]
) -> dict[str, list[bool]]:
    """For each judge, whether it gives each of the chosen images `[C]` of a set the class it is for."""
    images, classes = found.images[chosen], found.classes[chosen]
    if not len(images):
        return {name: [] for name in judges}
    named = {name: score(judge, fitted(images, judge)).argmax(axis=1) for name, judge in judges.items()}
    return {name: (each == classes).tolist() for name, each in named.items()}


def classes_of_task(settings: Mapping[str, Any], target: Target) -> tuple[int, ...] | None:
    """The classes that a task's images are made for; None for all of the network."""
    return read_classes(settings.get("classes", "all"), len(target.class_names))


def file_name_part(name: str) -> str:
    """The name of a detector or of data, so changed that it can be a part of a file's name."""
    return name.replace(":", ".").replace("/", ".")
