"""AlexNet and its relatives in Flax, for inference: CaffeNet, AlexNet as Caffe has it, and torchvision's.

Source: Krizhevsky et al. 2012; Caffe's models `bvlc_reference_caffenet` (the paper's network: pooling comes
before normalisation) and `bvlc_alexnet` (normalisation before pooling); torchvision's `alexnet`, which has
other widths, no groups and no normalisation. Caffe's pooling rounds the output's size up.
"""

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params
from fooljax.targets.networks.kernels import add_bias, add_bias_to_maps, convolve, max_pool, product
from fooljax.targets.weights import NamedTensors

LRN_SIZE, LRN_ALPHA, LRN_BETA = 5, 1e-4, 0.75
"""Of local response normalisation across channels; alpha is divided by the size. Source: Caffe."""


class Conv(NamedTuple):
    """A convolution with ReLU, and what follows it.

    Attributes:
      features, kernel, stride, padding: as usual; padding on each side.
      groups: the channels fall into so many parts that do not mix.
      after: "pool" (3 x 3, stride 2), "lrn", both in an order, or nothing.
    """

    features: int
    kernel: int
    stride: int
    padding: int
    groups: int = 1
    after: tuple[str, ...] = ()


class Variant(NamedTuple):
    """A network of the family.

    Attributes:
      input_size: side of its input.
      convs: in order.
      dense: widths of the hidden dense layers.
      ceil: pooling rounds the output's size up, as in Caffe.
    """

    input_size: int
    convs: tuple[Conv, ...]
    dense: tuple[int, ...] = (4096, 4096)
    ceil: bool = True


def _caffe(*after: str) -> Variant:
    return Variant(
        227,
        (
            Conv(96, 11, 4, 0, 1, after),
            Conv(256, 5, 1, 2, 2, after),
            Conv(384, 3, 1, 1),
            Conv(384, 3, 1, 1, 2),
            Conv(256, 3, 1, 1, 2, ("pool",)),
        ),
    )


VARIANTS = {
    "caffenet": _caffe("pool", "lrn"),
    "alexnet": _caffe("lrn", "pool"),
    "alexnet-torchvision": Variant(
        224,
        (
            Conv(64, 11, 4, 2, 1, ("pool",)),
            Conv(192, 5, 1, 2, 1, ("pool",)),
            Conv(384, 3, 1, 1),
            Conv(256, 3, 1, 1),
            Conv(256, 3, 1, 1, 1, ("pool",)),
        ),
        ceil=False,
    ),
    # Ours: the same order of layers for 28 x 28 and 32 x 32 images, a second architecture for digits.
    "alexnet-small": Variant(
        28,
        (
            Conv(32, 5, 1, 2, 1, ("lrn", "pool")),
            Conv(64, 5, 1, 2, 2, ("lrn", "pool")),
            Conv(96, 3, 1, 1),
            Conv(96, 3, 1, 1, 2),
            Conv(64, 3, 1, 1, 2, ("pool",)),
        ),
        dense=(256, 256),
    ),
}

_TORCHVISION_CONVS, _TORCHVISION_DENSE = (0, 3, 6, 8, 10), (1, 4, 6)
"""Places of the layers in torchvision's `features` and `classifier`."""


