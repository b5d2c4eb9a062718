"""Networks that a study trains itself: how they learn, on how many images, and with which seed.

    target = Training("mlp", "shifted", images=4000, steps=1000, seed=3).target(dataset, say)

The name of a training says all of it but the data, so that image sets and rows can name the network.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.subsets import mixed_subset, mixed_test_images
from fooljax.engine.types import Target
from fooljax.errors import InputError, nearest, shown
from fooljax.study import measured_sets
from fooljax.study.measured_sets import NetworkSettings, dataset_of
from fooljax.targets._trained import trained
from fooljax.targets.losses import PLAIN, Loss, NoiseAsClass, UnsureOfNoise
from fooljax.targets.networks.trainable import NETWORKS
from fooljax.targets.training import RECIPES, Recipe

TEST_IMAGES = 2000
"""Test images, at most, on which a network's accuracy and thresholds are measured."""
FEW_TEST_IMAGES = 500
"""The same for networks that were trained already, which are larger."""
REJECTED = "noise"
"""The name of the class for noise."""


class Kind(NamedTuple):
    """A way to train.

    Attributes:
      words: what it is, for people.
      loss: what is minimised.
      shift: images are moved by up to so many pixels.
      few: only images of the first half of the classes.
      rejects: the network has one class more, for noise.
    """

    words: str
    loss: Loss = PLAIN
    shift: int = 0
    few: bool = False
    rejects: bool = False


PLAIN_KIND, EXPOSED, ADVERSARIAL = "plain", "exposed", "adversarial"
KINDS = {
    PLAIN_KIND: Kind("plain"),
    "few": Kind("half of the classes", few=True),
    "shifted": Kind("shifted by up to 2 pixels", shift=2),
    "rejecting": Kind("noise as a further class", NoiseAsClass(), rejects=True),
    EXPOSED: Kind("uniform target on noise", UnsureOfNoise()),
    ADVERSARIAL: Kind("uniform target on noise made to fool", UnsureOfNoise(steps=4)),
}
"""By name. The last two are in the manner of CEDA and ACET (Hein et al. 2019)."""


@dataclass(frozen=True)
class Training:
    """One network that a study trains.

    Attributes:
      network: a name in `NETWORKS`.
      kind: a name in `KINDS`.
      images: how many training images are drawn, for each seed others.
      steps: gradient steps.
      seed: of the draw, the first weights and the order of the images.

    Raises:
      InputError: there is no such network or kind.
    """

    network: str
    kind: str
    images: int
    steps: int
    seed: int

    def __post_init__(self) -> None:
        for name, known in (("network", NETWORKS), ("kind", KINDS)):
            if (value := getattr(self, name)) not in known:
                close = nearest(value, known)
                raise InputError(f"{name}: expected one of {', '.join(known)}, got {shown(value, 60)}{close}")

    @property
    def name(self) -> str:
        """All of it in one word, which `named` reads."""
        return f"{self.network}.{self.kind}.{self.images}.{self.steps}.{self.seed}"

    @property
    def recipe(self) -> Recipe:
        """AdamW with a cosine schedule."""
        kind = KINDS[self.kind]
        name = f"{self.kind}-{self.steps}"
        return replace(RECIPES["strong"], name=name, steps=self.steps, shift=kind.shift, loss=kind.loss)

    def target(self, dataset: Dataset, say: Callable[[str], None]) -> Target:
        """Trains the network, or reads it from the cache.

        Args:
          dataset: whose training images are drawn from.
          say: takes a line before a training.
        Raises:
          InputError: there are not as many images, or see `trained`.
        """
        drawn = drawn_from(dataset, self)
        return trained(drawn, self.recipe, network=self.network, seed=self.seed, on_training=say)

    @property
    def rejects(self) -> bool:
        """Whether the network's last class is for noise; no images are made for it."""
        return KINDS[self.kind].rejects


def parse_training(name: str) -> Training | None:
    """The training of a name; None where the name is that of another network."""
    if not (found := re.fullmatch(r"([\w-]+)\.(\w+)\.([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})", name)):
        return None
    network, kind, *counts = found.groups()
    return Training(network, kind, *map(int, counts))


def training_of(name: str) -> Training:
    """The training of a name.

    Raises:
      InputError: the name is that of another network.
    """
    if (found := parse_training(name)) is None:
        raise InputError(f"network: expected the name of one that is trained here, got {shown(name, 60)}")
    return found


@functools.lru_cache(maxsize=4)
def drawn_from(dataset: Dataset, training: Training) -> Dataset:
    """The images that a network learns from, and `TEST_IMAGES` test images of its classes, at most.

    The test images are the same for all trainings on these classes, see `fooljax.data.subsets`.

    Raises:
      InputError: there are not as many training images.
    """
    kind = KINDS[training.kind]
    classes = _classes(dataset, kind)
    learnt = np.flatnonzero(dataset.train_labels < classes)
    tested = np.flatnonzero(dataset.test_labels < classes)
    tested = tested[mixed_subset(dataset.test_labels[tested], TEST_IMAGES)]
    if training.images > len(learnt):
        raise InputError(
            f"--data: expected at least {training.images:,} training images for networks of the "
            f"kind {training.kind}, got {len(learnt):,}"
        )
    drawn = np.random.default_rng([training.seed, training.images]).permutation(learnt)[: training.images]
    names = dataset.class_names[:classes]
    return from_arrays(
        dataset.train_images[drawn],
        dataset.train_labels[drawn],
        dataset.test_images[tested],
        dataset.test_labels[tested],
        class_names=(*names, REJECTED) if kind.rejects else names,
        name=f"{dataset.name}-{training.images}",
        source=dataset.source,
    )


def _classes(dataset: Dataset, kind: Kind) -> int:
    return dataset.num_classes // 2 if kind.few else dataset.num_classes


def clean_of(
    dataset: Dataset, training: Training | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The clean images that a network is measured on, `[N, H, W, K]`, and their labels, `[N]`.

    They are of all classes of the network, also where the test images are sorted by class, see
    `fooljax.data.subsets`.

    Args:
      dataset: whose test images they are; at most `TEST_IMAGES` of the network's classes.
      training: of the network; None where it was trained already: then at most `FEW_TEST_IMAGES`.
    """
    if training is not None:
        drawn = drawn_from(dataset, training)
        return drawn.test_images, drawn.test_labels
    return mixed_test_images(dataset, FEW_TEST_IMAGES)


def network(config: NetworkSettings, name: str, say: Callable[[str], None]) -> Target:
    """The network of a name, as a study asks for it: one that is trained here, or any other."""
    if training := parse_training(name):
        return training.target(dataset_of(config.data), say)
    return measured_sets.network(config, name, say)
