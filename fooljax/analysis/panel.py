"""A panel that looks at images: held-out judges, distances to training images, and small changes.

A `Panel` is put together once for a network; its `look` then says of any images what the panel finds. It
looks at images whose answer is known too, its `controls`: clean ones must be recognised, noise must not.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from fooljax.analysis.judges import Calibration, Fooling, Verdict, check_panel, fooling, verdict
from fooljax.analysis.nearest import nearest, percentiles, pixels
from fooljax.analysis.survival import Survival, survive
from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.scoring import score
from fooljax.storage.trees import digest_tree
from fooljax.targets.features import features_of
from fooljax.targets.image_sizes import fitted

Images = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.integer]
Vectors = Callable[[Images], npt.NDArray[np.float32]]
CALIBRATED_ON = 800
"""Clean held-out images, at most, by which the judges' thresholds and the percentiles are found."""
LEAST_A_CLASS = 10
"""Training images for each class without which no distances are told."""
SPACES = ("pixels", "features")
"""Where distances to training images are measured."""
CONTROLS = 100
"""Other clean images, at most, and images of each kind of noise, that are looked at as evolved ones are."""
NOISE: dict[str, Callable[[np.random.Generator, tuple[int, ...]], npt.NDArray[np.float64]]] = {
    "uniform_noise": lambda draws, shape: draws.random(shape),
    "gaussian_noise": lambda draws, shape: draws.normal(0.5, 0.25, shape),
}
"""Levels in [0, 1], cut off at both ends."""


