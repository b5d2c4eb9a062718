"""Which part of an image carries a decision: images in bands of frequencies, or in shuffled pieces.

The log-odds that are kept are the class's log-odds of the changed image over those of the image itself. 0 of
them is a confidence of 50 %; less than 0 is kept where the network no longer names the class.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.analysis.windows import Image
from fooljax.errors import InputError


def frequencies(shape: Sequence[int]) -> npt.NDArray[np.float64]:
    """The frequency of every coefficient of an image's cosine transform, in cycles per image.

    Args:
      shape: of the image, height and width first.
    Returns:
      `[H, W]`; cycles along the rows and the columns count as the two sides of a triangle, whose hypotenuse
      is the frequency.
    """
    down, across = (np.arange(side) / 2.0 for side in shape[:2])
    return np.hypot(down[:, None], across[None, :])


def band(image: Image, low: float, high: float) -> Image:
    """An image of some frequencies only, and of its mean colour.

    The cosine transform continues an image by its mirror, so that the edges bring no frequencies of their
    own. What leaves the range of grey levels is clipped.

    Args:
      image: `[H, W, K]` uint8.
      low: cycles per image; what is lower is left out, but for the mean.
      high: what is as high or higher is left out; infinity for no end.
    Returns:
      `[H, W, K]` uint8.
    Raises:
      InputError: the band ends before it begins.
    """
    if not 0.0 <= low < high:
        raise InputError(f"low, high: expected 0 <= low < high, got {low:g} and {high:g}")
    cycles = frequencies(image.shape)
    kept = (cycles >= low) & (cycles < high)
    kept[0, 0] = True
    coefficients = scipy.fft.dctn(image.astype(np.float64), axes=(0, 1), norm="ortho")
    filtered = scipy.fft.idctn(coefficients * kept[..., None], axes=(0, 1), norm="ortho")
    return np.clip(np.rint(filtered), 0, 255).astype(np.uint8)


def shuffled(image: Image, side: int, rng: np.random.Generator) -> Image:
    """An image whose square pieces have changed places.

    Args:
      image: `[H, W, K]` uint8.
      side: of a piece in pixels; at least two pieces have to fit into the image. Where pieces do not fill
        the image, a margin stays as it is, as wide on both sides as can be.
      rng: draws the order. An order that leaves most pieces where they are may come; none is excluded.
    Returns:
      `[H, W, K]` uint8 with the same pixels.
    Raises:
      InputError: fewer than two pieces fit.
    """
    rows, columns = image.shape[0] // max(side, 1), image.shape[1] // max(side, 1)
    if side < 1 or rows * columns < 2:
        raise InputError(
            f"side: expected a side of which two pieces or more fit into {image.shape[0]} x "
            f"{image.shape[1]} pixels, got {side}"
        )
    height, width = rows * side, columns * side
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    inner = image[top : top + height, left : left + width]
    pieces = (
        inner.reshape(rows, side, columns, side, -1).swapaxes(1, 2).reshape(rows * columns, side, side, -1)
    )
    moved = pieces[rng.permutation(len(pieces))].reshape(rows, columns, side, side, -1).swapaxes(1, 2)
    changed = image.copy()
    changed[top : top + height, left : left + width] = moved.reshape(inner.shape)
    return changed


def grid_places(shape: Sequence[int], side: int) -> list[tuple[int, int]]:
    """Corners of square windows that together cover an image.

    Args:
      shape: of the image, height and width first.
      side: of a window, at most that of the image.
    Returns:
      Corners on an even grid, of as few windows as cover the image.
    """
    rows, columns = (
        np.rint(np.linspace(0, length - side, -(-length // side))).astype(int) for length in shape[:2]
    )
    return [(int(row), int(column)) for row in rows for column in columns]


def size_at_level(
    sizes: Sequence[float], kept: Sequence[float], level: float = 0.5, *, least: bool = False
) -> float:
    """The size from which on so much is kept, by linear interpolation over the logarithm of size.

    Args:
      sizes: of pieces, rising, above 0.
      kept: what is kept with pieces of each size.
      level: of what is kept.
      least: whether the least size is wanted that keeps so much, though larger ones may keep less.
    Returns:
      The largest size at which the curve crosses the level upwards, or the least; 0 where it is never below
      the level before that, and infinity where it does not cross it.
    """
    if least:
        reached = next((place for place, value in enumerate(kept) if value >= level), len(kept))
        last = reached - 1
    else:
        last = max((place for place, value in enumerate(kept) if value < level), default=-1)
    if last < 0:
        return 0.0
    if last == len(kept) - 1:
        return float("inf")
    along = (level - kept[last]) / (kept[last + 1] - kept[last])
    return float(np.exp(np.interp(along, [0.0, 1.0], np.log([sizes[last], sizes[last + 1]]))))
