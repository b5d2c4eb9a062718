"""What the ImageNet experiments fool: a network with weights from a package or a file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.runs.recipe import FoolingConfig, Subject
from fooljax.settings import option
from fooljax.targets import imagenet
from fooljax.targets.imagenet_groups import group_of


@dataclass(frozen=True)
class NetworkConfig:
    """Settings of the network and of the classes."""

    target: str = option("efficientnet-lite0", "the network; paper: CaffeNet", choices=imagenet.NAMES)
    weights: str | None = option(
        None, "a file with its weights; off: what fooljax[imagenet] brings", kind=str
    )
    mean: str | None = option(
        None, "mean image (.binaryproto, .npy) of Caffe's networks; off: means of its channels", kind=str
    )
    crops: int = option(1, "of each image in the search, 1 or 10, softmax averaged; paper: 10", least=1)
    classes: str = option("all", "all, or indices and ranges, as 0,5,151-268 or 0-999:10 (every tenth)")


@dataclass(frozen=True)
class PhotographsConfig(NetworkConfig, FoolingConfig):
    """Settings of an evolution against such a network."""

    runs: int = option(1, "independent runs, side by side; paper: 5", least=1)


def photographs(config: NetworkConfig) -> Subject:
    """The network that the settings describe; its weights are read when it is loaded.

    Raises:
      InputError: the network, its weights or the classes are not what was expected.
    """
    cells = read_classes(config.classes, imagenet.NUM_CLASSES)
    # Read at once, so that a wrong file is told before a folder is made.
    target = imagenet.load(config.target, weights=config.weights, mean=config.mean, crops=config.crops)

    def load(say: Callable[[str], None]) -> Target:
        say(f"target: {target.name}; confidence is the {target.confidence}")
        return target

    def judges(target: Target) -> Mapping[str, Target]:
        if config.crops == 10:
            return {}
        return {"ten crops": imagenet.with_crops(config.target, target, 10)}

    return Subject(
        image_shape=checked_shape(target.image_shape),
        source=f"weights: {target.provenance['weights']}",
        facts={"dataset": "imagenet", "weights": target.provenance["weights"], "crops": config.crops},
        notes=(
            f"Confidence is the {target.confidence}. The paper fooled another network, CaffeNet, and "
            "averaged ten crops: figures of the two do not compare without saying so.",
            "How many real photographs the network names correctly was not measured here, since they are "
            "not free to pass on.",
        ),
        load=load,
        cells=cells,
        group=group_of,
        judges=judges,
    )


def read_classes(text: str, num_classes: int) -> tuple[int, ...] | None:
    """Reads `--classes`: indices, ranges and ranges with a step, with commas between them; None for all.

    Raises:
      InputError: the text is not of that form, or names a class twice or one that does not exist.
    """
    if text == "all":
        return None
    cells: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::([1-9][0-9]{0,8}))?)?", part)
        if not found:
            raise InputError(
                f"classes: expected all, or indices and ranges as 0,5,151-268, got {part[:40]!r}"
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last < num_classes:
            raise InputError(f"classes: expected classes from 0 to {num_classes - 1}, rising, got {part}")
        cells += range(first, last + 1, int(found[3] or 1))
    if len(set(cells)) < len(cells):
        raise InputError(f"classes: expected each class once, got one twice in {text}")
    return tuple(cells)
