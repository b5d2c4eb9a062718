"""A small network without convolutions: what it knows of an image is not tied to neighbouring pixels."""

import flax.linen as nn
import jax

from fooljax.targets.networks.lenet import Dense

HIDDEN = (256, 128)
"""Widths of the hidden layers."""


class MLP(nn.Module):
    """Dense layers with ReLU between them. Takes images `[B, H, W, K]` in [0, 1].

    Ours: a third architecture for digits beside LeNet and the small AlexNet.

    Attributes:
      num_classes: of the last layer.
    """

    num_classes: int = 10

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Logits `[B, num_classes]` of images `[B, H, W, K]`."""
        x = images.reshape(images.shape[0], -1)
        for width in HIDDEN:
            x = nn.relu(Dense(width)(x))
        self.sow("intermediates", "features", x)
        return Dense(self.num_classes)(x)
