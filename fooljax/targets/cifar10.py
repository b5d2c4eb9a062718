"""Networks that name the 10 classes of CIFAR-10, by name; their weights are a file of the user's."""

import functools
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from fooljax.data.cifar10 import CLASS_NAMES
from fooljax.engine.types import Apply, Target
from fooljax.errors import InputError, shown
from fooljax.storage.trees import digest_tree
from fooljax.targets.crops import CroppedNetwork, Crops
from fooljax.targets.imagenet_networks import TORCHVISION_MEAN, TORCHVISION_SCALE
from fooljax.targets.networks import cifar_resnet
from fooljax.targets.weights import NamedTensors, read_weights

NAMES = tuple(cifar_resnet.VARIANTS)
SOURCE = "https://github.com/akamaster/pytorch_resnet_cifar10"
"""Where users get the networks' weights."""
HOW = Crops(cifar_resnet.INPUT_SIZE, cifar_resnet.INPUT_SIZE, scale=TORCHVISION_SCALE, tile=16)
"""The networks learnt from images that were prepared with ImageNet's means and deviations."""


def load(name: str, *, weights: Path | str | None) -> Target:
    """A network for CIFAR-10 that takes images `[B, 32, 32, 3]`, RGB in [0, 1].

    Args:
      name: in `NAMES`.
      weights: a file, such as those of `SOURCE`.
    Returns:
      The target. Its accuracy was not measured.
    Raises:
      InputError: there is no such network, no file, or one that does not fit.
    """
    if name not in NAMES:
        raise InputError(f"target: expected one of {', '.join(NAMES)}, got {shown(name, 60)}")
    if weights is None:
        raise InputError(
            f"weights: expected a file with the weights of {name}, since none come with fooljax, got none; "
            f"{SOURCE} has one"
        )
    path = Path(weights)
    tensors = NamedTensors(read_weights(path), str(path))
    network = cifar_resnet.params_from(tensors, name)
    params = {"network": network, "mean": np.asarray(TORCHVISION_MEAN, np.float32)}
    return Target(
        jax.device_put(params),
        apply_of(name),
        name=name,
        image_shape=(HOW.size, HOW.size, 3),
        class_names=CLASS_NAMES,
        provenance={
            "network": name,
            "weights": path.name,
            "params_sha256": digest_tree(params),
            "jax": version("jax"),
            "flax": version("flax"),
        },
    )


@functools.cache
def apply_of(name: str, num_classes: int = len(CLASS_NAMES)) -> Apply:
    """The `apply(params, images)` of a network; the same function each time, so that targets share programs.

    Args:
      name: in `NAMES`.
      num_classes: of its logits.
    """
    return CroppedNetwork(cifar_resnet.CifarResNet(name, num_classes), HOW)
