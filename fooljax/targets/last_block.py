"""The last block of a network, taken off and put on: what it is given, its parameters, and other ones.

The block ends with the last layer. Where it begins stands with each network in `fooljax.targets.networks`:
EfficientNet-Lite has the last inverted residual block and the head convolution, Tiny Darknet all
convolutions after the last pooling, a ResNet for CIFAR-10 the last residual block, LeNet the first dense
layer, and the MLP the last hidden layer. What comes before is worked out once for an image, so that training
pays for the block alone.
"""

import functools
from typing import cast

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.objective import Objective
from fooljax.engine.types import Apply, Params, Target
from fooljax.scoring import score
from fooljax.targets import last_layer
from fooljax.targets.crops import CroppedNetwork
from fooljax.targets.networks.trainable import NetworkFunction

FLAT = Objective("flat", lambda given: given.reshape(len(given), -1))
"""What the block is given, as one row for each image."""


def block_of(target: Target) -> Params:
    """The parameters of the last block and of the last layer, a part of the network's own.

    Args:
      target: as `fooljax.targets.last_layer.layer_of` takes it.
    Raises:
      InputError: it is another network.
    """
    whole = _module_params(target)["params"]
    # The names that the module itself asks for, when it begins at the block.
    begin = functools.partial(_network(target).module.init, from_block=True)
    names = jax.eval_shape(begin, jax.random.key(0), _given(target))["params"]
    return {"params": {name: whole[name] for name in names}}


def function_of(target: Target) -> Apply:
    """The logits `[B, C]` of the block's parameters and of what it is given, `[B, ...]`.

    Raises:
      InputError: see `block_of`.
    """
    return functools.partial(_network(target).module.apply, from_block=True)


def inputs(target: Target, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What the block is given, `[N, ...]`, of images `[N, H, W, K]` uint8, or of their centre crops.

    Raises:
      InputError: see `block_of`, or the network takes other images.
    """
    before = Target(target.params, _network(target).block_input)
    return score(before, images, objective=FLAT).reshape(len(images), *_given(target).shape[1:])


def with_block(target: Target, block: Params) -> Target:
    """The same network with other parameters in its last block and last layer.

    Args:
      target: see `block_of`.
      block: structured as `block_of` gives it.
    Returns:
      The network, whose accuracy is not known.
    Raises:
      InputError: see `block_of`.
    """
    own = {"params": {**_module_params(target)["params"], **block["params"]}}
    params = own if _is_bare(target) else {**target.params, "network": own}
    return last_layer.with_params(target, params, target.apply, target.class_names)


def _network(target: Target) -> NetworkFunction | CroppedNetwork:
    """The network's function; a network whose last layer is known has a known block, too."""
    last_layer.layer_of(target)
    return cast(NetworkFunction | CroppedNetwork, target.apply)


def _is_bare(target: Target) -> bool:
    """Whether the network's parameters are those of its module, and no mean image is beside them."""
    return isinstance(_network(target), NetworkFunction)


def _module_params(target: Target) -> Params:
    return target.params if _is_bare(target) else target.params["network"]


def _given(target: Target) -> jax.ShapeDtypeStruct:
    """Shape and dtype of what the block is given of one image."""
    image = jax.ShapeDtypeStruct((1, *target.image_shape), np.float32)  # type: ignore[misc]
    return jax.eval_shape(_network(target).block_input, target.params, image)
