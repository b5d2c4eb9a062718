"""The networks that can be trained here, by name."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp

from fooljax.engine.types import Params
from fooljax.targets.networks.alexnet import AlexNet
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.mlp import MLP

NETWORKS: dict[str, tuple[str, Callable[[int], nn.Module]]] = {
    "lenet": ("LeNet", LeNet),
    "alexnet-small": ("AlexNet, small", functools.partial(AlexNet, "alexnet-small")),
    "mlp": ("MLP", MLP),
}
"""By name: the title that people read, and the Flax module for a number of classes."""


@dataclass(frozen=True)
class NetworkFunction:
    """The `apply(params, images)` of a network; equal for equal networks, so that targets share programs.

    Attributes:
      network: a name in `NETWORKS`.
      num_classes: of its logits.
    """

    network: str
    num_classes: int

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, num_classes]` of images `[B, H, W, K]` in [0, 1]."""
        logits: jax.Array = self.module.apply(params, images)  # type: ignore[assignment]
        return logits

    def look(self, params: Params, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What the last layer is given, `[B, F]`, and the logits."""
        return features_and_logits(self.module, params, images)

    def block_input(self, params: Params, images: jax.Array) -> jax.Array:
        """What the last block is given, `[B, ...]`, see `fooljax.targets.last_block`."""
        return block_input(self.module, params, images)

    @property
    def module(self) -> nn.Module:
        """The Flax module."""
        return NETWORKS[self.network][1](self.num_classes)


def features_and_logits(module: nn.Module, params: Params, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What a module gives beside its logits, in one pass.

    Args:
      module: one that sows `features`, `[B, F]`: what its last layer is given, or its mean over the places of
        an image where that layer is a convolution.
      params: of the module.
      images: `[B, H, W, K]`, as the module wants them.
    """
    logits, kept = module.apply(params, images, mutable=["intermediates"])
    return kept["intermediates"]["features"][0], logits


def block_input(module: nn.Module, params: Params, images: jax.Array) -> jax.Array:
    """What the last block of a module is given, `[B, ...]`.

    Args:
      module: one that sows `block_input`.
      params: of the module.
      images: `[B, H, W, K]`, as the module wants them.
    """
    _, kept = module.apply(params, images, mutable=["intermediates"])
    given: jax.Array = kept["intermediates"]["block_input"][0]
    return given


@functools.cache
def apply_of(network: str, num_classes: int) -> NetworkFunction:
    """The `apply(params, images)` of a network; the same value each time.

    Args:
      network: a name in `NETWORKS`.
      num_classes: of its logits.
    """
    return NetworkFunction(network, num_classes)


def blank_params(network: str, num_classes: int, image_shape: tuple[int, int, int]) -> Params:
    """The shapes and dtypes of a network's parameters, to read saved ones by.

    Args:
      network: a name in `NETWORKS`.
      num_classes: of its logits.
      image_shape: `(H, W, K)`.
    """
    module = NETWORKS[network][1](num_classes)
    return jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, *image_shape))))
