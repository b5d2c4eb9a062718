"""Flax networks that are fooled.

`LeNet` is Caffe's LeNet, the paper's MNIST network: no non-linearity follows the convolutions.
"""

import flax.linen as nn
import jax

from fooljax.targets.networks.kernels import add_bias, conv_pool, product

_xavier = nn.initializers.variance_scaling(1.0, "fan_in", "uniform")
"""Caffe's "xavier" filler: uniform within +-sqrt(3 / fan_in)."""


class ConvPool(nn.Module):
    """Convolution without padding, bias, max-pooling 2x2 at stride 2; nothing between them."""

    features: int
    kernel_size: tuple[int, int] = (5, 5)

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Maps `[B, h, w, features]` of images `[B, H, W, K]`."""
        kernel = self.param("kernel", _xavier, (*self.kernel_size, images.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return conv_pool(images, kernel, bias)


class Dense(nn.Module):
    """A matrix product and a bias, as Flax's layer of this name; see `kernels.products`."""

    features: int

    @nn.compact
    def __call__(self, values: jax.Array) -> jax.Array:
        """`[B, features]` of values `[B, K]`."""
        kernel = self.param("kernel", _xavier, (values.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return add_bias(product(values, kernel), bias)


class LeNet(nn.Module):
    """Caffe's LeNet: convolution 5x5 x 20, pool, convolution 5x5 x 50, pool, dense 500, ReLU, dense.

    Takes images `[B, H, W, K]` in [0, 1], at least 16 x 16 (the paper: 28 x 28 x 1), and scales them to
    pixel / 256 as Caffe's example does. Gives logits `[B, num_classes]`.
    Source: Caffe's MNIST example, as the authors' code uses it. Differs: images are flattened in
    row-column-channel order (Caffe: channel-row-column); no mean image is subtracted (none was in training).
    The last block is the first dense layer, with its ReLU.

    Attributes:
      num_classes: of the last layer.
    """

    num_classes: int = 10

    @nn.compact
    def __call__(self, images: jax.Array, *, from_block: bool = False) -> jax.Array:
        """Logits `[B, num_classes]` of images `[B, H, W, K]`, or of what the last block gets, `[B, F]`."""
        x = images
        if not from_block:
            x = x * (255.0 / 256.0)
            x = ConvPool(20)(x)
            x = ConvPool(50)(x)
            x = x.reshape(x.shape[0], -1)
        self.sow("intermediates", "block_input", x)
        x = nn.relu(Dense(500)(x))
        self.sow("intermediates", "features", x)
        return Dense(self.num_classes)(x)
