"""From the image that is evolved to what a network takes: crops, colour order, mean and scale.

It belongs to the target: the search sees one function from images in [0, 1] to logits. The mean is a
parameter, so that no program holds it as a constant.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from fooljax.engine.batching import tile_size, tiled_by_platform
from fooljax.engine.types import Params
from fooljax.targets.networks.trainable import block_input, features_and_logits

CROPS = (1, 10)
MAX_TILE = 64
"""Images whose crops are in memory at a time; on a CPU only those of a tile are."""


@dataclass(frozen=True)
class Crops:
    """What happens to an image `[size, size, 3]` in [0, 1] before the network sees it.

    Attributes:
      size: side of the image that is evolved.
      input_size: side of the network's input; crops are cut, never scaled.
      crops: 1, the centre; or 10, corners, centre and their mirror images, softmax averaged (the paper).
      order: "rgb" or "bgr", of the network's channels.
      scale: levels in [0, 255], less the mean, are multiplied by it, channel by channel in that order.
      tile: inputs that the network meets at a time on a CPU. EfficientNet-Lite0 named 130 images/s in twos,
        105 one by one and 88 in sixteens, which leave the caches; AlexNet's large dense layers want more.
    """

    size: int
    input_size: int
    crops: int = 1
    order: str = "rgb"
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tile: int = 2

    def __str__(self) -> str:
        """What "confidence" means, in words."""
        if self.size == self.input_size:
            return "softmax of one forward pass"
        cut = f"{self.input_size} x {self.input_size} of {self.size} x {self.size} pixels"
        if self.crops == 1:
            return f"softmax of the centre crop, {cut}"
        return f"softmax averaged over ten crops (corners, centre and their mirror images), {cut}"


@dataclass(frozen=True)
class CroppedNetwork:
    """The `apply(params, images)` of a target that prepares images first; equal for equal networks.

    Attributes:
      module: a Flax module, which sows `features`.
      how: what an image goes through.
    """

    module: nn.Module
    how: Crops

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C]` of images `[B, size, size, 3]` in [0, 1]."""
        logits: jax.Array = cropped(self.module.apply, self.how)(params, images)
        return logits

    def look(self, params: Params, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What the last layer is given for the centre crop, `[B, F]`, and the logits of that crop."""
        both: tuple[jax.Array, jax.Array] = self._centre(features_and_logits)(params, images)
        return both

    def block_input(self, params: Params, images: jax.Array) -> jax.Array:
        """What the last block is given for the centre crop, `[B, ...]`, see `fooljax.targets.last_block`."""
        given: jax.Array = self._centre(block_input)(params, images)
        return given

    def _centre(self, function: Callable[..., Any]) -> Callable[[Params, jax.Array], Any]:
        """A function of the module and of the centre crop, as one of whole images."""
        return cropped(partial(function, self.module), replace(self.how, crops=1))


def cropped(network: Callable[[Params, jax.Array], Any], how: Crops) -> Callable[[Params, jax.Array], Any]:
    """A network's function of its own inputs as one of images `[B, size, size, 3]` in [0, 1].

    Args:
      network: `network(params["network"], inputs)`, which gives logits; with one crop, any pytree whose
        leaves have an entry for each image. Inputs are `[b, input_size, input_size, 3]`.
      how: `params["mean"]` is `[3]` or `[input_size, input_size, 3]` in levels, in the network's order.
    Returns:
      A function of parameters and images that gives the same; for ten crops the log of the mean softmax.
    """
    side, margin = how.input_size, how.size - how.input_size
    corners = [(top, left) for top in (0, margin) for left in (0, margin)]
    middle = (margin // 2, margin // 2)

    def crop(images: jax.Array, top: int, left: int) -> jax.Array:
        return images[:, top : top + side, left : left + side]

    def of_inputs(params: Params, views: jax.Array) -> Any:
        ordered = views[..., ::-1] if how.order == "bgr" else views
        mean = jnp.broadcast_to(params["mean"], ordered.shape[1:])
        inputs = (ordered * 255.0 - mean[None]) * jnp.asarray(how.scale)[None, None, None]
        return network(params["network"], inputs)

    def centre(params: Params, images: jax.Array) -> Any:
        return of_inputs(params, crop(images, *middle))

    def ten(params: Params, images: jax.Array) -> jax.Array:
        upright = [crop(images, *place) for place in (*corners, middle)]
        views = jnp.concatenate([*upright, *(view[:, :, ::-1] for view in upright)])
        logits = tiled_by_platform(of_inputs, how.tile, views.shape[0], params, views)
        logits = logits.reshape(10, images.shape[0], -1)
        return jax.nn.logsumexp(jax.nn.log_softmax(logits), axis=0) - jnp.log(10.0)

    def apply(params: Params, images: jax.Array) -> Any:
        on_cpu, elsewhere = max(1, how.tile // how.crops), tile_size(images.shape[0], MAX_TILE)
        of_images = centre if how.crops == 1 else ten
        return tiled_by_platform(of_images, on_cpu, elsewhere, params, images)

    return apply
