"""Repeated elements are found with their period, size and number; what does not repeat is let alone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fooljax.analysis.repetition import find_repetition, periods, self_concordance
from fooljax.data import load
from fooljax.errors import InputError

Y, X = np.mgrid[:28, :28]


def image_of(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)[..., None]


def elements(places, element, ground=0, side=28):
    image = np.full((side, side, 1), ground, np.uint8)
    for top, left in places:
        image[top : top + element.shape[0], left : left + element.shape[1], 0] = element
    return image


ELEMENT = np.random.default_rng(1).integers(60, 256, (4, 5)).astype(np.uint8)
GRID = [(top, left) for top in (2, 11, 20) for left in (1, 8, 15, 22)]


@pytest.mark.parametrize(
    ("values", "step", "size", "copies"),
    [
        (127 + 127 * np.sin(2 * np.pi * X / 6), (0, 6), (6, 6), 16),
        (255.0 * (Y % 7 < 3), (7, 0), (7, 7), range(12, 17)),
        (127 + 127 * np.sin(2 * np.pi * (X + Y) / 8), (4, 4), (6, 6), range(12, 17)),
        (127 + 60 * np.sin(2 * np.pi * X / 9) + 60 * np.sin(2 * np.pi * Y / 9), (0, 9), (9, 9), 9),
    ],
    ids=["upright", "level", "slanting", "chequered"],
)
def test_stripes_have_one_period_and_square_elements(values, step, size, copies):
    image = image_of(values)
    assert periods(image)[0][0] == step
    found = find_repetition(image)
    assert found.size == size
    assert len(found.copies) in (copies if isinstance(copies, range) else [copies])


def test_a_lattice_of_elements_is_found_whole():
    image = elements(GRID, ELEMENT)
    assert {step for step, _ in periods(image)} == {(9, 0), (0, 7)}
    found = find_repetition(image)
    assert found.size == (9, 7)
    assert len(found.copies) >= 9  # in some places the image ends before the period does
    steps = np.asarray(found.copies) - found.copies[0]
    assert not np.any(steps % [9, 7])
    assert np.allclose(found.likeness, 1.0)


def test_copies_that_differ_a_little_are_copies():
    noisy = elements(GRID, ELEMENT).astype(float) + np.random.default_rng(0).normal(0, 12, (28, 28, 1))
    found = find_repetition(image_of(noisy[..., 0]))
    assert found.size == (9, 7)
    assert len(found.copies) >= 9
    assert min(found.likeness) >= 0.7


def test_rings_repeat_in_parts_though_not_as_a_whole():
    image = image_of(127 + 127 * np.sin(np.hypot(X - 14, Y - 14)))
    assert not periods(image)
    found = find_repetition(image)
    assert found.size == (6, 6)
    assert len(found.copies) >= 4


@pytest.mark.parametrize(
    "values",
    [
        9.0 * X,
        4.5 * (X + Y),
        255 * np.exp(-((X - 14) ** 2 + (Y - 14) ** 2) / 40),
        255 * np.exp(-((np.hypot(X - 14, Y - 14) - 8) ** 2) / 4),
        255.0 * (abs(X - 14) < 2),
        7.0 + 0 * X,
    ],
    ids=["slope", "slanting slope", "blob", "ring", "one bar", "one colour"],
)
def test_what_does_not_repeat_is_not_found(values):
    assert find_repetition(image_of(values)) is None


def test_by_chance_next_to_nothing_is_found():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (28, 28, 1), np.uint8) for _ in range(20)]
    for sigma in (1.0, 2.0, 3.0):
        smooth = [gaussian_filter(rng.normal(size=(28, 28)), sigma) for _ in range(12)]
        noise += [image_of(127 + 60 * one / one.std()) for one in smooth]
    assert sum(find_repetition(one) is not None for one in noise) <= 2
    digits = load("embedded").test_images[:40]
    assert sum(find_repetition(one) is not None for one in digits) <= 4


def test_windows_of_colour_and_of_other_sizes():
    grey = elements([(t, c) for t in range(3, 36, 10) for c in range(2, 36, 8)], ELEMENT, 20, 40)
    coloured = np.concatenate([grey, 255 - grey, grey], axis=-1)
    assert find_repetition(coloured).size == (10, 8)


def test_the_map_is_that_of_a_plain_sum():
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (10, 9, 2), np.uint8)
    found, origin = self_concordance(image)
    assert found[origin] == pytest.approx(1.0)
    for rows, columns in ((0, 3), (4, 0), (2, -3), (-5, 4)):
        first = image[max(rows, 0) : 10 + min(rows, 0), max(columns, 0) : 9 + min(columns, 0)].astype(float)
        other = image[max(-rows, 0) : 10 - max(rows, 0), max(-columns, 0) : 9 - max(columns, 0)].astype(float)
        covariance = np.mean(first * other) - first.mean() * other.mean()
        expected = 2 * covariance / (first.var() + other.var() + (first.mean() - other.mean()) ** 2)
        assert found[origin[0] + rows, origin[1] + columns] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [(28, 28), (7, 28, 1)])
def test_what_is_no_image_is_one_line(shape):
    with pytest.raises(InputError, match=r"^image: expected \[H, W, K\] uint8"):
        find_repetition(np.zeros(shape, np.uint8))
