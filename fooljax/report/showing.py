"""A figure or an image in a notebook, with words for readers who cannot see it."""

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.errors import InputError, shown
from fooljax.report.canvas import DENSITY
from fooljax.report.pictures import png_size
from fooljax.report.png import png_bytes


@dataclass(frozen=True)
class Showing:
    """What a notebook shows where it is the last value of a cell; elsewhere its words are printed.

    Attributes:
      text: what there is to see, for readers who cannot see it.
      png: the content of a PNG file.
      width: in CSS pixels.
    """

    text: str
    png: bytes = field(repr=False)
    width: int = field(repr=False)

    def _repr_mimebundle_(self, **wanted: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """The picture and its words, as IPython asks for them."""
        del wanted
        picture = base64.b64encode(self.png).decode()
        return (
            {"image/png": picture, "text/plain": self.text},
            {"image/png": {"width": self.width, "alt": self.text}},
        )


def show(figure_or_array: Figure | npt.NDArray[Any], text: str) -> Showing:
    """Shows a figure or an image in a notebook: let it be the last value of a cell.

    Args:
      figure_or_array: what `gallery`, `curves` or `strip` gave, or an image: see `save_png`.
      text: one sentence that says what there is to see. Screen readers read it aloud.
    Returns:
      A value that Jupyter, Colab and other notebooks draw as a picture.
    Raises:
      InputError: there is no text, or an array is not an image.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"text: expected a sentence that says what there is to see, got {shown(repr(text))}")
    png = png_bytes(figure_or_array)
    width, _ = png_size(png, "figure_or_array")
    return Showing(text, png, round(width / DENSITY) if isinstance(figure_or_array, Figure) else width)
