"""The gallery: every pixel in its place, and labels that are true."""

import numpy as np
import pytest
from pages import decode, places, texts

from fooljax.engine.log_odds import NO_VALUE
from fooljax.errors import InputError
from fooljax.report import gallery, png_bytes


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("as_floats", [False, True])
def test_gallery_shows_every_pixel_of_every_image_in_its_place(channels, as_floats):
    runs, classes, scale = 2, 3, 7
    images = np.random.default_rng(0).integers(0, 256, (runs, classes, 5, 4, channels), np.uint8)
    given_images = images / 255.0 if as_floats else images
    drawn = decode(png_bytes(gallery(given_images, np.zeros((runs, classes)), scale=scale)))
    tiles = np.broadcast_to(images, (*images.shape[:4], 3)).repeat(scale, axis=2).repeat(scale, axis=3)
    found = [[places(drawn, tile) for tile in row] for row in tiles]
    assert all(len(corners) == 1 for row in found for corners in row)
    corners = np.asarray(found)[:, :, 0]
    assert len(set(corners[:, :, 0].ravel())) == runs
    assert np.all(np.diff(corners[:, :, 0], axis=0) > 0)
    assert len(set(corners[:, :, 1].ravel())) == classes
    assert np.all(np.diff(corners[:, :, 1], axis=1) > 0)


@pytest.mark.parametrize("empty", [-np.inf, np.nan, None])
def test_gallery_draws_an_empty_cell_as_a_dash_whatever_its_image(empty):
    images = np.full((1, 2, 4, 4, 1), 0.5)
    images[0, 1] = np.nan
    figure = gallery(images, [[10.0, empty]], ["seen", "empty"])
    png_bytes(figure)
    assert texts(figure).count(NO_VALUE) == 1
    assert texts(figure).count("99.99 %") == 1


def test_gallery_of_one_run_equals_its_rank_five_form():
    images = np.random.default_rng(1).random((3, 4, 4, 1))
    assert png_bytes(gallery(images, [1, 2, 3])) == png_bytes(gallery(images[None], [[1, 2, 3]]))


def test_gallery_wraps_many_classes_into_blocks_that_hold_them_all():
    names = [f"class {index}" for index in range(45)]
    figure = gallery(np.zeros((45, 2, 2, 1)), np.zeros(45), names)
    heads = [text for text in figure.texts if text.get_text() in names]
    assert len(heads) == 45
    assert len({round(text.get_position()[0], 6) for text in heads}) <= 20
    assert all(0 < x < 1 and 0 < y < 1 for x, y in (text.get_position() for text in figure.texts))


def test_names_are_never_formulas():
    png_bytes(gallery(np.zeros((1, 2, 2, 1)), [0], [r"$\frac{$"]))


@pytest.mark.parametrize(
    "arguments",
    [
        {"images": np.zeros((2, 2, 1))},
        {"images": np.zeros((1, 2, 2, 2))},
        {"images": np.full((1, 2, 2, 1), 1.5)},
        {"images": np.full((1, 2, 2, 1), np.nan)},
        {"images": np.zeros((1, 2, 2, 1), np.int32)},
        {"images": np.zeros((1, 2, 2, 1)), "log_odds": [1, 2]},
        {"images": np.zeros((1, 2, 2, 1)), "class_names": ["a", "b"]},
        {"images": np.zeros((1, 2, 2, 1)), "row_names": []},
        {"images": np.zeros((1, 2, 2, 1)), "scale": 0},
        {"images": np.zeros((1001, 2, 2, 1))},
    ],
)
def test_gallery_refuses_what_it_cannot_draw(arguments):
    with pytest.raises(InputError):
        gallery(**arguments)
