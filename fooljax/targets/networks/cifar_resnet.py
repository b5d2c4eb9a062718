"""ResNets for CIFAR-10 in Flax, for inference: batch norm is folded into the convolutions.

Source: He et al. 2016 ("Deep residual learning for image recognition", section 4.2), with the shortcut of
option A: every second pixel, and channels of zeros on both sides. Batch norm's epsilon is PyTorch's, 1e-5.
"""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params
from fooljax.targets.networks.batch_norm import folded_of_pytorch
from fooljax.targets.networks.kernels import convolve
from fooljax.targets.weights import NamedTensors

INPUT_SIZE = 32
EPSILON = 1e-5
WIDTHS = (16, 32, 64)
"""Channels of the three stages; each but the first halves the image."""
VARIANTS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9}
"""Blocks of each stage."""


class CifarResNet(nn.Module):
    """Logits `[B, num_classes]` of images `[B, 32, 32, 3]`, RGB, less the mean and divided by the deviation.

    The last block is the last residual block, of two convolutions.

    Attributes:
      variant: a name in `VARIANTS`.
      num_classes: of the last layer.
    """

    variant: str
    num_classes: int = 10

    @nn.compact
    def __call__(self, images: jax.Array, *, from_block: bool = False) -> jax.Array:
        """Logits `[B, num_classes]` of images, or of what the last block is given, `[B, 8, 8, 64]`."""
        scale = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
        zeros = nn.initializers.zeros_init()

        def convolved(x: jax.Array, name: str, width: int, stride: int) -> jax.Array:
            kernel = self.param(f"{name}_kernel", scale, (3, 3, x.shape[-1], width))
            bias = self.param(f"{name}_bias", zeros, (width,))
            return convolve(x, kernel, stride, 1) + bias[None, None, None]

        x = images if from_block else nn.relu(convolved(images, "conv1", WIDTHS[0], 1))
        every = list(itertools.product(range(len(WIDTHS)), range(VARIANTS[self.variant])))
        for stage, block in every[-1:] if from_block else every:
            if (stage, block) == every[-1]:
                self.sow("intermediates", "block_input", x)
            stride, width = 2 if stage and not block else 1, WIDTHS[stage]
            name = f"stage{stage}_block{block}"
            y = nn.relu(convolved(x, f"{name}_first", width, stride))
            y = convolved(y, f"{name}_second", width, 1)
            x = nn.relu(y + (x if stride == 1 else _shortcut(x, width)))
        kernel = self.param("logits_kernel", scale, (WIDTHS[-1], self.num_classes))
        bias = self.param("logits_bias", zeros, (self.num_classes,))
        x = jnp.mean(x, axis=(1, 2))
        self.sow("intermediates", "features", x)
        return x @ kernel + bias[None]


def _shortcut(images: jax.Array, width: int) -> jax.Array:
    each = (width - images.shape[-1]) // 2
    return jnp.pad(images[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (each, each)))


def params_from(tensors: NamedTensors, variant: str, num_classes: int = 10) -> Params:
    """Parameters of `CifarResNet` from tensors named as in the PyTorch networks of akamaster.

    Raises:
      InputError: the tensors do not fit.
    """
    params: dict[str, npt.NDArray[np.float32]] = {}

    def folded(name: str, source: str, norm: str, channels: int, width: int) -> None:
        """A convolution `[O, I, 3, 3]` and the batch norm after it, as kernel and bias."""
        kernel, bias = folded_of_pytorch(tensors, source, norm, (width, channels, 3, 3), EPSILON)
        params[f"{name}_kernel"], params[f"{name}_bias"] = kernel, bias

    folded("conv1", "conv1", "bn1", 3, WIDTHS[0])
    channels = WIDTHS[0]
    for stage, width in enumerate(WIDTHS):
        for block in range(VARIANTS[variant]):
            source, name = f"layer{stage + 1}.{block}", f"stage{stage}_block{block}"
            folded(f"{name}_first", f"{source}.conv1", f"{source}.bn1", channels, width)
            folded(f"{name}_second", f"{source}.conv2", f"{source}.bn2", width, width)
            channels = width
    params["logits_kernel"] = tensors.take("linear.weight", (num_classes, channels)).T.copy()
    params["logits_bias"] = tensors.take("linear.bias", (num_classes,))
    tensors.finish(ignored=(".num_batches_tracked",))
    return {"params": params}
