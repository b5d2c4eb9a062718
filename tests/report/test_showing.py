"""A picture in a notebook: what IPython is given, and what a screen reader says."""

import base64

import jax.numpy as jnp
import numpy as np
import pytest

import fooljax
from fooljax.errors import InputError
from fooljax.report import png_bytes


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_a_notebook_is_given_the_picture_and_its_words(kind):
    image = kind(np.arange(12, dtype=np.uint8).reshape(3, 4, 1))
    data, told = fooljax.show(image, "A small ramp.")._repr_mimebundle_(include=None, exclude=None)
    assert base64.b64decode(data["image/png"]) == png_bytes(image)
    assert data["text/plain"] == "A small ramp."
    assert told == {"image/png": {"width": 4, "alt": "A small ramp."}}


def test_a_figure_is_shown_at_half_of_its_pixels_and_prints_as_its_words():
    shown = fooljax.show(fooljax.gallery(np.zeros((2, 4, 4, 1))), "Two black images.")
    assert abs(shown.width - int.from_bytes(shown.png[16:20], "big") / 2) <= 0.5
    assert repr(shown) == "Showing(text='Two black images.')"


@pytest.mark.parametrize("text", ["", "  ", None])
def test_a_picture_without_words_is_refused(text):
    with pytest.raises(InputError, match="text: expected a sentence that says what there is to see"):
        fooljax.show(np.zeros((2, 2, 1)), text)
