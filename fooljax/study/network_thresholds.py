"""What a study's networks say of clean images, and their thresholds, each asked once in a process."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.thresholds import CONFIDENCES, Thresholds, clean_thresholds
from fooljax.engine.log_odds import to_log_odds
from fooljax.engine.types import Target, checked_shape
from fooljax.scoring import score
from fooljax.study.clean_images import photographs
from fooljax.study.measured_sets import SetSettings, dataset_of
from fooljax.study.study import Workspace
from fooljax.targets.fitting import check_data

PHOTOGRAPHS = "photographs"
"""Stands for the photographs of `--imagefolder` where clean images are named."""
PHOTOGRAPHS_OF_CLASS = 50
"""The most that are taken of a class."""
_KNOWN: dict[tuple[str, str], "CleanAnswers"] = {}
"""By the digest of the network and what tells the clean images."""


class CleanImages(NamedTuple):
    """Clean images, and what they are called.

    Attributes:
      name: of the data set, or "photographs".
      images: `[N, H, W, K]` uint8.
      labels: `[N]`, their classes.
    """

    name: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.integer]


class CleanAnswers(NamedTuple):
    """What a network says of clean images.

    Attributes:
      odds: `[N, C]`, log-odds.
      labels: `[N]`, the classes of the images.
      thresholds: of the network.
    """

    odds: npt.NDArray[np.float32]
    labels: npt.NDArray[np.integer]
    thresholds: Thresholds


def clean_for(config: SetSettings, data_set: str) -> str | None:
    """Names the clean images by which the networks of a data set get their thresholds.

    Args:
      config: the settings of the study.
      data_set: whose networks they are, out of `fooljax.targets.collection.NETWORKS_OF`.
    Returns:
      As `clean_images` takes it. None where no data were given: the embedded digits are no clean images for
      networks that know no digits.
    """
    if config.imagefolder is not None and data_set == "imagenet":
        return PHOTOGRAPHS
    return None if data_set != "mnist" and config.data == "embedded" else config.data


def clean_images(workspace: Workspace, target: Target, clean: str) -> CleanImages:
    """The clean images that a network is asked about.

    Args:
      workspace: its settings name the folder of photographs.
      target: the network.
      clean: `PHOTOGRAPHS`, or the data set whose test images they are, see `fooljax.data.load`.
    Raises:
      InputError: they do not fit the network, or cannot be read.
    """
    if clean == PHOTOGRAPHS:
        side = checked_shape(target.image_shape)[0]
        found = photographs(Path(workspace.config.imagefolder), side, PHOTOGRAPHS_OF_CLASS)
        return CleanImages(PHOTOGRAPHS, *found)
    dataset = dataset_of(clean)
    check_data(target, dataset)
    return CleanImages(dataset.name, dataset.test_images, dataset.test_labels)


def clean_answers(workspace: Workspace, name: str, clean: str) -> CleanAnswers:
    """What a network says of all clean images, and the thresholds that follow.

    Args:
      workspace: knows the network.
      name: of the network.
      clean: as for `clean_images`.
    """
    images_key = workspace.config.imagefolder if clean == PHOTOGRAPHS else dataset_of(clean).digest
    return cached_answers(
        workspace, name, str(images_key), lambda: clean_images(workspace, workspace.network(name), clean)
    )


def cached_answers(
    workspace: Workspace, name: str, images_key: str, images: Callable[[], CleanImages]
) -> CleanAnswers:
    """What a network says of some clean images, and the thresholds that follow.

    Args:
      workspace: knows the network.
      name: of the network.
      images_key: tells these clean images from others.
      images: gives them where the network was not asked yet.
    """
    key = (workspace.digest(name), images_key)
    if key not in _KNOWN:
        found = images()
        odds = score(workspace.network(name), found.images)
        _KNOWN[key] = CleanAnswers(odds, found.labels, clean_thresholds(odds, found.labels))
    return _KNOWN[key]


def thresholds_of(workspace: Workspace, name: str, clean: str | None) -> Thresholds:
    """The thresholds of a network, by all its clean images.

    Args:
      workspace: knows the network.
      name: of the network.
      clean: as for `clean_images`; with None only the fixed thresholds are there, before and after scaling
        by 1.
    """
    if clean is None:
        fixed = {f"{level}": to_log_odds(level) for level in CONFIDENCES}
        return Thresholds(fixed, fixed, temperature=1.0, fitted_on=0, taken_on=0)
    return clean_answers(workspace, name, clean).thresholds
