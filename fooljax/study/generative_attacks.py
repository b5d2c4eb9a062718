"""What a row says of a generative or other classifier, and of images that were made for it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import generative
from fooljax.analysis.judges import calibrate, fooling, verdict
from fooljax.analysis.panel import CALIBRATED_ON, CONTROLS, NOISE, noise_images
from fooljax.analysis.thresholds import Thresholds, clean_thresholds
from fooljax.data.dataset import Dataset
from fooljax.data.subsets import mixed_test_images
from fooljax.engine.log_odds import FOOLED, rounded
from fooljax.generative.vae import VaeDensity
from fooljax.scoring import score
from fooljax.study import attacks
from fooljax.study.image_sets import ImageSet
from fooljax.study.network_thresholds import CleanAnswers
from fooljax.study.study import Workspace

CLEAN_IMAGES = 2000
"""Test images, at most, that give thresholds and shares; which ones, see `fooljax.data.subsets`."""
NOISE_IMAGES = 500
"""Of each kind of noise; judges are calibrated by `CONTROLS` of them."""
MORE_STEPS = 10
"""How many times as many steps in latent space the second look at a VAE's images takes."""
SYMPTOMS_OF = 20
"""Clean images at which gradients are looked at."""


def network_metrics(workspace: Workspace, name: str, dataset: Dataset) -> dict[str, Any]:
    """What a classifier says of clean images and of noise.

    Args:
      workspace: knows the network.
      name: of the network; it may have one more class than the data, for rejected images.
      dataset: its test images are clean.
    Returns:
      `clean_accuracy`: of the first class that is not rejection. `thresholds`. `noise`: by the kind, the
      share of images with 99.99 % for any class. `symptoms`, see `fooljax.study.attacks`. Of a generative
      classifier also `temperature`; `levels` of log p(x) by the share of clean images below, `rejected`: the
      share of test images below each, and `noise_accepted`: the share of noise above each.
    """
    target, classes = workspace.network(name), dataset.num_classes
    images, labels = mixed_test_images(dataset, CLEAN_IMAGES)
    odds, _, thresholds = _clean_answers(workspace, name, dataset)
    noise = noise_of(dataset)
    found: dict[str, Any] = {
        "target_sha256": workspace.digest(name),
        "network_name": target.name,
        "clean_accuracy": float(np.mean(odds[:, :classes].argmax(1) == labels)),
        "clean_images": len(images),
        "thresholds": thresholds.row(),
        "noise": {
            kind: float(np.mean(score(target, drawn)[:, :classes].max(axis=1) >= FOOLED))
            for kind, drawn in noise.items()
        },
        "symptoms": attacks.symptoms(target, images[:SYMPTOMS_OF], (labels[:SYMPTOMS_OF] + 1) % classes),
    }
    if levels := target.provenance.get("levels"):
        clean = generative.log_density(target, images)
        of_noise = {kind: generative.log_density(target, drawn) for kind, drawn in noise.items()}
        found |= {
            "temperature": target.provenance["temperature"],
            "levels": dict(levels),
            "rejected": {rate: float(np.mean(clean < level)) for rate, level in levels.items()},
            "noise_accepted": {
                kind: {rate: float(np.mean(values >= level)) for rate, level in levels.items()}
                for kind, values in of_noise.items()
            },
        }
    return found


def judge_set(
    workspace: Workspace,
    name: str,
    judges: Sequence[str],
    dataset: Dataset,
    found: ImageSet,
) -> dict[str, Any]:
    """What a row says of a set beside the measurements of `fooljax.study.attacks`.

    Args:
      workspace: knows the networks.
      name: of the network that the images were made for.
      judges: names of the networks that are asked what they see.
      dataset: clean images.
      found: the set.
    Returns:
      `fooled`: images with 99.99 %. `agree`: by name, how many of all images the judge agrees on, and
      `fooled_agree` of those that fool. `unseen`: images that fool while no judge agrees. Of a generative
      classifier also `accepted`: by the share of clean images that are rejected, how many images are above
      that level of log p(x); `fooled_accepted`: those that fool, too; of a VAE `more_steps`: the log-odds
      when inference takes `MORE_STEPS` times as many steps.
    """
    target, images, classes = workspace.network(name), found.images, found.classes
    verdicts = {judge: verdict(score(workspace.network(judge), images), classes) for judge in judges}
    leasts = {judge: _least(workspace, judge, dataset) for judge in judges}
    seen = fooling(found.log_odds, classes, verdicts, leasts)
    figures: dict[str, Any] = {
        "target_sha256": workspace.digest(name),
        "images": len(images),
        "fooled": int(seen.fooled.sum()),
        "agree": {one: int(vote.sum()) for one, vote in seen.agrees.items()},
        "fooled_agree": {one: int((vote & seen.fooled).sum()) for one, vote in seen.agrees.items()},
        "unseen": int(seen.none.sum()),
    }
    if levels := target.provenance.get("levels"):
        density = generative.log_density(target, images)
        above = {rate: density >= level for rate, level in levels.items()}
        figures["log_density"] = [round(float(one), 1) for one in density]
        figures["accepted"] = {rate: int(one.sum()) for rate, one in above.items()}
        figures["fooled_accepted"] = {rate: int((one & seen.fooled).sum()) for rate, one in above.items()}
    density_of = getattr(target.apply, "density", None)
    if isinstance(density_of, VaeDensity):
        longer = dataclasses.replace(density_of, steps=MORE_STEPS * density_of.steps)
        apply = dataclasses.replace(target.apply, density=longer)  # type: ignore[type-var]
        odds = score(dataclasses.replace(target, apply=apply), images)
        figures["more_steps"] = rounded(odds[range(len(images)), classes])
    return figures


_ANSWERS: dict[tuple[str, str], CleanAnswers] = {}
_CALIBRATIONS: dict[tuple[str, str], float] = {}
"""By the digests of network and data: what is worked out once in a process."""


def thresholds_of(workspace: Workspace, name: str, dataset: Dataset) -> Thresholds:
    """The thresholds of a network, which may have one more class than the data has."""
    return _clean_answers(workspace, name, dataset).thresholds


def _clean_answers(workspace: Workspace, name: str, dataset: Dataset) -> CleanAnswers:
    key = (workspace.digest(name), dataset.digest)
    if key not in _ANSWERS:
        images, labels = mixed_test_images(dataset, CLEAN_IMAGES)
        odds = score(workspace.network(name), images)
        _ANSWERS[key] = CleanAnswers(odds, labels, clean_thresholds(odds, labels))
    return _ANSWERS[key]


def _least(workspace: Workspace, name: str, dataset: Dataset) -> float:
    """The log-odds from which a judge's naming a class counts, see `fooljax.analysis.judges`."""
    key = (workspace.digest(name), dataset.digest)
    if key not in _CALIBRATIONS:
        judge, (images, labels) = workspace.network(name), mixed_test_images(dataset, CALIBRATED_ON)
        noise = np.concatenate([score(judge, one[:CONTROLS]) for one in noise_of(dataset).values()])
        _CALIBRATIONS[key] = calibrate(noise, score(judge, images), labels).threshold
    return _CALIBRATIONS[key]


def noise_of(dataset: Dataset) -> dict[str, npt.NDArray[np.uint8]]:
    """Images of each kind of noise, `[NOISE_IMAGES, H, W, K]` uint8."""
    shape = (NOISE_IMAGES, *dataset.image_shape)
    return {kind: noise_images(kind, np.random.default_rng(0), shape) for kind in NOISE}
