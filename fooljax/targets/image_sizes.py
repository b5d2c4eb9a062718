"""Images for a network that takes another size than the one that they have."""

import dataclasses

import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.host_targets import HostFunction


def fitted(images: npt.NDArray[np.uint8], target: Target) -> npt.NDArray[np.uint8]:
    """Images of the size that a target takes, scaled bilinearly in 8 bits.

    Images that have this size already stay as they are. Scaling down takes the mean over the pixels that
    become one, as Pillow does it. An image that fools at its own size need not fool at another, so a
    comparison of networks says where it scaled.

    Args:
      images: `[N, H, W, K]` uint8.
      target: a network that says the shape of its images.
    Returns:
      `[N, h, w, K]` uint8.
    Raises:
      InputError: the images have another number of channels than the target takes, or it says no shape.
    """
    height, width, channels = checked_shape(target.image_shape)
    if images.shape[3] != channels:
        raise InputError(f"images: expected {channels} channels for {target.name}, got {images.shape[3]}")
    if images.shape[1:3] == (height, width):
        return images
    scaled = np.empty((len(images), height, width, channels), np.uint8)
    for image, place in zip(images, scaled, strict=True):
        for channel in range(channels):
            plane = Image.fromarray(image[..., channel]).resize((width, height), Image.Resampling.BILINEAR)
            place[..., channel] = np.asarray(plane)
    return scaled


def seeing_centre(target: Target, side: int) -> Target:
    """A host target that takes larger images and sees their centre.

    Args:
      target: one that is asked on the host.
      side: of the images that it shall take.
    Raises:
      InputError: its own images are larger.
    """
    height, width, channels = checked_shape(target.image_shape)
    assert isinstance(target.apply, HostFunction)
    if max(height, width) > side:
        raise InputError(
            f"target: expected {target.name} to take images of at most {side} x {side} pixels, got "
            f"{height} x {width}"
        )
    top, left = (side - height) // 2, (side - width) // 2
    inner = target.apply

    def function(images: npt.NDArray[np.float32]) -> object:
        return inner.function(images[:, top : top + height, left : left + width])

    return dataclasses.replace(
        target, apply=HostFunction(function, inner.name), image_shape=(side, side, channels)
    )
