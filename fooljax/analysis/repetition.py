"""Repeated elements in an image: their period, their size, and where the copies are.

Nguyen et al. 2015 (figure 9) chose and removed repeated elements by hand. Here a program finds them, in two
steps that are known from the detection of lattices (Lin, Wang and Yang 1997; Liu, Collins and Tsin 2004):
peaks of the image's autocorrelation give the period, and the element of one period that has the most copies
is matched over the whole image.

Both steps compare parts of the image by Lin's (1989) concordance correlation, which is 1 only for equal
parts. The usual correlation forgives any difference in brightness, so that all parts of a smooth slope would
be copies of one another.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.analysis.windows import Image
from fooljax.errors import InputError

ALIKE = 0.7
"""Concordance of a copy with its element, at least."""
PEAK = 0.6
"""Concordance of the image with itself, one period further, at least."""
PEAK_IN_PART = 0.8
"""The same in parts of an image, which have fewer pixels and so higher peaks by chance."""
DIP = 0.3
"""How much lower it must have been on the way there: a stripe is no repetition of itself along its length."""
BEST = 0.75
"""Of the highest peak, what a shorter period must have to be taken instead."""
LEAST_SIDE = 4
"""Pixels: any edge repeats in windows that are smaller."""
LEAST_COPIES = 4
"""So that something counts as repeated."""
ANCHORS = 64
"""Windows that are tried as the element, at most; they are spread over the image."""


@dataclass(frozen=True)
class Repetition:
    """An element and its copies.

    Attributes:
      size: height and width of the element in pixels: one period, where there is one in that direction.
      copies: the corners of all windows that show it, itself first and then the most alike; none overlap.
      likeness: the concordance of each with the element, 1 for itself.
    """

    size: tuple[int, int]
    copies: tuple[tuple[int, int], ...]
    likeness: tuple[float, ...]


def find_repetition(image: Image) -> Repetition | None:
    """The element that an image repeats, with its copies.

    The period is that of the whole image. Where it has none, as an image of rings has none, it is that of the
    part, of half the sides, in which the highest peak was found.

    Args:
      image: `[H, W, K]` uint8, at least 8 pixels high and wide.
    Returns:
      The repetition; None where there is no period, or there are fewer than four copies of an element.
    Raises:
      InputError: it is not such an image.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or min(image.shape[:2]) < 2 * LEAST_SIDE:
        raise InputError(
            f"image: expected [H, W, K] uint8, 8 pixels or more a side, got {list(image.shape)} {image.dtype}"
        )
    found = periods(image) or max(
        (periods(part, PEAK_IN_PART) for part in _halves(image)),
        key=lambda one: max((height for _, height in one), default=0.0),
    )
    if not found:
        return None
    lengths = [max(round(float(np.hypot(*step))), LEAST_SIDE) for step, _ in found]
    down = [length for length, (step, _) in zip(lengths, found, strict=True) if _is_down(step)]
    across = [length for length, (step, _) in zip(lengths, found, strict=True) if not _is_down(step)]
    size = (down or across)[0], (across or down)[0]
    return _most_copies(
        image.astype(np.float64), (min(size[0], image.shape[0]), min(size[1], image.shape[1]))
    )


def periods(image: Image, peak: float = PEAK) -> list[tuple[tuple[int, int], float]]:
    """The shortest displacements that bring an image onto itself: none, one, or one down and one across.

    Args:
      image: `[H, W, K]` uint8.
      peak: the concordance that counts as the image again, in (0, 1].
    Returns:
      Each displacement (rows, columns) with the concordance there, the shortest first. Of stripes there is
      only one: along them nothing repeats that would not be there anyway.
    """
    concordance, origin = self_concordance(image)
    is_peak = concordance == scipy.ndimage.maximum_filter(concordance, 3, mode="constant", cval=-1.0)
    candidates = []
    for row, column in np.argwhere(is_peak & (concordance >= peak)):
        step = int(row) - origin[0], int(column) - origin[1]
        # The map is the same on both sides of its origin.
        if step > (0, 0) and _dips(concordance, origin, step):
            candidates.append((float(np.hypot(*step)), step, float(concordance[row, column])))
    if not candidates:
        return []
    highest = max(height for _, _, height in candidates)
    candidates = sorted(one for one in candidates if one[2] >= BEST * highest)
    _, first, height = candidates[0]
    found = [(first, height)]
    for _, step, height in candidates[1:]:
        along = round((step[0] * first[0] + step[1] * first[1]) / (first[0] ** 2 + first[1] ** 2))
        rest = step[0] - along * first[0], step[1] - along * first[1]
        if _is_down(step) != _is_down(first) and _dips(concordance, origin, rest):
            return [*found, (step, height)]
    return found


