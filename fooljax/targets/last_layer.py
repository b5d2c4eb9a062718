"""The last layer of a network, taken off and put on: its features, and the same network with other classes.

All networks here end in a matrix product and a bias. With the identity in its place a network gives what the
layer is fed with, its features.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.objective import Objective
from fooljax.engine.types import Apply, Params, Target
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.storage.trees import digest_tree
from fooljax.targets import cifar10, imagenet
from fooljax.targets.networks.trainable import NetworkFunction, apply_of

OUTPUTS = Objective("outputs", lambda logits: logits)
"""What a network gives, as it is."""
DENSE = {"lenet": "Dense_1", "mlp": "Dense_2"}
"""The last layer of networks that can be trained here."""


class LastLayer(NamedTuple):
    """A matrix product and a bias.

    Attributes:
      kernel: `[F, C]`.
      bias: `[C]`.
    """

    kernel: jax.Array
    bias: jax.Array

    def __call__(self, features: jax.Array) -> jax.Array:
        """Logits `[B, C]` of features `[B, F]`."""
        return features @ self.kernel + self.bias[None]


class _Place(NamedTuple):
    """Where the layer is: the keys of the dict that holds it, and its names there."""

    keys: tuple[str, ...]
    kernel: str
    bias: str


def layer_of(target: Target) -> LastLayer:
    """The last layer of a network.

    Args:
      target: LeNet or an MLP; a ResNet for CIFAR-10; EfficientNet-Lite or Tiny Darknet.
    Raises:
      InputError: it is another network.
    """
    place = _place(target)
    layers = functools.reduce(lambda found, key: found[key], place.keys, target.params)
    return LastLayer(layers[place.kernel], layers[place.bias])


def with_last_layer(target: Target, layer: LastLayer, class_names: tuple[str, ...] = ()) -> Target:
    """The same network with another last layer, which may have more or fewer outputs.

    Args:
      target: as `layer_of` takes it.
      layer: of as many features.
      class_names: of its outputs.
    Returns:
      The network, whose accuracy is not known.
    Raises:
      InputError: it is another network, or the layer does not fit.
    """
    place, features = _place(target), layer_of(target).kernel.shape[0]
    shapes = [list(np.shape(part)) for part in layer]
    if shapes != [[features, *shapes[1]], shapes[1]]:
        raise InputError(f"layer: expected a kernel [{features}, C] and a bias [C], got {shapes}")
    own = {place.kernel: jnp.asarray(layer.kernel), place.bias: jnp.asarray(layer.bias)}
    params = _replaced(target.params, place.keys, own)
    return with_params(target, params, _apply(target, shapes[1][0]), class_names)


def with_params(target: Target, params: Params, apply: Apply, class_names: tuple[str, ...]) -> Target:
    """A network like another one, with parameters and classes of its own."""
    return dataclasses.replace(
        target,
        params=params,
        apply=apply,
        class_names=class_names,
        clean_accuracy=None,
        provenance={**target.provenance, "params_sha256": digest_tree(params)},
    )


def features(target: Target, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What the last layer is fed with, `[N, F]`, of images `[N, H, W, K]` uint8.

    Raises:
      InputError: the network is another one than `layer_of` takes, or takes other images.
    """
    size = layer_of(target).kernel.shape[0]
    bare = with_last_layer(target, LastLayer(jnp.eye(size), jnp.zeros(size)))
    return score(bare, images, objective=OUTPUTS)


def logits(target: Target, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The logits `[N, C]` of images `[N, H, W, K]` uint8."""
    return score(target, images, objective=OUTPUTS)


def _place(target: Target) -> _Place:
    name = target.provenance.get("network")
    if isinstance(target.apply, NetworkFunction) and target.apply.network in DENSE:
        return _Place(("params", DENSE[target.apply.network]), "kernel", "bias")
    if name == "tiny-darknet":
        return _Place(("network", "params"), "last_kernel", "last_bias")
    if name in cifar10.NAMES or str(name).startswith("efficientnet"):
        return _Place(("network", "params"), "logits_kernel", "logits_bias")
    raise InputError(
        "target: expected lenet, mlp, a ResNet for CIFAR-10, EfficientNet-Lite or Tiny Darknet, whose last "
        f"layer is known, got {target.name}"
    )


def _apply(target: Target, num_classes: int) -> Apply:
    if isinstance(target.apply, NetworkFunction):
        return apply_of(target.apply.network, num_classes)
    name = target.provenance["network"]
    if name in cifar10.NAMES:
        return cifar10.apply_of(name, num_classes)
    return imagenet.apply_of(name, imagenet.crops_of(name, target.provenance["crops"]), num_classes)


def _replaced(tree: Params, keys: tuple[str, ...], leaves: dict[str, jax.Array]) -> Params:
    """The tree with other leaves in one of its dicts."""
    if not keys:
        return {**tree, **leaves}
    return {**tree, keys[0]: _replaced(tree[keys[0]], keys[1:], leaves)}
