"""A small network without convolutions: what it knows of an image is not tied to neighbouring pixels."""

import flax.linen as nn
import jax

from fooljax.targets.networks.lenet import Dense

HIDDEN = (256, 128)
"""Widths of the hidden layers."""


class MLP(nn.Module):
    """Dense layers with ReLU between them. Takes images `[B, H, W, K]` in [0, 1].

    Ours: a third architecture for digits beside LeNet and the small AlexNet. The last block is the last
    hidden layer, with its ReLU.

    Attributes:
      num_classes: of the last layer.
    """

    num_classes: int = 10

    @nn.compact
    def __call__(self, images: jax.Array, *, from_block: bool = False) -> jax.Array:
        """Logits `[B, num_classes]` of images `[B, H, W, K]`, or of what the last block gets, `[B, F]`."""
        x = images if from_block else images.reshape(images.shape[0], -1)
        last = len(HIDDEN) - 1
        for index in range(last if from_block else 0, len(HIDDEN)):
            if index == last:
                self.sow("intermediates", "block_input", x)
            x = nn.relu(Dense(HIDDEN[index], name=f"Dense_{index}")(x))
        self.sow("intermediates", "features", x)
        return Dense(self.num_classes, name=f"Dense_{len(HIDDEN)}")(x)
