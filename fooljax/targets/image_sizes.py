"""Images for a network that takes another size than the one that they have."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError


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
