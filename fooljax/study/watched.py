"""Detectors that watch a network of a study: the parts of the clean images, fitting and thresholds.

Clean images are dealt into three parts, none of which is used twice: training images fit the detectors, a
half of the test images gives all thresholds, and the other half is what other images are told apart from.
Everything is worked out once in a process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.detection import Levels, calibrate, detection_figures
from fooljax.analysis.thresholds import Thresholds, clean_thresholds
from fooljax.data.labelled_photographs import first_photographs
from fooljax.detectors import Fitted, fit, seen_of_clean
from fooljax.detectors.fitted import scores_of
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target, checked_shape
from fooljax.scoring import score
from fooljax.study.measured_sets import SetSettings, dataset_of
from fooljax.study.study import Workspace

MOST = 5000
"""Clean images of a part, at most."""


class Part(NamedTuple):
    """Some clean images `[N, H, W, K]` and their classes `[N]`."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.integer]


def parts_of(config: SetSettings, target: Target) -> tuple[Part, Part, Part]:
    """The clean images that fit, those that give thresholds, and those that others are told apart from.

    Photographs are dealt by chance, half of them to the first part. So are test images to the two others.
    """
    rng = np.random.default_rng(0)
    if config.imagefolder is not None:
        side = checked_shape(target.image_shape)[0]
        images, labels, _ = first_photographs(Path(config.imagefolder), side, per_class=1)
        order = rng.permutation(len(images))
        first, rest = np.split(order, [len(order) // 2])
        return (Part(images[first], labels[first]), *_halves(images, labels, rest))
    data = dataset_of(config.data)
    train = rng.permutation(len(data.train_labels))[:MOST]
    test = rng.permutation(len(data.test_labels))[: 2 * MOST]
    return (
        Part(data.train_images[train], data.train_labels[train]),
        *_halves(data.test_images, data.test_labels, test),
    )


def _halves(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], order: npt.NDArray[np.int64]
) -> tuple[Part, Part]:
    first, second = np.split(order, [len(order) // 2])
    return Part(images[first], labels[first]), Part(images[second], labels[second])


@dataclass(frozen=True, eq=False)
class Watched:
    """A network and the detectors that watch it.

    Attributes:
      target: the network.
      thresholds: of the network's confidence.
      fitted: the detectors by name.
      levels: the thresholds of each.
      clean_scores: `[N]` for each, of the images that others are told apart from.
      counts: clean images of the three parts.
    """

    target: Target
    thresholds: Thresholds
    fitted: dict[str, Fitted]
    levels: dict[str, Levels]
    clean_scores: dict[str, npt.NDArray[np.float32]]
    counts: tuple[int, ...]

    def told_apart(
        self,
        images: npt.NDArray[np.uint8],
        fooled: npt.NDArray[np.bool_],
        names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """What detectors make of images that should be rejected, ready for a row.

        Args:
          images: `[M, H, W, K]`.
          fooled: `[M]`, which of them fool the network.
          names: of the detectors; None for all.
        Returns:
          By the detector's name: the figures of `fooljax.analysis.detection.detection_figures`; and by the
          share of clean images that are rejected, the share of these images that are `caught`, and the share
          that fool the network and get `through`.
        """
        asked = list(self.fitted) if names is None else list(names)
        found = scores_of([self.fitted[name] for name in asked], images)
        told = {}
        for name, scores in zip(asked, found.T, strict=True):
            caught = {f"{share}": scores > level for share, level in self.levels[name].thresholds.items()}
            told[name] = {
                **detection_figures(self.clean_scores[name], scores),
                "caught": {share: float(np.mean(one)) for share, one in caught.items()},
                "through": {share: float(np.mean(fooled & ~one)) for share, one in caught.items()},
            }
        return told

    def clean_figures(self) -> dict[str, Any]:
        """What a row says of the detectors on clean images: how many there were, thresholds, and how many of
        the further ones are rejected.
        """
        rejected = {
            name: {
                f"{share}": float(np.mean(self.clean_scores[name] > level)) for share, level in own.items()
            }
            for name, own in ((name, one.thresholds) for name, one in self.levels.items())
        }
        return {
            "clean_images": self.counts,
            "thresholds": self.thresholds.row(),
            "slopes": {name: one.slope for name, one in self.levels.items()},
            "clean_rejected": rejected,
        }


_KNOWN: dict[tuple[Any, ...], Watched] = {}


def watched(workspace: Workspace, name: str, detectors: Sequence[str]) -> Watched:
    """A network of a study with its detectors, which are fitted the first time.

    Args:
      workspace: knows the network, and the settings of the clean images, a `SetSettings`.
      name: of the network.
      detectors: names in `fooljax.detectors.DETECTORS`, or MODULE:NAME.
    Raises:
      InputError: see `fooljax.detectors.fit` and `fooljax.analysis.detection.calibrate`.
    """
    config = workspace.config
    data = config.imagefolder or dataset_of(config.data).digest
    key = (workspace.digest(name), data, *detectors)
    if key not in _KNOWN:
        target = workspace.network(name)
        first, second, third = parts_of(config, target)
        seen = seen_of_clean(target, *first)
        fitted = {one: fit(one, target, seen) for one in detectors}
        odds = score(target, second.images)
        scores = scores_of(list(fitted.values()), second.images)
        levels = {one: calibrate(own, odds.max(axis=1)) for one, own in zip(fitted, scores.T, strict=True)}
        clean = scores_of(list(fitted.values()), third.images)
        _KNOWN[key] = Watched(
            target,
            clean_thresholds(odds, second.labels),
            fitted,
            levels,
            dict(zip(fitted, clean.T, strict=True)),
            tuple(len(part.labels) for part in (first, second, third)),
        )
    return _KNOWN[key]


def fools(odds: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which images reach 99.99 %."""
    return np.asarray(odds >= FOOLED)
