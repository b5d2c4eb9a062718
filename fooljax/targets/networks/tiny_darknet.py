"""Tiny Darknet in Flax, for inference: batch norm is folded into the convolutions.

Source: Redmon, the network of this name for ImageNet in Darknet, 2016; weights as Keras stores them. Batch
norm's epsilon is 1e-3 there.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params
from fooljax.errors import InputError
from fooljax.targets.networks.batch_norm import check_variance, fold
from fooljax.targets.networks.kernels import convolve, pointwise
from fooljax.targets.weights import NamedTensors

INPUT_SIZE = 224
EPSILON = 1e-3
SLOPE = 0.1
"""Of the leaky ReLU, below zero."""
ORDER = "output_to_sorted_synset"
"""The tensor that says which class, in the order of the synsets, each output of the file stands for."""


class Conv(NamedTuple):
    """A convolution of an odd side that keeps the size of the image; 2x2 pooling follows, or nothing."""

    features: int
    kernel: int
    pooled: bool = False


CONVS = (
    Conv(16, 3, True),
    Conv(32, 3, True),
    Conv(16, 1),
    Conv(128, 3),
    Conv(16, 1),
    Conv(128, 3, True),
    Conv(32, 1),
    Conv(256, 3),
    Conv(32, 1),
    Conv(256, 3, True),
    Conv(64, 1),
    Conv(512, 3),
    Conv(64, 1),
    Conv(512, 3),
    Conv(128, 1),
)
"""All but the last, which is 1x1 to the classes and has neither batch norm nor an activation."""
BEFORE_BLOCK = max(index for index, conv in enumerate(CONVS, start=1) if conv.pooled)
"""The convolution before the last block, counted from 1: the last one that is pooled."""


class TinyDarknet(nn.Module):
    """Logits `[B, num_classes]` of images `[B, S, S, 3]`, RGB in [0, 1].

    The last block is all that follows the last pooling but the layer to the classes: convolutions 11 to 15.

    Attributes:
      num_classes: channels of the last convolution.
    """

    num_classes: int = 1000

    @nn.compact
    def __call__(self, images: jax.Array, *, from_block: bool = False) -> jax.Array:
        """Logits `[B, num_classes]` of images, or of what the last block is given, `[B, S/16, S/16, 256]`."""

        def convolved(x: jax.Array, name: str, features: int, side: int) -> jax.Array:
            scale = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
            shape = (side, side, x.shape[-1], features)[2 if side == 1 else 0 :]
            kernel = self.param(f"{name}_kernel", scale, shape)
            bias = self.param(f"{name}_bias", nn.initializers.zeros_init(), (features,))
            maps = pointwise(x, kernel) if side == 1 else convolve(x, kernel, 1, side // 2)
            return maps + bias[None, None, None]

        x = images
        for index, conv in enumerate(CONVS, start=1):
            if from_block and index <= BEFORE_BLOCK:
                continue
            if index == BEFORE_BLOCK + 1:
                self.sow("intermediates", "block_input", x)
            x = nn.leaky_relu(convolved(x, f"conv{index}", conv.features, conv.kernel), SLOPE)
            x = _halved(x) if conv.pooled else x
        self.sow("intermediates", "features", jnp.mean(x, axis=(1, 2)))
        return jnp.mean(convolved(x, "last", self.num_classes, 1), axis=(1, 2))


def _halved(images: jax.Array) -> jax.Array:
    """Max-pooling 2x2 at stride 2, of sides that are even."""
    batch, height, width, channels = images.shape
    return images.reshape(batch, height // 2, 2, width // 2, 2, channels).max((2, 4))


def params_from(tensors: NamedTensors, num_classes: int = 1000) -> Params:
    """Parameters of `TinyDarknet` from tensors `[kh, kw, I, O]`, named as by Keras, and `ORDER`.

    The outputs are put into the order of the synsets.

    Raises:
      InputError: the tensors do not fit, or `ORDER` does not name each class once.
    """
    params: dict[str, npt.NDArray[np.float32]] = {}
    channels = 3
    for index, conv in enumerate(CONVS, start=1):
        kernel = tensors.take(f"conv2d_{index}/kernel", (conv.kernel, conv.kernel, channels, conv.features))
        norm = f"batch_normalization_{index}"
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        scale, shift, mean, variance = (tensors.take(f"{norm}/{part}", (conv.features,)) for part in parts)
        check_variance(variance, tensors.source, f"{norm}/moving_variance")
        kernel, bias = fold(kernel, scale, shift, mean, variance, EPSILON)
        params[f"conv{index}_kernel"] = kernel[0, 0] if conv.kernel == 1 else kernel
        params[f"conv{index}_bias"] = bias
        channels = conv.features
    name = f"conv2d_{len(CONVS) + 1}"
    kernel = tensors.take(f"{name}/kernel", (1, 1, channels, num_classes))
    bias, order = (tensors.take(which, (num_classes,)) for which in (f"{name}/bias", ORDER))
    tensors.finish()
    if not np.array_equal(np.sort(order), np.arange(num_classes)):
        raise InputError(f"{tensors.source}: expected {ORDER} to name each of {num_classes} classes once")
    outputs = np.argsort(order)
    params["last_kernel"] = np.ascontiguousarray(kernel[0, 0][:, outputs])
    params["last_bias"] = bias[outputs]
    return {"params": params}
