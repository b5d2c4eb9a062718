"""Images beside a row: one PNG of them, and what it holds, so that what is scored is what is published."""

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.errors import InputError

MOST_COLUMNS = 32
"""Images in one line of a sheet."""
SHOWN_SIDE = 112
"""Pixels of the longer side that an image keeps, at most, where a row holds it for a figure alone."""


def sheet_of(images: npt.NDArray[np.uint8]) -> bytes:
    """All images on one sheet, as the content of a PNG file.

    Grey and coloured images are what a viewer shows. The channels of any other image stand side by side.

    Args:
      images: `[N, H, W, K]`.
    Raises:
      InputError: the images are not 8-bit images.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or 0 in images.shape:
        raise InputError(f"images: expected [N, H, W, K] uint8, got {list(images.shape)} {images.dtype}")
    tiles = images if images.shape[-1] in (1, 3) else _channels_apart(images)
    count, height, width, channels = tiles.shape
    lines, columns = _layout(count)
    padded = np.zeros((lines * columns, height, width, channels), np.uint8)
    padded[:count] = tiles
    sheet = np.moveaxis(padded.reshape(lines, columns, height, width, channels), 2, 1)
    sheet = sheet.reshape(lines * height, columns * width, channels)
    stream = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(stream, format="PNG")
    return stream.getvalue()


def small(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Images for a figure, so that rows stay small: blocks of pixels are averaged where a side is long.

    Args:
      images: `[N, H, W, K]`.
    Returns:
      The same where no side is over `SHOWN_SIDE`; what is left at the right and below is cut off.
    """
    count, height, width, channels = images.shape
    block = math.ceil(max(height, width) / SHOWN_SIDE)
    lines, columns = height // block, width // block
    parts = images[:, : lines * block, : columns * block].reshape(
        count, lines, block, columns, block, channels
    )
    return np.rint(parts.mean(axis=(2, 4))).astype(np.uint8)


def images_of(sheet: bytes, shape: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
    """The images of a sheet.

    Args:
      sheet: as `sheet_of` gives it.
      shape: `(N, H, W, K)` of the images.
    Returns:
      The images, `[N, H, W, K]`.
    """
    number, height, width, channels = shape
    grey_or_coloured = channels in (1, 3)
    count, each = (number, channels) if grey_or_coloured else (number * channels, 1)
    lines, columns = _layout(count)
    with Image.open(io.BytesIO(sheet)) as file:
        again = np.asarray(file).reshape(lines, height, columns, width, each)
    tiles = np.moveaxis(again, 2, 1).reshape(-1, height, width, each)[:count]
    if grey_or_coloured:
        return tiles
    return np.moveaxis(tiles.reshape(number, channels, height, width), 1, -1)


def _channels_apart(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3], 1)


def _layout(count: int) -> tuple[int, int]:
    """Lines and columns of a sheet."""
    columns = min(count, MOST_COLUMNS)
    return math.ceil(count / columns), columns
