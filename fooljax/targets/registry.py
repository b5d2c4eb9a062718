"""All targets by name, for commands: each with its settings and the function that chooses it by them."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from fooljax.errors import InputError, nearest, shown
from fooljax.importing import is_import_name
from fooljax.settings import config_from
from fooljax.targets import (
    cifar10,
    cifar10_choice,
    file_choice,
    imagenet,
    imagenet_choice,
    mnist_choice,
    own_choice,
)
from fooljax.targets.choice import TargetChoice
from fooljax.targets.networks.trainable import NETWORKS

MOST_PATH = 255
"""Characters; of longer names some file systems raise where they are asked for a file."""


class KnownTarget(NamedTuple):
    """A target that has a name.

    Attributes:
      settings: the dataclass of its settings, each field made by `fooljax.settings.option`.
      choose: `choose(settings) -> TargetChoice`; it reads these settings and no others, so that a dataclass
        that has them among others will do. It raises InputError where they are not what was expected.
      line: what it is, in a few words.
    """

    settings: type[Any]
    choose: Callable[[Any], TargetChoice]
    line: str

    def settings_from(self, found: Mapping[str, Any], source: str) -> Any:
        """Its settings as a run has them.

        Args:
          found: all settings of the run, by name; those of the target that are missing have their defaults.
          source: names the run's file in errors.
        Raises:
          InputError: one of them is of the wrong type or out of range.
        """
        names = {field.name for field in fields(self.settings)}
        own = {name: value for name, value in found.items() if name in names}
        return config_from(self.settings, own, source)


_LINES = {
    "lenet": "LeNet for MNIST's digits, the paper's network; it comes with fooljax",
    "alexnet-small": "a small AlexNet for digits, trained here",
    "mlp": "dense layers alone, for digits, trained here",
    "efficientnet-lite0": "for ImageNet; the smallest and fastest",
    "efficientnet-lite1": "for ImageNet",
    "efficientnet-lite2": "for ImageNet",
    "caffenet": "for ImageNet, the paper's network; wants a file with its weights",
    "alexnet": "for ImageNet, as Caffe has it; wants a file with its weights",
    "alexnet-torchvision": "for ImageNet, as torchvision has it; wants a file with its weights",
    "squeezenet": "for ImageNet, SqueezeNet 1.0; wants a file with its weights",
    "tiny-darknet": "for ImageNet; wants a file with its weights",
    **{name: "for CIFAR-10; wants a file with its weights" for name in cifar10.NAMES},
}

TARGETS: dict[str, KnownTarget] = {
    name: KnownTarget(settings, partial(choose, name), _LINES[name])
    for names, settings, choose in (
        (NETWORKS, mnist_choice.MnistSettings, mnist_choice.choose),
        (imagenet.NAMES, imagenet_choice.ImageNetSettings, imagenet_choice.choose),
        (cifar10.NAMES, cifar10_choice.Cifar10Settings, cifar10_choice.choose),
    )
    for name in names
}
"""By name."""


def find_target(name: str) -> KnownTarget:
    """Finds a target by its name. A module of the user's is imported later, when the target is chosen.

    Args:
      name: in `TARGETS`, the path of a file whose ending is in `fooljax.targets.file_choice.FORMATS`, or
        MODULE:NAME.
    Returns:
      Its settings, and the function that chooses it by them.
    Raises:
      InputError: there is no such name; the message lists those that there are.
    """
    if name in TARGETS:
        return TARGETS[name]
    if file_choice.is_file_name(name):
        return KnownTarget(
            file_choice.FileSettings, partial(file_choice.choose, name), f"the user's own file, {name}"
        )
    if is_import_name(name):
        return KnownTarget(
            own_choice.OwnSettings, partial(own_choice.choose, name), f"the user's own, {name}"
        )
    if len(name) < MOST_PATH and Path(name).is_file():
        raise InputError(
            f"target: expected a file ending in {', '.join(file_choice.FORMATS)}, got the file {shown(name)}"
        )
    raise InputError(
        f"target: expected one of {', '.join(TARGETS)}, a file ending in {', '.join(file_choice.FORMATS)}, "
        f"or MODULE:NAME, got {shown(name)}"
        f"{nearest(name, TARGETS)}"
    )


def is_from_outside(name: str) -> bool:
    """Whether a name is of a network that does not come with fooljax: code or a file of the user's.

    A run folder may come from somebody else and name any. So what it names is used only where the user has
    named it, too.
    """
    return is_import_name(name) or file_choice.is_file_name(name)


def short_name(name: str) -> str:
    """A target's name, or an encoding's, as part of the name of a folder."""
    path = Path(name)
    return path.stem if file_choice.is_file_name(name) else name.replace(":", "-")