def noise_images(kind: str, draws: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Images of noise, by which judges are calibrated.

    Args:
      kind: out of `NOISE`.
      draws: what is drawn from.
      shape: `[N, H, W, K]`.
    """
    return np.rint(255.0 * np.clip(NOISE[kind](draws, shape), 0.0, 1.0)).astype(np.uint8)


class TrainingDistances(NamedTuple):
    """How far images are from the nearest training image.

    Attributes:
      distances: `[B]`, Euclidean.
      percentiles: `[B]`, among the distances of clean held-out images.
      classes: `[B]`, the class of the training image that is nearest.
    """

    distances: npt.NDArray[np.float64]
    percentiles: npt.NDArray[np.float64]
    classes: npt.NDArray[np.integer]


class PanelResult(NamedTuple):
    """What a panel found of `B` images.

    Attributes:
      classes: `[B]`, the class that each was made for.
      log_odds: `[B]`, of that class, of the network that is judged.
      fooling: which of them fool it, and whether judges agree.
      verdicts: of every judge, the refused ones included, by name.
      apart: by `pixels` and `features`; empty where there are few training images, or none.
      survival: by the name of the change.
    """

    classes: Classes
    log_odds: npt.NDArray[np.float64]
    fooling: Fooling
    verdicts: Mapping[str, Verdict]
    apart: Mapping[str, TrainingDistances]
    survival: Mapping[str, Survival]


class _Space(NamedTuple):
    """Where distances are measured: vectors of images, of the training images, and what clean ones have."""

    vectors: Vectors
    training: npt.NDArray[np.float32]
    clean: npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Panel:
    """A panel for one network; `assemble` makes one.

    Attributes:
      target: the network that is judged.
      judges: by name.
      calibrations: of the judges, by name.
      relatives: names of the judges that are of the network's family.
      data: clean images; None where there are none.
      held_out: whether none of the networks learnt from the clean images that they are calibrated by.
      features_of: name of the judge in whose features distances are measured; "" where there is none.
      controls: what it found of images whose answer is known: `clean`, `uniform_noise`, `gaussian_noise`.
    """

    target: Target
    judges: Mapping[str, Target]
    calibrations: Mapping[str, Calibration]
    relatives: frozenset[str]
    data: Dataset | None
    held_out: bool
    features_of: str
    _spaces: Mapping[str, _Space]
    controls: dict[str, PanelResult] = dataclasses.field(default_factory=dict)

    def judge(
        self, images: Images, classes: Classes, seed: int = 0, log_odds: npt.NDArray[Any] | None = None
    ) -> PanelResult:
        """What the panel finds of images.

        Args:
          images: `[B, H, W, K]`, as the network takes them.
          classes: `[B]`, the class that each was made for.
          seed: of the random signs of the change by one grey level.
          log_odds: `[B]`, of that class, where they are known; else the network is asked.
        """
        classes = np.asarray(classes)
        if log_odds is None:
            log_odds = verdict(score(self.target, images), classes).own
        verdicts = {name: verdict(_asked(judge, images), classes) for name, judge in self.judges.items()}
        heard = {name: one for name, one in verdicts.items() if not self.calibrations[name].fault}
        thresholds = {name: one.threshold for name, one in self.calibrations.items()}
        apart = {}
        for name, space in self._spaces.items():
            assert self.data is not None
            found = nearest(space.vectors(images), space.training)
            labels = self.data.train_labels[found.indices]
            apart[name] = TrainingDistances(
                found.distances, percentiles(found.distances, space.clean), labels
            )
        return PanelResult(
            classes,
            np.asarray(log_odds, np.float64),
            fooling(log_odds, classes, heard, thresholds, self.relatives),
            verdicts,
            apart,
            survive(partial(score, self.target), images, classes, np.random.default_rng(seed)),
        )


def assemble(
    target: Target,
    judges: Mapping[str, Target],
    data: Dataset | None,
    *,
    seed: int = 0,
    spaces: Collection[str] = SPACES,
    least_a_class: int = LEAST_A_CLASS,
) -> Panel:
    """Puts a panel together, calibrates its judges, and shows it images whose answer is known.

    Args:
      target: the network that is judged; it says the shape of its images.
      judges: networks for the same classes that had no part in making the images, by name; one or more.
      data: clean images of the same classes: the training ones are those that distances are measured to, the
        test ones calibrate. None where there are none: then a judge agrees when it names the class.
      seed: of the noise, and of the small changes of the controls.
      spaces: where distances are measured, out of `SPACES`. Vectors of large images fill the memory.
      least_a_class: training images for each class, without which no distances are measured.
    Raises:
      InputError: there is no judge, one knows other classes, or every judge is refused.
    """
    if not judges:
        raise InputError("judges: expected at least one, got none")
    check_judges(target, judges)
    draws, shape = np.random.default_rng(seed), (CONTROLS, *checked_shape(target.image_shape))
    noise = {name: noise_images(name, draws, shape) for name in NOISE}
    both = np.concatenate(list(noise.values()))
    of_noise = {name: _asked(judge, both) for name, judge in judges.items()}
    first, rest = np.zeros(0, int), np.zeros(0, int)
    if data is not None:
        first, rest = _split(len(data.test_labels))
    clean = (
        None if data is None else {name: _asked(one, data.test_images[rest]) for name, one in judges.items()}
    )
    labels = None if data is None else data.test_labels[rest]
    calibrations = check_panel(of_noise, clean, labels)
    heard = [name for name, one in calibrations.items() if not one.fault]
    enough = data is not None and len(data.train_labels) >= least_a_class * data.num_classes
    in_features = enough and "features" in spaces
    seen_by = next((name for name in heard if in_features and features_of(judges[name])), "")
    panel = Panel(
        target=target,
        judges=dict(judges),
        calibrations=calibrations,
        relatives=frozenset(name for name, judge in judges.items() if family(judge) == family(target)),
        data=data,
        held_out=data is not None and all(_is_new(one, data) for one in (target, *judges.values())),
        features_of=seen_by,
        _spaces=_spaces(data, rest, spaces, judges.get(seen_by)) if data and enough else {},
    )
    if data is not None:
        panel.controls["clean"] = panel.judge(data.test_images[first], data.test_labels[first], seed)
    for name, images in noise.items():
        # Each counts as made for the class that the network names: the one that it is fooled for, if any.
        odds = score(target, images)
        panel.controls[name] = panel.judge(images, np.argmax(odds, axis=1), seed, odds.max(axis=1))
    return panel


def check_judges(target: Target, judges: Mapping[str, Target]) -> None:
    """Makes sure that judges are other networks than the one that is judged, and know as many classes.

    Raises:
      InputError: one is the same, whatever its name, or knows more or fewer.
    """
    for name, judge in judges.items():
        if judge is target or _same_params(judge, target):
            raise InputError(
                f"judges: expected other networks than {shown(target.name, 60)}, for which the images are "
                f"made, got the same one as {shown(name, 60)}"
            )
        if len(judge.class_names) != len(target.class_names):
            raise InputError(
                f"judges: expected the {len(target.class_names):,} classes of {shown(target.name, 60)}, got "
                f"the {len(judge.class_names):,} of {shown(name, 60)}"
            )


def _same_params(one: Target, other: Target) -> bool:
    """Whether two networks have the same parameters; one that has none here, as a black box, has not."""
    return bool(jax.tree.leaves(one.params)) and digest_tree(one.params) == digest_tree(other.params)


def family(network: Target) -> str:
    """What a network and its relatives share, see `family_of_name`."""
    return family_of_name(str(network.provenance.get("network", network.name)))


def family_of_name(name: str) -> str:
    """The name of an architecture, without what counts its size or the seed of its training."""
    return re.split(r"[0-9]", name, maxsplit=1)[0].rstrip(" -_.").lower()


def _is_new(network: Target, data: Dataset) -> bool:
    """Whether a network is known to have learnt from the training images of these data and no others."""
    return network.provenance.get("dataset") == data.digest


def _asked(judge: Target, images: Images) -> npt.NDArray[np.float32]:
    return score(judge, images if judge.image_shape is None else fitted(images, judge))


def _split(count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Places of the clean images that are controls and of those that calibrate, evenly spread."""
    used = np.unique(np.linspace(0, count - 1, min(count, CONTROLS + CALIBRATED_ON)).astype(np.int64))
    is_control = np.arange(len(used)) % (1 + CALIBRATED_ON // CONTROLS) == 0
    return used[is_control], used[~is_control]


def _spaces(
    data: Dataset, rest: npt.NDArray[np.int64], wanted: Collection[str], network: Target | None
) -> dict[str, _Space]:
    """Those of the spaces that are wanted; features where there is a network that has some."""
    kinds: dict[str, Vectors] = {"pixels": pixels} if "pixels" in wanted else {}
    if network is not None and (features := features_of(network)):
        kinds["features"] = lambda images: features(fitted(images, network))
    spaces = {}
    for name, vectors in kinds.items():
        training = vectors(data.train_images)
        spaces[name] = _Space(vectors, training, nearest(vectors(data.test_images[rest]), training).distances)
    return spaces
