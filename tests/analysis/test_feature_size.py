"""Bands hold the frequencies they say, shuffling keeps the pixels, and the size that matters is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.analysis.feature_size import band, grid_places, shuffled, size_at_level
from fooljax.errors import InputError

X = np.arange(28) + 0.5


def wave(cycles, mean=120):
    """Stripes of so many cycles per image, whose mirror goes on as they do."""
    row = mean + 80 * np.cos(2 * np.pi * cycles * X / 28)
    return np.rint(np.broadcast_to(row[:, None], (28, 28, 1)).swapaxes(0, 1)).astype(np.uint8)


@pytest.mark.parametrize("cycles", [1, 2, 5, 9.5])
def test_a_band_holds_the_waves_in_it_and_the_mean(cycles):
    image = wave(cycles)
    assert np.abs(band(image, 0, cycles + 0.5).astype(int) - image).max() <= 1
    assert np.abs(band(image, cycles, np.inf).astype(int) - image).max() <= 1
    for low, high in ((0, cycles), (cycles + 0.5, np.inf)):
        assert np.abs(band(image, low, high).astype(int) - 120).max() <= 1


def test_all_frequencies_are_the_image():
    image = np.random.default_rng(0).integers(0, 256, (15, 20, 3), np.uint8)
    assert np.array_equal(band(image, 0, np.inf), image)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**31))
def test_shuffling_moves_pieces_and_loses_no_pixel(side, seed):
    image = np.arange(13 * 17, dtype=np.uint8).reshape(13, 17, 1)
    moved = shuffled(image, side, np.random.default_rng(seed))
    assert np.array_equal(np.sort(moved, axis=None), np.sort(image, axis=None))
    rows, columns = 13 // side, 17 // side
    top, left = (13 - rows * side) // 2, (17 - columns * side) // 2
    margin = np.ones((13, 17), bool)
    margin[top : top + rows * side, left : left + columns * side] = False
    assert np.array_equal(moved[margin], image[margin])
    pieces = {
        image[top + side * r :, left + side * c :][:side, :side].tobytes()
        for r in range(rows)
        for c in range(columns)
    }
    assert {
        moved[top + side * r :, left + side * c :][:side, :side].tobytes()
        for r in range(rows)
        for c in range(columns)
    } == pieces


def test_pieces_of_one_pixel_lose_the_place_of_everything():
    image = np.repeat(np.arange(28, dtype=np.uint8)[:, None, None], 28, axis=1)
    moved = shuffled(image, 1, np.random.default_rng(0))
    assert abs(np.corrcoef(moved.ravel(), image.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("side", [1, 2, 5, 7, 14, 28])
def test_windows_on_a_grid_cover_the_image(side):
    seen = np.zeros((28, 28), int)
    for top, left in grid_places((28, 28, 1), side):
        assert seen[top : top + side, left : left + side].size == side**2
        seen[top : top + side, left : left + side] += 1
    assert seen.min() >= 1


def test_the_crossing_of_a_line_over_the_logarithm():
    assert size_at_level([1, 2, 4, 8], [0.0, 0.25, 0.75, 1.0]) == pytest.approx(2 * 2**0.5)
    assert size_at_level([1, 2, 4], [0.8, 0.9, 1.0]) == 0.0
    assert size_at_level([1, 2, 4], [0.1, 0.2, 0.3]) == np.inf
    assert size_at_level([1, 2, 4, 8], [0.6, 0.4, 0.6, 0.9]) == pytest.approx(2 * 2**0.5)
    assert size_at_level([1, 2, 4, 8], [0.6, 0.4, 0.6, 0.9], least=True) == 0.0
    assert size_at_level([1, 2, 4, 8], [0.25, 0.75, 0.4, 0.3], least=True) == pytest.approx(2**0.5)
    assert size_at_level([1, 2, 4, 8], [0.25, 0.75, 0.4, 0.3]) == np.inf
    assert size_at_level([1, 2], [0.1, 0.4], least=True) == np.inf


def test_what_cannot_be_done_is_one_line():
    image = np.zeros((28, 28, 1), np.uint8)
    with pytest.raises(InputError, match=r"^low, high: expected 0 <= low < high, got 3 and 3"):
        band(image, 3, 3)
    for side in (0, 28):
        with pytest.raises(InputError, match=r"^side: expected a side of which two pieces or more"):
            shuffled(image, side, np.random.default_rng(0))
