"""What a CPPN reads at each pixel: x, y, distance from the centre and a bias of 1.

Images are drawn at any size: `evolved` is the size at which the genome was evolved, whose pixels are the
unit. Pixel centres are mapped to pixel centres, so that drawing at the evolved size gives back the same
numbers exactly, and drawing three times larger gives them at every third pixel. Another aspect ratio
stretches.
"""

from collections.abc import Callable

import jax
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

NUM_INPUTS = 4
"""x, y, distance, bias."""
WHOLE = slice(None)
"""Every row."""


def _along(drawn: int, evolved: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pixel centres along one side, in the evolved image's pixels and scaled to [-1, 1]."""
    index = (np.arange(drawn, dtype=np.float64) + 0.5) * (evolved / drawn) - 0.5
    return index, 2.0 * index / max(evolved - 1, 1) - (1.0 if evolved > 1 else 0.0)


def _planes(height: int, width: int, evolved: tuple[int, int] | None, band: slice, scale: bool) -> jax.Array:
    rows, columns = evolved or (height, width)
    if min(height, width, rows, columns) < 1:
        raise InputError(f"size: expected positive sides, got {height} x {width}, evolved {rows} x {columns}")
    y, scaled_y = (side[band] for side in _along(height, rows))
    x, scaled_x = _along(width, columns)
    shape = (y.size, width)
    planes = np.empty((NUM_INPUTS, *shape), np.float32)
    planes[0] = np.broadcast_to((scaled_x if scale else x)[None, :], shape)
    planes[1] = np.broadcast_to((scaled_y if scale else y)[:, None], shape)
    planes[2] = np.hypot(scaled_x[None, :], scaled_y[:, None])
    planes[3] = 1.0
    return jax.device_put(planes)


def raw(height: int, width: int, evolved: tuple[int, int] | None = None, band: slice = WHOLE) -> jax.Array:
    """The inputs of the authors' code: x and y are pixel indices, only the distance is of scaled ones.

    Args:
      height: rows of the image to draw.
      width: its columns.
      evolved: `(H, W)` at which the genome was evolved; None if that is the size to draw.
      band: the rows wanted, to draw a large image a band at a time.
    Returns:
      `[4, height, width]` (of a band, its rows) float32: x (column, 0 to W-1 at the evolved size), y (row),
      distance from the centre (0 to 1.414), 1.
    Raises:
      InputError: a side is not positive.
    """
    return _planes(height, width, evolved, band, scale=False)


def scaled(height: int, width: int, evolved: tuple[int, int] | None = None, band: slice = WHOLE) -> jax.Array:
    """As `raw`, with x and y in [-1, 1] between the evolved image's outermost pixel centres.

    Drawn larger, the outermost pixels lie up to half an evolved pixel beyond these centres.
    """
    return _planes(height, width, evolved, band, scale=True)


COORDINATES: dict[str, Callable[..., jax.Array]] = {"raw": raw, "scaled": scaled}
"""Name to `(height, width, evolved=None, band=WHOLE) -> [4, height, width]`."""
