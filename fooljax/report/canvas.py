"""A sheet with images and text at exact places, which figures that show images are drawn on."""

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from fooljax.errors import InputError
from fooljax.report.fonts import fit

DENSITY = 2
"""Pixels of a figure per CSS pixel, so that its text is sharp on dense screens."""
DPI = 100 * DENSITY
TILE = 168
"""Pixels of an image's longer side where no scale is given."""
MIN_CELL = 156
"""Narrowest cell in pixels: the longest confidence fits below an image."""
GAP = 14
LINE = 32
"""Pixels of a line of text."""
CHARACTER = 15
"""Pixels of an average character; names that are longer than their place are cut."""
FONT = 8
FRAME = 138
"""Grey level of the line around an image."""
INK = "#222222"


MIN_SHEET = 8 * (MIN_CELL + GAP)
"""Narrowest sheet in pixels that has paragraphs: they need room, even where there are few images."""


class Line(NamedTuple):
    """A line of text below an image."""

    text: str
    colour: str = INK


class Canvas:
    """A white sheet; places are pixels from the top left."""

    def __init__(self, height: int, width: int) -> None:
        self._paper = np.full((height, width, 3), 255, np.uint8)
        self._figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)

    def image(self, pixels: npt.NDArray[Any], top: int, left: int, scale: int) -> None:
        """Draws an image, `[H, W, K]`, every pixel as `scale` x `scale` pixels of exactly its colour."""
        tile = eight_bits(pixels).repeat(scale, axis=0).repeat(scale, axis=1)
        bottom, right = top + tile.shape[0], left + tile.shape[1]
        # A frame around, not over, the image: white images need an edge.
        self._paper[top - 1 : bottom + 1, left - 1 : right + 1] = FRAME
        self._paper[top:bottom, left:right] = tile

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        va: str,
        ha: str = "center",
        weight: str = "normal",
        colour: str = INK,
    ) -> None:
        """Writes a line. Names are text, never formulas: "$" is drawn as it is."""
        height, width = self._paper.shape[:2]
        style: dict[str, Any] = {"fontsize": FONT, "fontweight": weight, "color": colour}
        fit(self._figure.text(x / width, 1 - y / height, text, ha=ha, va=va, **style))

    def finish(self) -> Figure:
        """The sheet as a figure."""
        self._figure.add_artist(_Paper(self._paper))
        return self._figure


def cut(name: str, width: int) -> str:
    """A name on one line, cut with an ellipsis where it would leave its place."""
    name = " ".join(name.split())
    # Chinese, Japanese and Korean characters are half as wide again.
    ends = np.cumsum([1.5 if unicodedata.east_asian_width(one) in "WF" else 1.0 for one in name])
    fitting = max(1, width // CHARACTER)
    if not name or ends[-1] <= fitting:
        return name
    return name[: int(np.sum(ends <= fitting - 1))].rstrip() + "…"


def wrapped(paragraphs: Sequence[str], width: int) -> list[str]:
    """Paragraphs as lines that fit into a sheet."""
    return [line for text in paragraphs for line in textwrap.wrap(text, width // CHARACTER) or [""]]


def eight_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """uint8 as it is; floats in [0, 1] to the nearest of 256 levels."""
    if pixels.dtype == np.uint8:
        return pixels
    if not np.issubdtype(pixels.dtype, np.floating) or not np.all((pixels >= 0) & (pixels <= 1)):
        raise InputError(f"images: expected uint8, or floats in [0, 1], got {pixels.dtype} outside of it")
    return np.round(pixels.astype(np.float64) * 255).astype(np.uint8)


class _Paper(Artist):
    """Pixels `[H, W, 3]` behind everything else, copied one by one.

    Matplotlib's own images are resampled even at one pixel per pixel, in float64: 5 GB for 1,000 tiles.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        super().__init__()
        self.set_zorder(-1)
        # Renderers count rows from the bottom, and want opacity.
        self._pixels = np.pad(pixels[::-1], ((0, 0), (0, 0), (0, 1)), constant_values=255)

    def draw(self, renderer: RendererBase) -> None:
        renderer.draw_image(renderer.new_gc(), 0, 0, self._pixels)
