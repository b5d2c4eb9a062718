"""A strip of images with captions."""

import numpy as np
import pytest
from pages import decode, places, texts

from fooljax.errors import InputError
from fooljax.report import png_bytes, strip


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 8, 19])
def test_a_strip_shows_every_pixel_in_the_order_of_reading(count, channels):
    images = np.random.default_rng(6).integers(0, 256, (count, 7, 5, channels), np.uint8)
    figure = strip(images, [[f"first {i}", r"$\frac{$"] for i in range(count)], ["some words " * 40, ""])
    drawn = decode(png_bytes(figure))
    tiles = np.broadcast_to(images, (*images.shape[:3], 3)).repeat(24, axis=1).repeat(24, axis=2)
    corners = [places(drawn, tile) for tile in tiles]
    assert all(len(found) == 1 for found in corners)
    in_order = [found[0] for found in corners]
    assert in_order == sorted(in_order)
    assert len({y for y, _ in in_order}) == -(-count // 8)
    assert all(0 <= x < 1 and 0 < y < 1 for x, y in (text.get_position() for text in figure.texts))
    assert texts(figure).count("first 0") == 1


@pytest.mark.parametrize(
    ("images", "captions"),
    [
        (np.zeros((2, 2, 1)), [[""]] * 2),
        (np.zeros((0, 2, 2, 1)), []),
        (np.zeros((2, 2, 2, 2)), [[""]] * 2),
        (np.full((1, 2, 2, 1), 2.0), [[""]]),
        (np.zeros((2, 2, 2, 1)), [[""]]),
        (np.zeros((201, 2, 2, 1)), [[""]] * 201),
    ],
)
def test_a_strip_refuses_what_it_cannot_draw(images, captions):
    with pytest.raises(InputError):
        strip(images, captions)
