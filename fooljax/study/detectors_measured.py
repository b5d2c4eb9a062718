"""What detectors make of clean images, of images that know nothing of them, and of images that know them."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.data import load
from fooljax.data.subsets import mixed_test_images
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.study import attacks
from fooljax.study.adaptive_attacks import classes_of_task, judge_plain_sets, make_adaptive_sets
from fooljax.study.generators import GENERATORS
from fooljax.study.image_sets import ImageSets
from fooljax.study.measured_sets import ARCHIVE, measured
from fooljax.study.network_detectors import NetworkWithDetectors, network_with_detectors
from fooljax.study.study import Workspace
from fooljax.study.task import Task
from fooljax.targets.image_sizes import fitted

OTHERS = 1000
"""Images of other data, at most."""


@functools.lru_cache(maxsize=2)
def other_images(spec: str) -> npt.NDArray[np.uint8]:
    """Test images of other data, of all their classes, `[N, H, W, K]`, read once.

    Raises:
      InputError: there are no such data.
      FaultError: a package is missing, or the network for `tfds:NAME`.
    """
    return mixed_test_images(load(spec, argument="--others"), OTHERS)[0]


def check_others(spec: str, target: Target) -> None:
    """Refuses other data whose images a network cannot take in any size.

    Raises:
      InputError: they have more or fewer channels.
    """
    *_, channels = checked_shape(target.image_shape)
    if (found := other_images(spec).shape[3]) != channels:
        raise InputError(f"--others: expected images of {channels} channels for {target.name}, got {found}")


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The measurements of one group of tasks, which are all of one kind."""
    settings = tasks[0].settings
    if settings["kind"] == "judged":
        yield {"judged": judge_plain_sets(workspace, settings)}
        return
    found = network_with_detectors(workspace, settings["network"], settings["detectors"])
    kinds = {"clean": _clean, "static": _static, "knowing": _knows}
    yield from kinds[settings["kind"]](workspace, tasks, found)


def _clean(
    workspace: Workspace, tasks: Sequence[Task], found: NetworkWithDetectors
) -> Iterator[dict[str, Any]]:
    """Thresholds, and how many further clean images each detector rejects."""
    yield {**found.clean_figures(), "clean_accuracy": found.target.clean_accuracy}


def _static(
    workspace: Workspace, tasks: Sequence[Task], found: NetworkWithDetectors
) -> Iterator[dict[str, Any]]:
    """Images that were made without knowing of detectors, and those of other data."""
    settings = tasks[0].settings
    if settings["generator"] == ARCHIVE:
        ((_, finished),) = measured(workspace, tasks)
        fooled = finished.log_odds >= FOOLED
        told_apart = found.detector_metrics(finished.images, fooled)
        yield {**finished.facts, "fooled": float(np.mean(fooled)), "told_apart": told_apart}
        return
    if settings["generator"] not in GENERATORS:
        images = fitted(other_images(settings["generator"]), found.target)
        fooled = score(found.target, images).max(axis=1) >= FOOLED
        yield {"fooled": float(np.mean(fooled)), "told_apart": found.detector_metrics(images, fooled)}
        return
    runs = [task.settings["run"] for task in tasks]
    cells = classes_of_task(settings, found.target)
    specs = attacks.specs(
        settings["network"], [settings["generator"]], runs=runs, passes=settings["budget"], cells=cells
    )
    sets = ImageSets(workspace.config.images)
    for one, figures in attacks.make_and_measure(sets, specs, found.target, found.thresholds):
        fooled = one.log_odds >= FOOLED
        figures |= {"fooled": float(np.mean(fooled))}
        yield {**figures, "told_apart": found.detector_metrics(one.images, fooled)}


def _knows(
    workspace: Workspace, tasks: Sequence[Task], found: NetworkWithDetectors
) -> Iterator[dict[str, Any]]:
    """Images that were made to fool the network and to pass its detector."""
    settings = tasks[0].settings
    made = make_adaptive_sets(
        ImageSets(workspace.config.images),
        found,
        *(settings[name] for name in ("network", "detector", "generator")),
        runs=[task.settings["run"] for task in tasks],
        passes=settings["budget"],
        classes=classes_of_task(settings, found.target),
        judges={name: workspace.network(name) for name in settings["judges"]},
    )
    for task, known in zip(tasks, made, strict=True):
        if task.settings["run"] == 0:
            workspace.save_images(task, known.images.images)
        yield known.figures
