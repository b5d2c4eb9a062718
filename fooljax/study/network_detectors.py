"""A network of a study with its detectors: fitted, and with thresholds, on three parts of the clean images.

Everything is worked out once in a process.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.detection import Levels, calibrate, detection_metrics
from fooljax.analysis.thresholds import Thresholds, clean_thresholds
from fooljax.detectors import Clean, Fitted, fit, seen_of_clean
from fooljax.detectors.fitted import scores_of
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.scoring import score
from fooljax.study.clean_parts import MOST, Part, split_clean_images
from fooljax.study.measured_sets import SetSettings, dataset_of, network
from fooljax.study.study import Workspace
from fooljax.targets.collection import KNN
from fooljax.targets.nearest_neighbours import nearest_neighbours


@dataclass(frozen=True, eq=False)
class NetworkWithDetectors:
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

    def detector_metrics(
        self,
        images: npt.NDArray[np.uint8],
        fooled: npt.NDArray[np.bool_],
        names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """How well detectors reject images that should be rejected, ready for a row.

        Args:
          images: `[M, H, W, K]`.
          fooled: `[M]`, which of them fool the network.
          names: of the detectors; None for all.
        Returns:
          By the detector's name: the measures of `fooljax.analysis.detection.detection_metrics`; and by the
          share of clean images that are rejected, the share of these images that are `caught`, and the share
          that fool the network and get `through`.
        """
        asked = list(self.fitted) if names is None else list(names)
        found = scores_of([self.fitted[name] for name in asked], images)
        metrics = {}
        for name, scores in zip(asked, found.T, strict=True):
            caught = {f"{share}": scores > level for share, level in self.levels[name].thresholds.items()}
            metrics[name] = {
                **detection_metrics(self.clean_scores[name], scores),
                "caught": {share: float(np.mean(one)) for share, one in caught.items()},
                "through": {share: float(np.mean(fooled & ~one)) for share, one in caught.items()},
            }
        return metrics

    def clean_figures(self) -> dict[str, Any]:
        """What a row says of the detectors on clean images: how many there were, thresholds, and how many of
        the further ones are rejected.
        """
        rejected = {
            name: {
                f"{share}": float(np.mean(self.clean_scores[name] > level))
                for share, level in own.thresholds.items()
            }
            for name, own in self.levels.items()
        }
        return {
            "clean_images": self.counts,
            "thresholds": self.thresholds.row(),
            "slopes": {name: one.slope for name, one in self.levels.items()},
            "clean_rejected": rejected,
        }


@dataclass(frozen=True, eq=False)
class DetectorInputs:
    """What detectors of a network are fitted and calibrated on.

    Attributes:
      target: the network.
      seen: what it makes of the images that fit detectors.
      calibration: the images that give thresholds.
      sure: `[N]`, log-odds of the surest class of each of these.
      held_out: the images that others are told apart from.
      thresholds: of the network's confidence.
      fits: detectors that were fitted already, by name.
    """

    target: Target
    seen: Clean
    calibration: Part
    sure: npt.NDArray[np.float32]
    held_out: Part
    thresholds: Thresholds
    fits: dict[str, Fitted] = field(default_factory=dict)

    def fitted(self, name: str) -> Fitted:
        """A detector, which is fitted the first time.

        Raises:
          InputError, FaultError: see `fooljax.detectors.fit`.
        """
        if name not in self.fits:
            self.fits[name] = fit(name, self.target, self.seen)
        return self.fits[name]


_INPUTS: dict[tuple[str, str], DetectorInputs] = {}
_FITTED: dict[tuple[str, ...], NetworkWithDetectors] = {}


def network_with_detectors(workspace: Workspace, name: str, detectors: Sequence[str]) -> NetworkWithDetectors:
    """A network of a study with its detectors, which are fitted the first time.

    Args:
      workspace: knows the network, and the settings of the clean images, a `SetSettings`.
      name: of the network.
      detectors: names in `fooljax.detectors.DETECTORS`, or MODULE:NAME.
    Raises:
      InputError: see `split_clean_images`, `fooljax.detectors.fit` and
        `fooljax.analysis.detection.calibrate`.
    """
    config = workspace.config
    of_network = (workspace.digest(name), str(config.imagefolder or dataset_of(config.data).digest))
    key = (*of_network, *detectors)
    if key not in _FITTED:
        if of_network not in _INPUTS:
            _INPUTS[of_network] = _detector_inputs(config, workspace.network(name))
        found, faults = fit_and_calibrate(_INPUTS[of_network], detectors)
        if faults:
            own, error = next(iter(faults.items()))
            raise type(error)(
                f"detector {shown(own, 60)}: {str(error).removeprefix('detector: ')}"
            ) from error
        _FITTED[key] = found
    return _FITTED[key]


def _detector_inputs(config: SetSettings, target: Target) -> DetectorInputs:
    fit_on, calibration, held_out = split_clean_images(config, target)
    odds = score(target, calibration.images)
    thresholds = clean_thresholds(odds, calibration.labels)
    return DetectorInputs(
        target, seen_of_clean(target, *fit_on), calibration, odds.max(axis=1), held_out, thresholds
    )


def fit_and_calibrate(
    inputs: DetectorInputs, detectors: Sequence[str]
) -> tuple[NetworkWithDetectors, dict[str, InputError | FaultError]]:
    """Fits detectors to a network, and finds their thresholds.

    Args:
      inputs: the network, and what it said of clean images.
      detectors: names in `fooljax.detectors.DETECTORS`, or MODULE:NAME.
    Returns:
      The network with those detectors that could be fitted, and of the others by name why not.
    """
    fitted: dict[str, Fitted] = {}
    faults: dict[str, InputError | FaultError] = {}
    for name in detectors:
        try:
            fitted[name] = inputs.fitted(name)
        except (InputError, FaultError) as error:
            faults[name] = error
    counts = (len(inputs.seen.labels), len(inputs.calibration.labels), len(inputs.held_out.labels))
    found = NetworkWithDetectors(inputs.target, inputs.thresholds, {}, {}, {}, counts)
    if not fitted:
        return found, faults
    calibration, held_out = (
        scores_of(list(fitted.values()), part.images).T for part in (inputs.calibration, inputs.held_out)
    )
    for name, own, clean in zip(fitted, calibration, held_out, strict=True):
        try:
            found.levels[name] = calibrate(own, inputs.sure)
        except InputError as error:
            faults[name] = error
        else:
            found.fitted[name], found.clean_scores[name] = fitted[name], clean
    return found, faults


def judge_network(config: SetSettings, name: str, say: Callable[[str], None]) -> Target:
    """A network of a study; nearest neighbours compare with as many training images as fit the detectors."""
    if name != KNN or config.imagefolder is not None:
        return network(config, name, say)
    data = dataset_of(config.data)
    some = np.random.default_rng(0).permutation(len(data.train_labels))[:MOST]
    images, labels = data.train_images[some], data.train_labels[some]
    return nearest_neighbours(dataclasses.replace(data, train_images=images, train_labels=labels))
