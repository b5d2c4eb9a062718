"""The networks for CIFAR-10 by name, with weights from a file."""

from dataclasses import dataclass
from typing import Protocol

from fooljax.data.cifar10 import CLASS_NAMES
from fooljax.engine.types import Target, checked_shape
from fooljax.settings import option
from fooljax.targets import cifar10
from fooljax.targets.choice import CLASSES_HELP, Say, TargetChoice, read_classes


@dataclass(frozen=True)
class Cifar10Settings:
    """Where a network's weights are, and which classes images are made for."""

    weights: str | None = option(
        None,
        "A file with the network's weights, in PyTorch's, NumPy's or the safetensors form. None comes with "
        "fooljax.",
        kind=str,
    )
    classes: str = option("all", CLASSES_HELP)


@dataclass(frozen=True)
class NamedCifar10Settings(Cifar10Settings):
    """The same, and which network it is."""

    target: str = option(cifar10.NAMES[0], "The network that is fooled.", choices=cifar10.NAMES)


class _Settings(Protocol):
    """What `choose` reads: `Cifar10Settings`, or settings that have those among others."""

    @property
    def weights(self) -> str | None: ...
    @property
    def classes(self) -> str: ...


def choose(network: str, settings: _Settings) -> TargetChoice:
    """The network that the settings describe. Its weights are read at once, before a run makes a folder.

    Args:
      network: a name in `fooljax.targets.cifar10.NAMES`.
      settings: see `Cifar10Settings`.
    Raises:
      InputError: the weights or the classes are not what was expected.
    """
    cells = read_classes(settings.classes, len(CLASS_NAMES))
    target = cifar10.load(network, weights=settings.weights)
    weights = target.provenance["weights"]

    def load(say: Say) -> Target:
        say(f"target: {target.name}, weights {weights}")
        return target

    return TargetChoice(
        image_shape=checked_shape(target.image_shape),
        source=f"weights: {weights}",
        facts={"dataset": "cifar10", "weights": weights},
        notes=("How many photographs the network names correctly was not measured in this run.",),
        load=load,
        cells=cells,
    )


def choose_named(settings: NamedCifar10Settings) -> TargetChoice:
    """`choose` of the network that the settings name."""
    return choose(settings.target, settings)
