"""The networks for ImageNet by name: their layers, the form of their weights, and what they want to see."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn

from fooljax.engine.types import Params
from fooljax.targets.crops import Crops
from fooljax.targets.networks import alexnet, efficientnet, squeezenet, tiny_darknet
from fooljax.targets.weights import NamedTensors

MARGIN = 32
"""Pixels that EfficientNet's authors cut off: a network of input S sees the centre of S + 32."""
CROPPED_SIZE = 256
"""Side of the image that all other networks see a crop of, as Caffe's and torchvision's do."""
CAFFE_MEAN = (104.007, 116.669, 122.679)
"""Blue, green, red: means of the mean image of ILSVRC 2012. Source: the authors' code."""
SQUEEZENET_MEAN = (104.0, 117.0, 123.0)
"""Blue, green, red. Source: the authors' description of the training."""
TORCHVISION_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
TORCHVISION_SCALE = (1 / (0.229 * 255), 1 / (0.224 * 255), 1 / (0.225 * 255))


class ImageNetNetwork(NamedTuple):
    """A network for ImageNet, without its weights.

    Attributes:
      module: makes the Flax module for a number of classes, `num_classes`.
      params_from: its parameters from the tensors of a file; raises InputError where they do not fit.
      how: what an image goes through, with one crop.
      mean: of each channel, in levels and in the network's order; it is subtracted.
      takes_mean_image: whether a mean image may stand in the place of `mean`.
    """

    module: Callable[..., nn.Module]
    params_from: Callable[[NamedTensors], Params]
    how: Crops
    mean: tuple[float, float, float]
    takes_mean_image: bool = False


def _efficientnet(name: str) -> ImageNetNetwork:
    side = efficientnet.VARIANTS[name].input_size
    return ImageNetNetwork(
        partial(efficientnet.EfficientNetLite, name),
        partial(efficientnet.params_from, variant=name),
        Crops(side + MARGIN, side, scale=(1 / 128, 1 / 128, 1 / 128), tile=2),
        (127.0, 127.0, 127.0),
    )


def _alexnet(name: str) -> ImageNetNetwork:
    side, of_caffe = alexnet.VARIANTS[name].input_size, name != "alexnet-torchvision"
    how = Crops(CROPPED_SIZE, side, scale=TORCHVISION_SCALE, tile=32)
    of_family = partial(alexnet.AlexNet, name), partial(alexnet.params_from, variant=name)
    if of_caffe:
        how = Crops(CROPPED_SIZE, side, order="bgr", tile=32)
        return ImageNetNetwork(*of_family, how, CAFFE_MEAN, takes_mean_image=True)
    return ImageNetNetwork(*of_family, how, TORCHVISION_MEAN)


IMAGENET_NETWORKS: dict[str, ImageNetNetwork] = {
    **{name: _efficientnet(name) for name in efficientnet.VARIANTS},
    **{name: _alexnet(name) for name in ("caffenet", "alexnet", "alexnet-torchvision")},
    "squeezenet": ImageNetNetwork(
        squeezenet.SqueezeNet,
        squeezenet.params_from,
        Crops(CROPPED_SIZE, squeezenet.INPUT_SIZE, order="bgr", tile=2),
        SQUEEZENET_MEAN,
    ),
    "tiny-darknet": ImageNetNetwork(
        tiny_darknet.TinyDarknet,
        tiny_darknet.params_from,
        Crops(CROPPED_SIZE, tiny_darknet.INPUT_SIZE, scale=(1 / 255, 1 / 255, 1 / 255), tile=2),
        (0.0, 0.0, 0.0),
    ),
}
"""By name."""
