"""The networks for CIFAR-10 by name, with weights from a file."""

from dataclasses import dataclass, replace
from typing import Protocol

from fooljax.data import Dataset, loading
from fooljax.data.cifar10 import CLASS_NAMES
from fooljax.engine.types import Target, checked_shape
from fooljax.settings import option
from fooljax.targets import cifar10
from fooljax.targets.choice import CLASSES_HELP, Say, TargetChoice, read_classes
from fooljax.targets.fitting import accuracy, check_data
from fooljax.targets.nearest_neighbours import nearest_neighbours


@dataclass(frozen=True)
class Cifar10Settings:
    """Where a network's weights are, what it is tested on, and which classes images are made for."""

    weights: str | None = option(
        None,
        "A file with the network's weights, in PyTorch's, NumPy's or the safetensors form. None comes with "
        f"fooljax; {cifar10.SOURCE} has one for each of the networks.",
        kind=str,
    )
    data: str | None = option(
        None,
        "CIFAR-10, as cifar10:DIR (its binary files), npz:DIR or tfds:cifar10. Its test images measure how "
        "many the network names correctly. With off, this is not measured.",
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
    def data(self) -> str | None: ...
    @property
    def classes(self) -> str: ...


def choose(network: str, settings: _Settings) -> TargetChoice:
    """The network that the settings describe. Its weights are read at once, before a run makes a folder.

    Args:
      network: a name in `fooljax.targets.cifar10.NAMES`.
      settings: see `Cifar10Settings`.
    Raises:
      InputError: the weights, the data or the classes are not what was expected.
      FaultError: see `fooljax.data.load`.
    """
    cells = read_classes(settings.classes, len(CLASS_NAMES))
    target = cifar10.load(network, weights=settings.weights)
    weights = target.provenance["weights"]
    data = None if settings.data is None else loading.load(settings.data)
    if data is not None:
        check_data(target, data)

    def load(say: Say) -> Target:
        if data is None:
            say(f"target: {target.name}, weights {weights}")
            return target
        clean = accuracy(target, data.test_images, data.test_labels)
        count = len(data.test_labels)
        say(f"target: {target.name}, weights {weights}, names {clean:.2%} of {count:,} held-out images")
        return replace(target, clean_accuracy=clean)

    return TargetChoice(
        image_shape=checked_shape(target.image_shape),
        source=f"weights: {weights}",
        facts={"dataset": "cifar10", "weights": weights},
        notes=(_note(data),),
        load=load,
        cells=cells,
        clean=lambda: data,
        judges=lambda second, known: {"knn": nearest_neighbours(known)},
    )


def _note(data: Dataset | None) -> str:
    if data is None:
        return "How many photographs the network names correctly was not measured in this run."
    return f"The network was tested on {len(data.test_labels):,} photographs. {data.source}"


def choose_named(settings: NamedCifar10Settings) -> TargetChoice:
    """`choose` of the network that the settings name."""
    return choose(settings.target, settings)