def self_concordance(image: Image) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """The concordance of an image with itself at every displacement of up to half its sides.

    Args:
      image: `[H, W, K]` uint8.
    Returns:
      The map `[2 (H // 2) + 1, 2 (W // 2) + 1]`, of the parts that overlap, and the place of displacement 0.
      Parts that are both of one colour have nothing to compare: they count as 0.
    """
    pixels = image.astype(np.float64) - image.mean()
    height, width, channels = pixels.shape
    half = (height // 2, width // 2)
    rows = slice(height - 1 - half[0], height + half[0])
    columns = slice(width - 1 - half[1], width + half[1])

    def correlated(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """At each displacement d the mean over the overlap of one(x + d) other(x)."""
        products = [scipy.signal.fftconvolve(one[..., k], other[::-1, ::-1, k]) for k in range(channels)]
        return np.sum(products, axis=0)[rows, columns]

    ones = np.ones_like(pixels)
    count = correlated(ones, ones)
    first, second = correlated(pixels, ones) / count, correlated(ones, pixels) / count
    covariance = correlated(pixels, pixels) / count - first * second
    squares = (correlated(pixels**2, ones) + correlated(ones, pixels**2)) / count
    found = _concordance(covariance, squares - 2.0 * first * second)
    return np.round(found, 6), half  # so that equal values are equal


def _concordance(
    covariance: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Twice the covariance over the spread: both variances and the square of the means' difference."""
    floor = 0.5  # of squared grey levels: what is of one colour but for rounding
    return np.where(spread > floor, 2.0 * covariance / np.maximum(spread, floor), 0.0)


def _is_down(step: tuple[int, int]) -> bool:
    return abs(step[0]) > abs(step[1])


def _dips(concordance: npt.NDArray[np.float64], origin: tuple[int, int], step: tuple[int, int]) -> bool:
    """Whether an image becomes unlike itself on the way to a displacement, and then like itself again."""
    along = np.linspace(0.0, 1.0, 4 * max(abs(step[0]), abs(step[1]), 1) + 1)
    places = [origin[0] + along * step[0], origin[1] + along * step[1]]
    way = scipy.ndimage.map_coordinates(concordance, places, order=1, mode="nearest")
    return bool(way[-1] - way.min() >= DIP)


def _halves(image: Image) -> list[Image]:
    """Nine parts of half the sides, which overlap."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    return [
        image[
            row * height // 2 : row * height // 2 + height, column * width // 2 : column * width // 2 + width
        ]
        for row in range(3)
        for column in range(3)
    ]


def _most_copies(pixels: npt.NDArray[np.float64], size: tuple[int, int]) -> Repetition | None:
    """The element of a size that has the most copies; of equally many the one that these are most like."""
    channels = pixels.shape[2]
    numbers = size[0] * size[1] * channels

    def over_windows(
        image: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        return scipy.signal.correlate(image, weights, mode="valid")[..., 0] / numbers

    ones = np.ones((*size, channels))
    means = over_windows(pixels, ones)
    variances = np.maximum(over_windows(pixels**2, ones) - means**2, 0.0)
    # A window that is nearly of one colour is ground, not an element.
    worthy = np.argwhere(variances >= 0.25 * pixels.var())
    anchors = worthy[np.linspace(0, len(worthy) - 1, min(len(worthy), ANCHORS)).astype(int)]
    best: Repetition | None = None
    for row, column in anchors:
        element = pixels[row : row + size[0], column : column + size[1]]
        covariance = over_windows(pixels, element) - means * means[row, column]
        spread = variances + variances[row, column] + (means - means[row, column]) ** 2
        found = _peaks_apart(_concordance(covariance, spread), (int(row), int(column)), size)
        if len(found.copies) >= LEAST_COPIES and (best is None or _rank(found) > _rank(best)):
            best = found
    return best


def _rank(found: Repetition) -> tuple[int, float]:
    return len(found.copies), sum(found.likeness)


def _peaks_apart(
    likeness: npt.NDArray[np.float64], element: tuple[int, int], size: tuple[int, int]
) -> Repetition:
    """The most alike windows that do not overlap, one after another, from the element itself on."""
    left = likeness.copy()
    left[element] = np.inf
    places: list[tuple[int, int]] = []
    while left.max() >= ALIKE:
        row, column = (int(one) for one in np.unravel_index(np.argmax(left), left.shape))
        places.append((row, column))
        left[max(row - size[0] + 1, 0) : row + size[0], max(column - size[1] + 1, 0) : column + size[1]] = -1
    return Repetition(size, tuple(places), (1.0, *(float(likeness[one]) for one in places[1:])))
