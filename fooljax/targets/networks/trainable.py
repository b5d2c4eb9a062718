"""The networks that can be trained here, by name."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from fooljax.engine.types import Apply, Params
from fooljax.targets.networks.alexnet import AlexNet
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.mlp import MLP

NETWORKS: dict[str, tuple[str, Callable[[int], nn.Module]]] = {
    "lenet": ("LeNet", LeNet),
    "alexnet-small": ("AlexNet, small", functools.partial(AlexNet, "alexnet-small")),
    "mlp": ("MLP", MLP),
}
"""By name: the title that people read, and the Flax module for a number of classes."""


@functools.cache
def apply_of(network: str, num_classes: int) -> Apply:
    """The `apply(params, images)` of a network; the same function each time, so that targets share programs.

    Args:
      network: a name in `NETWORKS`.
      num_classes: of its logits.
    """
    module = NETWORKS[network][1](num_classes)

    def apply(params: Params, images: jax.Array) -> jax.Array:
        logits: jax.Array = module.apply(params, images)  # type: ignore[assignment]
        return logits

    return apply


def blank_params(network: str, num_classes: int, image_shape: tuple[int, int, int]) -> Params:
    """The shapes and dtypes of a network's parameters, to read saved ones by.

    Args:
      network: a name in `NETWORKS`.
      num_classes: of its logits.
      image_shape: `(H, W, K)`.
    """
    module = NETWORKS[network][1](num_classes)
    return jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, *image_shape))))
