"""Curves with bands, and rows of images with names: what is drawn is what was given."""

import io

import numpy as np
import pytest
from PIL import Image

from fooljax.analysis.statistics import Interval
from fooljax.errors import InputError
from fooljax.report import bands
from fooljax.report.labelled_rows import TILE, labelled_rows
from fooljax.report.png import png_bytes


def pixels_of(png):
    with Image.open(io.BytesIO(png)) as file:
        return np.asarray(file.convert("RGB"))


def curve(values):
    return [1, 2, 4], [Interval(value, value - 0.1, value + 0.1) for value in values]


def test_equal_curves_are_equal_pictures_and_others_are_not():
    panels = {"size": {"one": curve([0.1, 0.5, 0.9]), "two": curve([0.9, 0.5, 0.1])}}
    first, again = (bands.curves(panels, up="kept", level=0.5) for _ in range(2))
    assert first == again
    assert first != bands.curves({"size": {"one": curve([0.1, 0.5, 0.9])}}, up="kept", level=0.5)


@pytest.mark.parametrize(("panels", "lines"), [(1, 1), (3, 1), (4, 2), (6, 2)])
def test_at_most_three_panels_stand_beside_each_other(panels, lines):
    given = {f"size {number}": {"one": curve([0.0, 1.0, 2.0])} for number in range(panels)}
    height, width, _ = pixels_of(bands.curves(given, up="kept", limits=(-1.0, 3.0))).shape
    assert width == pytest.approx(200 * (1.5 + 3.4 * min(panels, 3)), abs=2)
    assert height == pytest.approx(200 * (1.2 + 3.4 * lines), abs=2)


def test_an_infinite_end_is_drawn_and_log_odds_have_confidences():
    ends = [Interval(value, -np.inf, np.inf) for value in (0.0, 5.0, 10.0)]
    assert bands.curves({"n": {"one": ([1, 2, 3], ends)}}, up="log-odds", log_odds=True).startswith(
        b"\x89PNG"
    )
    names = ("one", "all")
    two = [Interval(1.0, 0.0, 2.0), Interval(2.0, 1.0, 3.0)]
    assert bands.curves({"n": {"a": ([0, 1], two)}}, up="x", log_scale=False, places_called=names)


def test_every_pixel_of_a_row_s_images_is_a_square_of_its_colour():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 1), np.uint8)
    drawn = pixels_of(png_bytes(labelled_rows({"noise": images, "more": images[:1]})))
    scale = TILE // 4
    whole = np.repeat(np.repeat(images[0], scale, 0), scale, 1).repeat(3, axis=2)
    found = [
        (top, left)
        for top in range(drawn.shape[0] - TILE)
        for left in range(20)
        if np.array_equal(drawn[top : top + TILE, left : left + TILE], whole)
    ]
    assert len(found) == 2  # the first image of each row


def test_images_of_several_sizes_are_one_line():
    made = {"small": np.zeros((1, 4, 4, 1), np.uint8), "large": np.zeros((1, 5, 4, 1), np.uint8)}
    with pytest.raises(InputError, match=r"^kinds: expected images of one size in each, got sizes"):
        labelled_rows(made)
