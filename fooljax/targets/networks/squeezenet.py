"""SqueezeNet 1.0 in Flax, for inference.

Source: Iandola et al. 2016 ("SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB
model size"), and the authors' description of it for Caffe, whose pooling rounds the output's size up. There
the last convolution is padded, although its kernel is 1x1, and ReLU follows it before the mean.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params
from fooljax.targets.networks.kernels import convolve, max_pool, pointwise
from fooljax.targets.weights import NamedTensors

INPUT_SIZE = 227
STEM = 96
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""Channels of fire modules 2 to 9: after the squeeze, and of each half of the expansion."""
_POOLED = (4, 8)
"""Fire modules that pooling follows; it follows the first convolution too."""

_NAMES = (
    ("{}.w", "{}.b", "s", "e1", "e3", "final"),
    ("{}.weight", "{}.bias", "squeeze1x1", "expand1x1", "expand3x3", "conv10"),
    ("{}.weight", "{}.bias", "conv1x1_1", "conv1x1_2", "conv3x3_2", "conv_final"),
)
"""How a file names weights, biases, the three convolutions of a fire module, and the last convolution.

They are those of arrays that were decoded from SqueezeNet with Deep Compression, of the authors' .caffemodel,
and of the .caffemodel that the code of Deep Compression writes.
"""


class SqueezeNet(nn.Module):
    """Logits `[B, num_classes]` of images `[B, 227, 227, 3]`, blue first, levels less the mean of training.

    Attributes:
      num_classes: channels of the last convolution.
    """

    num_classes: int = 1000

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Logits `[B, num_classes]`."""

        def weights(name: str, *shape: int) -> tuple[jax.Array, jax.Array]:
            scale = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
            kernel = self.param(f"{name}_kernel", scale, shape)
            bias = self.param(f"{name}_bias", nn.initializers.zeros_init(), shape[-1:])
            return kernel, bias[None, None, None]

        kernel, bias = weights("conv1", 7, 7, images.shape[-1], STEM)
        x = max_pool(nn.relu(convolve(images, kernel, 2, 0) + bias), True)
        for index, (squeezed, expanded) in enumerate(FIRES, start=2):
            kernel, bias = weights(f"fire{index}_squeeze", x.shape[-1], squeezed)
            x = nn.relu(pointwise(x, kernel) + bias)
            kernel, bias = weights(f"fire{index}_expand1", squeezed, expanded)
            narrow = pointwise(x, kernel) + bias
            kernel, bias = weights(f"fire{index}_expand3", 3, 3, squeezed, expanded)
            x = nn.relu(jnp.concatenate([narrow, convolve(x, kernel, 1, 1) + bias], axis=-1))
            x = max_pool(x, True) if index in _POOLED else x
        self.sow("intermediates", "features", jnp.mean(x, axis=(1, 2)))
        kernel, bias = weights("last", x.shape[-1], self.num_classes)
        sums = jnp.sum(nn.relu(pointwise(x, kernel) + bias), axis=(1, 2))
        # The padded rows and columns hold the bias alone.
        height, width = x.shape[1:3]
        whole = (height + 2) * (width + 2)
        return (sums + (whole - height * width) * nn.relu(bias[0, 0])) / whole


def params_from(tensors: NamedTensors, num_classes: int = 1000) -> Params:
    """Parameters of `SqueezeNet` from tensors `[O, I, kh, kw]`, named in one of the ways of `_NAMES`.

    Raises:
      InputError: the tensors do not fit.
    """
    weight, bias, squeeze, narrow, wide, last = next(
        (names for names in _NAMES if names[0].format(names[-1]) in tensors.tensors), _NAMES[0]
    )
    params: dict[str, npt.NDArray[np.float32]] = {}

    def take(name: str, source: str, *shape: int) -> None:
        kernel = tensors.take(weight.format(source), shape).transpose(2, 3, 1, 0)
        params[f"{name}_kernel"] = np.ascontiguousarray(kernel[0, 0] if shape[2:] == (1, 1) else kernel)
        params[f"{name}_bias"] = tensors.take(bias.format(source), shape[:1])

    take("conv1", "conv1", STEM, 3, 7, 7)
    channels = STEM
    for index, (squeezed, expanded) in enumerate(FIRES, start=2):
        take(f"fire{index}_squeeze", f"fire{index}/{squeeze}", squeezed, channels, 1, 1)
        take(f"fire{index}_expand1", f"fire{index}/{narrow}", expanded, squeezed, 1, 1)
        take(f"fire{index}_expand3", f"fire{index}/{wide}", expanded, squeezed, 3, 3)
        channels = 2 * expanded
    take("last", last, num_classes, channels, 1, 1)
    tensors.finish()
    return {"params": params}
