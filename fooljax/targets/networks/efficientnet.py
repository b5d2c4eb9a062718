"""EfficientNet-Lite0, 1 and 2 in Flax, for inference: batch norm is folded into the convolutions.

Source: Tan and Le 2019 ("EfficientNet: rethinking model scaling for convolutional neural networks"), and its
Lite form for mobile devices, by the same authors' code: no squeeze-and-excitation, ReLU6, and a stem, head,
first and last stage that do not scale. Padding is TensorFlow's SAME; batch norm's epsilon is 1e-3.
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params
from fooljax.targets.networks.batch_norm import folded_of_pytorch
from fooljax.targets.networks.kernels import convolve_few, depthwise, pointwise
from fooljax.targets.weights import NamedTensors

EPSILON = 1e-3
STEM, HEAD = 32, 1280


class Variant(NamedTuple):
    """How a network is scaled: multipliers of channels and of blocks, and the side of its input."""

    width: float
    depth: float
    input_size: int


VARIANTS = {
    "efficientnet-lite0": Variant(1.0, 1.0, 224),
    "efficientnet-lite1": Variant(1.0, 1.1, 240),
    "efficientnet-lite2": Variant(1.1, 1.2, 260),
}


class _Block(NamedTuple):
    """An inverted residual block."""

    channels: int
    features: int
    expansion: int
    stride: int
    kernel: int


# Expansion, features, blocks, stride and kernel of each stage of EfficientNet-B0.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def blocks(variant: Variant) -> list[_Block]:
    """The blocks of a network, in order."""
    found, channels = [], STEM
    for stage, (expansion, base, repeats, stride, kernel) in enumerate(_STAGES):
        features = _to_eights(base * variant.width)
        scales = 0 < stage < len(_STAGES) - 1
        for index in range(math.ceil(repeats * variant.depth) if scales else repeats):
            found.append(_Block(channels, features, expansion, stride if index == 0 else 1, kernel))
            channels = features
    return found


def _to_eights(channels: float) -> int:
    """To the nearest multiple of eight, but never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class EfficientNetLite(nn.Module):
    """Logits `[B, num_classes]` of images `[B, S, S, 3]`, RGB, (level - 127) / 128 with levels in [0, 255].

    The last block is the last inverted residual block, the only one of its stage, and the head: the
    convolution to 1,280 features and their mean.

    Attributes:
      variant: a name in `VARIANTS`.
      num_classes: of the last layer.
    """

    variant: str
    num_classes: int = 1000

    @nn.compact
    def __call__(self, images: jax.Array, *, from_block: bool = False) -> jax.Array:
        """Logits `[B, num_classes]` of images, or of what the last block is given, `[B, h, w, F]`."""

        def weights(name: str, *shape: int) -> tuple[jax.Array, jax.Array]:
            scale = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
            kernel = self.param(f"{name}_kernel", scale, shape)
            return kernel, self.param(f"{name}_bias", nn.initializers.zeros_init(), shape[-1:])

        x = images
        if not from_block:
            kernel, bias = weights("stem", 3, 3, 3, STEM)
            x = _relu6(convolve_few(x, kernel, 2) + bias[None, None, None])
        every = blocks(VARIANTS[self.variant])
        last = len(every) - 1
        for index, block in enumerate(every):
            if from_block and index < last:
                continue
            if index == last:
                self.sow("intermediates", "block_input", x)
            y, inner = x, block.channels * block.expansion
            if block.expansion > 1:
                kernel, bias = weights(f"block{index}_expand", block.channels, inner)
                y = _relu6(pointwise(y, kernel) + bias[None, None, None])
            kernel, bias = weights(f"block{index}_depthwise", block.kernel, block.kernel, inner)
            y = _relu6(depthwise(y, kernel, block.stride) + bias[None, None, None])
            kernel, bias = weights(f"block{index}_project", inner, block.features)
            y = pointwise(y, kernel) + bias[None, None, None]
            x = x + y if block.stride == 1 and block.channels == block.features else y
        kernel, bias = weights("head", every[-1].features, HEAD)
        x = jnp.mean(_relu6(pointwise(x, kernel) + bias[None, None, None]), axis=(1, 2))
        self.sow("intermediates", "features", x)
        kernel, bias = weights("logits", HEAD, self.num_classes)
        return x @ kernel + bias[None]


def _relu6(x: jax.Array) -> jax.Array:
    return jnp.clip(x, 0.0, 6.0)


def params_from(tensors: NamedTensors, variant: str, num_classes: int = 1000) -> Params:
    """Parameters of `EfficientNetLite` from tensors named as in the PyTorch port of lukemelas.

    Raises:
      InputError: the tensors do not fit.
    """
    params: dict[str, npt.NDArray[np.float32]] = {}

    def folded(name: str, source: str, norm: str, shape: tuple[int, ...]) -> None:
        """A convolution `[O, I, kh, kw]` and the batch norm after it, as kernel and bias."""
        kernel, bias = folded_of_pytorch(tensors, source, norm, shape, EPSILON)
        params[f"{name}_kernel"], params[f"{name}_bias"] = kernel, bias

    folded("stem", "_conv_stem", "_bn0", (STEM, 3, 3, 3))
    every = blocks(VARIANTS[variant])
    for index, block in enumerate(every):
        inner, source, name = block.channels * block.expansion, f"_blocks.{index}", f"block{index}"
        if block.expansion > 1:
            shape = (inner, block.channels, 1, 1)
            folded(f"{name}_expand", f"{source}._expand_conv", f"{source}._bn0", shape)
        shape = (inner, 1, block.kernel, block.kernel)
        folded(f"{name}_depthwise", f"{source}._depthwise_conv", f"{source}._bn1", shape)
        shape = (block.features, inner, 1, 1)
        folded(f"{name}_project", f"{source}._project_conv", f"{source}._bn2", shape)
    folded("head", "_conv_head", "_bn1", (HEAD, every[-1].features, 1, 1))
    for name, kernel in params.items():
        if name.endswith(("_expand_kernel", "_project_kernel", "head_kernel")):
            params[name] = kernel[0, 0]
        if name.endswith("_depthwise_kernel"):
            params[name] = kernel[:, :, 0]
    params["logits_kernel"] = tensors.take("_fc.weight", (num_classes, HEAD)).T.copy()
    params["logits_bias"] = tensors.take("_fc.bias", (num_classes,))
    tensors.finish(ignored=(".num_batches_tracked",))
    return {"params": params}
