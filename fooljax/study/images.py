"""Images beside a row: saved as one PNG and read back, so that what is scored is what is published."""

import io
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.errors import InputError
from fooljax.storage.files import write_bytes

MOST_COLUMNS = 32
"""Images in one line of a sheet."""


def saved_and_reloaded(path: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Saves images on one sheet and gives back what its file holds.

    Grey and coloured images are what a viewer shows. The channels of any other image stand side by side.

    Args:
      path: of the PNG.
      images: `[N, H, W, K]`.
    Returns:
      The same, read from the file.
    Raises:
      InputError: the images are not 8-bit images.
      FaultError: the file cannot be written.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or 0 in images.shape:
        raise InputError(f"images: expected [N, H, W, K] uint8, got {list(images.shape)} {images.dtype}")
    tiles = images
    if images.shape[-1] not in (1, 3):
        tiles = np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3], 1)
    count, height, width, channels = tiles.shape
    columns = min(count, MOST_COLUMNS)
    lines = math.ceil(count / columns)
    padded = np.zeros((lines * columns, height, width, channels), np.uint8)
    padded[:count] = tiles
    sheet = np.moveaxis(padded.reshape(lines, columns, height, width, channels), 2, 1)
    sheet = sheet.reshape(lines * height, columns * width, channels)
    stream = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(stream, format="PNG")
    write_bytes(path, stream.getvalue())
    with Image.open(path) as file:
        again = np.asarray(file).reshape(lines, height, columns, width, channels)
    tiles = np.moveaxis(again, 2, 1).reshape(-1, height, width, channels)[:count]
    if images.shape[-1] in (1, 3):
        return tiles
    return np.moveaxis(tiles.reshape(len(images), -1, height, width), 1, -1)
