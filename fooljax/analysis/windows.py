"""Windows of an image: taken out, kept alone, or pasted. What is taken out is filled from the image itself.

A window that is taken out gets one colour: the median, channel by channel, of the ring of pixels around it
that are in no other window that is taken out. So an image is changed where it was and nowhere else, and
nothing is brought in from other images. A window that is kept alone stands on the median colour of the image.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

Image = npt.NDArray[np.uint8]
"""`[H, W, K]`."""
Places = Sequence[tuple[int, int]]
"""The top left corners of windows, as rows and columns."""
RING = 2
"""Pixels of the ring's width."""


def remove_windows(image: Image, places: Places, size: tuple[int, int]) -> Image:
    """The image with some windows filled from their surroundings.

    Args:
      image: `[H, W, K]` uint8.
      places: of the windows.
      size: height and width of each window.
    Returns:
      A new image. A window whose whole ring is taken out as well gets the median colour of what is left of
      the image, or of the whole image where nothing is left.
    Raises:
      InputError: a window is not inside the image.
    """
    inside = _covered(image, places, size)
    filled = image.copy()
    left = image[~inside] if not inside.all() else image.reshape(-1, image.shape[2])
    everywhere = np.median(left, axis=0)
    height, width = size
    for top, column in places:
        rows = slice(max(top - RING, 0), top + height + RING)
        columns = slice(max(column - RING, 0), column + width + RING)
        ring = image[rows, columns][~inside[rows, columns]]
        colour = np.median(ring, axis=0) if len(ring) else everywhere
        filled[top : top + height, column : column + width] = np.rint(colour)
    return filled


def isolate_windows(image: Image, places: Places, size: tuple[int, int]) -> Image:
    """The windows on a ground of one colour, the median of the whole image.

    Args:
      image: `[H, W, K]` uint8.
      places: of the windows.
      size: height and width of each window.
    Raises:
      InputError: a window is not inside the image.
    """
    ground = np.rint(np.median(image.reshape(-1, image.shape[2]), axis=0)).astype(np.uint8)
    return np.where(_covered(image, places, size)[..., None], image, ground)


def pasted(image: Image, source: tuple[int, int], places: Places, size: tuple[int, int]) -> Image:
    """The image with copies of one of its windows at other places.

    Args:
      image: `[H, W, K]` uint8.
      source: the corner of the window that is copied.
      places: where the copies go.
      size: height and width of the window.
    Raises:
      InputError: a window is not inside the image.
    """
    _covered(image, [source, *places], size)
    height, width = size
    element = image[source[0] : source[0] + height, source[1] : source[1] + width]
    changed = image.copy()
    for top, column in places:
        changed[top : top + height, column : column + width] = element
    return changed


def random_windows(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    size: tuple[int, int],
    count: int,
    taken: Places = (),
) -> list[tuple[int, int]]:
    """Places of windows at random that do not overlap one another.

    Args:
      rng: draws them.
      shape: of the image, height and width first.
      size: height and width of a window.
      count: of windows that are wanted.
      taken: windows of this size that stay free as well.
    Returns:
      So many places, or fewer where no room is left.
    """
    height, width = size
    free = np.ones((shape[0] - height + 1, shape[1] - width + 1), bool)
    found: list[tuple[int, int]] = []
    for place in taken:
        _take(free, place, size)
    while len(found) < count and free.any():
        choices = np.argwhere(free)
        row, column = choices[rng.integers(len(choices))]
        found.append((int(row), int(column)))
        _take(free, found[-1], size)
    return found


def shared_area(first: Places, second: Places, size: tuple[int, int]) -> float:
    """The share of the area of the first windows that the second ones cover, in [0, 1]; each set disjoint."""
    height, width = size
    covered = sum(
        max(height - abs(one[0] - other[0]), 0) * max(width - abs(one[1] - other[1]), 0)
        for one in first
        for other in second
    )
    return covered / (len(first) * height * width)


def _take(free: npt.NDArray[np.bool_], place: tuple[int, int], size: tuple[int, int]) -> None:
    """Marks the corners of all windows that would overlap the one at `place`."""
    (top, left), (height, width) = place, size
    free[max(top - height + 1, 0) : top + height, max(left - width + 1, 0) : left + width] = False


def _covered(image: Image, places: Places, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The pixels in windows, `[H, W]`.

    Raises:
      InputError: a window is not inside the image.
    """
    height, width = size
    inside = np.zeros(image.shape[:2], bool)
    for top, left in places:
        fits = 0 <= top <= image.shape[0] - height and 0 <= left <= image.shape[1] - width
        if not fits or min(size) < 1:
            sides = f"{image.shape[0]} x {image.shape[1]}"
            raise InputError(
                f"places: expected windows of {height} x {width} inside an image of {sides}, "
                f"got one at {top}, {left}"
            )
        inside[top : top + height, left : left + width] = True
    return inside