class AlexNet(nn.Module):
    """Logits `[B, num_classes]` of images `[B, S, S, K]`, prepared as the network's training did.

    Attributes:
      variant: a name in `VARIANTS`.
      num_classes: of the last layer.
    """

    variant: str
    num_classes: int = 1000

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Logits `[B, num_classes]`."""
        layout, x = VARIANTS[self.variant], images
        start = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
        zeros = nn.initializers.zeros_init()
        for index, conv in enumerate(layout.convs):
            shape = (conv.kernel, conv.kernel, x.shape[-1] // conv.groups, conv.features)
            kernel = self.param(f"conv{index + 1}_kernel", start, shape)
            bias = self.param(f"conv{index + 1}_bias", zeros, (conv.features,))
            x = nn.relu(add_bias_to_maps(_grouped(x, kernel, conv), bias))
            for step in conv.after:
                x = max_pool(x, layout.ceil) if step == "pool" else local_response_norm(x)
        x = x.reshape(x.shape[0], -1)
        widths = (*layout.dense, self.num_classes)
        for index, width in enumerate(widths):
            if index == len(layout.dense):
                self.sow("intermediates", "features", x)
            name = f"fc{len(layout.convs) + 1 + index}"
            kernel = self.param(f"{name}_kernel", start, (x.shape[-1], width))
            x = add_bias(product(x, kernel), self.param(f"{name}_bias", zeros, (width,)))
            x = nn.relu(x) if index < len(widths) - 1 else x
        return x


def _grouped(images: jax.Array, kernel: jax.Array, conv: Conv) -> jax.Array:
    # Group by group: XLA's CPU backend is slow at grouped convolutions.
    parts = [
        convolve(some, weights, conv.stride, conv.padding)
        for some, weights in zip(
            jnp.split(images, conv.groups, axis=-1), jnp.split(kernel, conv.groups, axis=-1), strict=True
        )
    ]
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)


def local_response_norm(images: jax.Array) -> jax.Array:
    """`x / (1 + alpha / size * sum of x^2 over the 5 channels around)^beta`."""
    half = LRN_SIZE // 2
    squares = jnp.pad(images * images, ((0, 0), (0, 0), (0, 0), (half, half)))
    channels = images.shape[-1]
    total = sum(squares[..., shift : shift + channels] for shift in range(LRN_SIZE))
    root = jax.lax.rsqrt(1.0 + LRN_ALPHA / LRN_SIZE * total)
    # The power -3/4, which costs several times as much as two roots.
    return images * root * jnp.sqrt(root)


def params_from(tensors: NamedTensors, variant: str, num_classes: int = 1000) -> Params:
    """Parameters of `AlexNet` from tensors `[O, I, kh, kw]`, named as in Caffe or torchvision.

    In Caffe's names, `conv1.weight` and `conv1.bias` stand for the blobs of layer conv1.

    Raises:
      InputError: the tensors do not fit.
    """
    layout = VARIANTS[variant]
    in_torchvision = variant == "alexnet-torchvision"
    params: dict[str, npt.NDArray[np.float32]] = {}
    channels, side = 3, layout.input_size
    for index, conv in enumerate(layout.convs):
        name = f"conv{index + 1}"
        source = f"features.{_TORCHVISION_CONVS[index]}" if in_torchvision else name
        shape = (conv.features, channels // conv.groups, conv.kernel, conv.kernel)
        params[f"{name}_kernel"] = tensors.take(f"{source}.weight", shape).transpose(2, 3, 1, 0).copy()
        params[f"{name}_bias"] = tensors.take(f"{source}.bias", (conv.features,))
        channels, side = conv.features, _side_after(side, conv, layout.ceil)
    inputs: Sequence[int] = (channels, side, side)
    for index, width in enumerate((*layout.dense, num_classes)):
        name = f"fc{len(layout.convs) + 1 + index}"
        source = f"classifier.{_TORCHVISION_DENSE[index]}" if in_torchvision else name
        kernel = tensors.take(f"{source}.weight", (width, int(np.prod(inputs))))
        # There, images are flattened channel by channel; here, pixel by pixel.
        kernel = kernel.reshape(width, *inputs)
        kernel = kernel.transpose(2, 3, 1, 0) if index == 0 else kernel.T
        params[f"{name}_kernel"] = np.ascontiguousarray(kernel.reshape(-1, width))
        params[f"{name}_bias"] = tensors.take(f"{source}.bias", (width,))
        inputs = (width,)
    tensors.finish()
    return {"params": params}


def _side_after(side: int, conv: Conv, ceil: bool) -> int:
    side = (side + 2 * conv.padding - conv.kernel) // conv.stride + 1
    return (side - 3 + ceil) // 2 + 1 if "pool" in conv.after else side
