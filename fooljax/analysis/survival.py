"""Whether a network's verdict survives small changes of an image: how fragile a fooling image is.

The changes are those that an image goes through on its way to a network: rounding, cropping a little
elsewhere, compression, a lens that is not sharp. A photograph keeps its class under all of them.
"""

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy
from PIL import Image

Images = npt.NDArray[np.uint8]
Score = Callable[[Images], npt.NDArray[np.floating]]
"""Images `[B, H, W, K]` uint8 to log-odds `[B, C]`, as `fooljax.score` of a network."""

QUALITY = 75
"""Of JPEG: what Pillow and libjpeg take by default. Colours are stored at half the resolution then."""
SIGMA = 1.0
"""Of the blur: the standard deviation of its Gaussian, in pixels."""
AT_ONCE = 128
"""Images that are changed at a time."""
SHIFTS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
"""Rows and columns that an image is moved by."""


class Survival(NamedTuple):
    """What a network says of images after one change; of the shifts the one that it is least sure of.

    Attributes:
      log_odds: `[B]` float64, of the class that each image was made for.
      named: `[B]` bool, whether the network still names that class first; of the shifts, after all four.
    """

    log_odds: npt.NDArray[np.float64]
    named: npt.NDArray[np.bool_]


def survive(
    score: Score, images: Images, classes: npt.NDArray[np.integer], draws: np.random.Generator
) -> dict[str, Survival]:
    """Shows a network the images after each change.

    Args:
      score: of the network.
      images: `[B, H, W, K]`, K 1 or 3.
      classes: `[B]`, the class that each image was made for.
      draws: gives the random signs.
    Returns:
      By name: `grey_level` adds or subtracts one grey level at random in every value;
      `shift` moves the image by one pixel, in four directions; `jpeg` compresses it with quality 75; `blur`
      is a Gaussian blur of 1 pixel's standard deviation.
    """
    changes: dict[str, Sequence[Callable[[Images], Images]]] = {
        "grey_level": [partial(grey_levels, draws=draws)],
        "shift": [partial(shifted, rows=rows, columns=columns) for rows, columns in SHIFTS.values()],
        "jpeg": [compressed],
        "blur": [blurred],
    }
    return {name: _after(score, images, np.asarray(classes), parts) for name, parts in changes.items()}


def _after(
    score: Score,
    images: Images,
    classes: npt.NDArray[np.integer],
    changes: Sequence[Callable[[Images], Images]],
) -> Survival:
    """What the network says after each of some changes, the worst of them."""
    least, named = np.full(len(images), np.inf), np.ones(len(images), bool)
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        for change in changes:
            odds = np.asarray(score(change(images[part])), np.float64)
            least[part] = np.minimum(least[part], odds[np.arange(len(odds)), classes[part]])
            named[part] &= np.argmax(odds, axis=1) == classes[part]
    return Survival(least, named)


def grey_levels(images: Images, draws: np.random.Generator) -> Images:
    """Adds 1 to or subtracts 1 from every value, by a fair coin; none leaves 0 to 255."""
    signs = 2 * draws.integers(0, 2, images.shape, np.int8) - 1
    return np.clip(images + signs.astype(np.int16), 0, 255).astype(np.uint8)


def shifted(images: Images, rows: int, columns: int) -> Images:
    """Moves images down and to the right by so many pixels; the border that comes in repeats the edge."""
    amounts = ((0, 0), *((max(step, 0), max(-step, 0)) for step in (rows, columns)), (0, 0))
    padded = np.pad(images, amounts, mode="edge")
    height, width = images.shape[1:3]
    return padded[:, max(-rows, 0) :, max(-columns, 0) :][:, :height, :width]


def compressed(images: Images, quality: int = QUALITY) -> Images:
    """Writes images as JPEG and reads them again."""
    found = np.empty_like(images)
    for place, image in enumerate(images):
        stream = io.BytesIO()
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(
            stream, "JPEG", quality=quality
        )
        with Image.open(stream, formats=["JPEG"]) as file:
            found[place] = np.asarray(file).reshape(image.shape)
    return found


def blurred(images: Images, sigma: float = SIGMA) -> Images:
    """Blurs each channel; beyond the border the edge goes on."""
    soft = scipy.ndimage.gaussian_filter(images.astype(np.float32), (0.0, sigma, sigma, 0.0), mode="nearest")
    return np.rint(soft).astype(np.uint8)
