"""Other ways to give an image to a network: another range, order of channels or layout.

A network that was trained on levels from 0 to 255 and is given levels from 0 to 1 names nearly every image
wrongly. So does one that wants its channels in the other order. Nobody can see that from outside, except by
how many clean images it names rightly each way.
"""

import functools
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from fooljax.engine.types import Apply, Params, Target
from fooljax.host_targets import HostFunction

AS_GIVEN = "as given"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels, in [0, 1]: what many networks for colour images were trained with."""


class Change(NamedTuple):
    """How an image in [0, 1] is changed before the network has it.

    Attributes:
      words: as the end of a sentence that begins with "With".
      scale, shift: of each channel; one number for all of them.
      backwards: whether channels are in the opposite order.
      layout: "" as it is, "transposed", or "planes": the numbers of one channel after those of the other.
    """

    words: str
    scale: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)
    backwards: bool = False
    layout: str = ""


_RANGES = {
    "0..255": Change("levels from 0 to 255", (255.0,)),
    "-1..1": Change("levels from -1 to 1", (2.0,), (-1.0,)),
    "standardised": Change(
        "levels less ImageNet's mean over its deviation",
        tuple(1.0 / one for one in DEVIATION),
        tuple(-mean / one for mean, one in zip(MEAN, DEVIATION, strict=True)),
    ),
}
CHANGES: dict[str, Change] = {
    **_RANGES,
    "bgr": Change("channels in BGR order", backwards=True),
    **{
        f"bgr {name}": one._replace(words=f"channels in BGR order and {one.words}", backwards=True)
        for name, one in _RANGES.items()
    },
    "negative": Change("black and white exchanged", (-1.0,), (1.0,)),
    "transposed": Change("rows and columns exchanged", layout="transposed"),
    "planes": Change("channels one after the other (NCHW)", layout="planes"),
}
"""By name."""


def plausible(shape: tuple[int, int, int]) -> list[str]:
    """The changes that make sense for images `(H, W, K)`."""
    height, width, channels = shape
    names = ["0..255", "-1..1", "negative"]
    if channels == 3:
        names += ["standardised", "bgr", *(f"bgr {name}" for name in _RANGES), "planes"]
    return [*names, "transposed"] if height == width else names


@dataclass(frozen=True)
class ChangedFunction:
    """The `apply` of a network whose images are changed first. Equal for changes of one layout.

    Attributes:
      apply: of the network.
      layout: as of `Change`.
    """

    apply: Apply
    layout: str

    def __call__(self, params: Params, images: Any) -> Any:
        """What the network gives. `params` has `network`, `scale` and `shift` `[K]`, and `order` `[K]`."""
        scale, shift = (params[name][None, None, None] for name in ("scale", "shift"))
        return self.apply(
            params["network"], _laid_out(images[..., params["order"]] * scale + shift, self.layout)
        )


def changed(target: Target, change: Change) -> Target:
    """The network, which is given changed images."""
    _, _, channels = target.image_shape or (0, 0, 0)
    order = np.arange(channels)[:: -1 if change.backwards else 1].astype(np.int32)
    scale, shift = (
        np.broadcast_to(np.asarray(one, np.float32), channels) for one in (change.scale, change.shift)
    )
    params = {"network": target.params, "order": order, "scale": scale, "shift": shift}
    around = ChangedFunction(target.apply, change.layout)
    if isinstance(target.apply, HostFunction):
        return replace(target, apply=wrap_apply(target.apply, lambda _, images: around(params, images)))
    return replace(target, params=jax.device_put(params), apply=around)


def wrap_apply(network: Apply, around: Apply) -> Apply:
    """What stands around a network, as a function of the kind that the network is.

    Args:
      network: the `apply` of a target.
      around: `around(params, images)`, which asks the network; where that is one on the host, of NumPy arrays
        in one case and of JAX's in a compiled program in the other.
    """
    if not isinstance(network, HostFunction):
        return around
    known = functools.partial(around, ())
    return HostFunction(known, network.name, differentiable=known if network.differentiable else None)


def _laid_out(images: Any, layout: str) -> Any:
    """Images `[B, H, W, K]` of the same shape, whose numbers stand in another order."""
    if layout == "transposed":
        return images.transpose(0, 2, 1, 3)
    return images.transpose(0, 3, 1, 2).reshape(images.shape) if layout == "planes" else images
