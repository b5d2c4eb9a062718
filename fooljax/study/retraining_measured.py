"""What is measured of retrained networks: their answers to clean images, to old images, and new attacks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.analysis.rejection import rejected_share
from fooljax.engine.log_odds import FOOLED, rounded
from fooljax.engine.types import Target
from fooljax.scoring import score
from fooljax.study import attacks
from fooljax.study.image_sets import ImageSet, ImageSets
from fooljax.study.retrained import LEARNT_FROM, State, held_out
from fooljax.study.retraining_lessons import (
    UNSEEN,
    Images,
    RetrainingSettings,
    archived,
    continue_evolution,
    first_generation,
)
from fooljax.study.study import Workspace
from fooljax.study.task import Task

OLD, ARCHIVE, FIRST = "old", "archive", "first_generation"
"""Images that are shown to a retrained network, and were not made against it: the set that its chain did not
learn from, images of the finished run that it did not learn from, and new images of first generations."""
GOES_ON = "goes_on"
"""Evolution that begins with images of the finished run, which fooled the network before it was retrained."""
FIRST_SHOWN = 100
Odds = npt.NDArray[np.floating]


def new_random(before: Target, chain: int) -> Images:
    """Random CPPNs that no network has learnt from, for each chain others."""
    return first_generation(before, FIRST_SHOWN, jax.random.key(10_000 + chain))


def set_of_itself(
    config: RetrainingSettings, settings: Mapping[str, Any], before: Target, generator: str, passes: int
) -> ImageSet:
    """The set that was made against the network itself, and that a chain did not learn from.

    Args:
      config: names the folder.
      settings: the network and the chain.
      before: the network itself.
      generator: of the images.
      passes: of the set.
    """
    state = State(settings["network"], chain=settings["chain"])
    spec = state.spec(config, generator, passes, len(before.class_names))
    return ImageSets(str(config.images)).get(spec, before)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The row of one task."""
    (task,) = tasks
    kinds = {"clean": _clean, "shown": _seen, "attack": _attack}
    yield kinds[task.settings["kind"]](workspace, task)


def _clean(workspace: Workspace, task: Task) -> dict[str, Any]:
    """What a network says of clean images that no network learnt from, and its thresholds."""
    before, target = (workspace.network(one) for one in task.networks[::-1])
    (first, labels, _), (odds, _, thresholds) = (held_out(workspace, one) for one in task.networks[::-1])
    own = odds[:, : len(before.class_names)].argmax(axis=1)
    random = first_generation(before, 10, jax.random.key(0))
    return {
        "clean_images": len(odds),
        "accuracy": float(np.mean(odds.argmax(axis=1) == labels)),
        "accuracy_before": float(np.mean(first.argmax(axis=1) == labels)),
        "agreement": float(np.mean(own == first.argmax(axis=1))),
        "rejected": _rejected(odds, before),
        "thresholds": thresholds.row(),
        **attacks.symptoms(target, random, np.arange(10) % len(before.class_names)),
    }


def _seen(workspace: Workspace, task: Task) -> dict[str, Any]:
    """What a network says of images that were not made against it."""
    config, settings = workspace.config, task.settings
    before, target = workspace.network(settings["network"]), workspace.network(task.networks[0])
    kind = settings["generator"]
    classes: npt.NDArray[np.integer] | None = None
    if kind == ARCHIVE:
        old = archived(config.archive, UNSEEN)
        images, classes = old.images, old.classes
    elif kind == FIRST:
        images = new_random(before, settings["chain"])
    else:
        passes = config.gradient_passes if kind == "gradient" else config.passes
        found = set_of_itself(config, settings, before, LEARNT_FROM if kind == OLD else kind, passes)
        images, classes = found.images, found.classes
    odds = score(target, images)
    best = odds[:, : len(before.class_names)].max(axis=1)
    aimed = best if classes is None else odds[np.arange(len(odds)), classes]
    return {
        "images_shown": len(images),
        "rejected": _rejected(odds, before),
        "fooled": float(np.mean(best >= FOOLED)),
        "log_odds": rounded(aimed),
    }


def _attack(workspace: Workspace, task: Task) -> dict[str, Any]:
    """Images that were made against a network, at a stated budget."""
    config, settings = workspace.config, task.settings
    target, before = workspace.network(task.networks[0]), workspace.network(settings["network"])
    state = State(settings["network"], settings["round"], settings["chain"], settings["rate"])
    if settings["generator"] == GOES_ON:
        return _goes_on(workspace, task, target, before)
    spec = state.spec(config, settings["generator"], settings["budget"], len(before.class_names))
    sets = ImageSets(config.images)
    if not state.round and settings["generator"] != LEARNT_FROM:
        # A run costs all the runs before it, so all are made at once.
        sets.get_many([replace(spec, run=run) for run in range(config.others)], target)
    ((found, figures),) = attacks.make_and_measure(
        sets, [spec], target, held_out(workspace, task.networks[0]).thresholds
    )
    odds = score(target, found.images)
    own = odds[np.arange(len(odds)), found.classes]
    return {**figures, "rejected": _rejected(odds, before), "fooled": float(np.mean(own >= FOOLED))}


def _goes_on(workspace: Workspace, task: Task, target: Target, before: Target) -> dict[str, Any]:
    """Images that evolved on from old ones, saved beside the row."""
    budget, config = task.settings["budget"], workspace.config
    found = continue_evolution(config, target, budget, jax.random.key(20_000 + task.settings["chain"]))
    images = workspace.save_images(task, found.images)
    odds, first = score(target, images), score(before, found.begun)
    places = np.arange(len(images)), found.classes
    own = odds[places]
    return {
        "passes": found.passes,
        "log_odds": rounded(own),
        "log_odds_before": rounded(first[places]),
        "shares": held_out(workspace, task.networks[0]).thresholds.shares(odds, found.classes),
        "rejected": _rejected(odds, before),
        "fooled": float(np.mean(own >= FOOLED)),
    }


def _rejected(odds: Odds, before: Target) -> float | None:
    """The share of images that the class more takes; None of a network without it."""
    classes = len(before.class_names)
    return None if odds.shape[1] == classes else rejected_share(odds, classes)
