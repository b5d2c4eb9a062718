"""PNG files: equal pictures give equal bytes, and no file is ever half written."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from fooljax.errors import InputError
from fooljax.report.canvas import DPI, eight_bits
from fooljax.report.style import own_style
from fooljax.storage.files import write_bytes


def png_bytes(figure_or_array: Figure | npt.NDArray[Any], *, trimmed: bool = False) -> bytes:
    """Encodes a figure or an image as PNG; equal inputs give equal bytes (no date, no version inside).

    Args:
      figure_or_array: a figure; or `[H, W, K]` or `[H, W]`, uint8 or floats in [0, 1], `K` 1 or 3, whose
        pixels are kept one by one.
      trimmed: whether a figure is saved without the empty space around it.
    Returns:
      The content of a PNG file.
    Raises:
      InputError: an array is not as above.
    """
    if isinstance(figure_or_array, Figure):
        return _figure_bytes(figure_or_array, trimmed)
    pixels = np.asarray(figure_or_array)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or pixels.size == 0:
        raise InputError(f"image: expected [H, W, K] with K 1 or 3, got {list(pixels.shape)}")
    pixels = eight_bits(pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, format="png")
    return buffer.getvalue()


@own_style()
def _figure_bytes(figure: Figure, trimmed: bool) -> bytes:
    # The canvas that makes pixels, whichever the user's own figures are shown on.
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(
        buffer,
        format="png",
        dpi=DPI,
        bbox_inches="tight" if trimmed else None,
        metadata={"Software": None},
    )
    return buffer.getvalue()


def save_png(figure_or_array: Figure | npt.NDArray[Any], path: Path | str) -> None:
    """Saves what `png_bytes` gives; at any moment the file is the old one or the new one.

    Args:
      figure_or_array: see `png_bytes`.
      path: of the file.
    Raises:
      InputError: an array is not an image.
      FaultError: the file cannot be written.
    """
    write_bytes(Path(path), png_bytes(figure_or_array))
