"""The nearest training image and the percentile of its distance, against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from scipy import stats

from fooljax.analysis import nearest as module
from fooljax.analysis.nearest import nearest, percentiles, pixels
from fooljax.errors import InputError


def drawn(seed, count, width):
    return np.random.default_rng(seed).random((count, width), np.float32)


@pytest.mark.parametrize("block", [7, 40, 2**24])
def test_it_finds_what_scikit_learn_finds(block, monkeypatch):
    neighbors = pytest.importorskip("sklearn.neighbors")
    monkeypatch.setattr(module, "BLOCK", block)
    vectors, others = drawn(0, 23, 30), drawn(1, 40, 30)
    found = nearest(vectors, others)
    expected, index = neighbors.NearestNeighbors(n_neighbors=1).fit(others).kneighbors(vectors)
    np.testing.assert_allclose(found.distances, expected[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(found.indices, index[:, 0])


def test_a_training_image_is_at_distance_0_of_itself():
    others = drawn(2, 50, 784)
    found = nearest(others[[3, 41]], others)
    np.testing.assert_array_equal(found.distances, 0.0)
    np.testing.assert_array_equal(found.indices, [3, 41])


def test_vectors_far_from_0_lose_no_neighbour():
    """Sums of squares would have no digit left for the difference."""
    others = drawn(3, 30, 4) + np.float32(3000.0)
    np.testing.assert_array_equal(nearest(others, others).indices, np.arange(30))


@given(strategies.integers(0, 1000), strategies.floats(0.1, 10.0))
@settings(max_examples=20, deadline=None)
def test_distances_grow_with_the_scale_and_do_not_see_a_shift(seed, scale):
    vectors, others = drawn(seed, 5, 6), drawn(seed + 1, 9, 6)
    found = nearest(vectors, others)
    moved = nearest((vectors * scale + 1.0).astype(np.float32), (others * scale + 1.0).astype(np.float32))
    np.testing.assert_allclose(moved.distances, found.distances * scale, rtol=1e-3, atol=1e-5)


def test_pixels_are_in_0_to_1():
    images = np.asarray([0, 255, 51, 102], np.uint8).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(pixels(images), [[0.0, 1.0, 0.2, 0.4]])


def test_percentiles_by_hand():
    clean = np.asarray([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(percentiles(np.asarray([0.5, 2.0, 2.5, 9.0]), clean), [0.0, 37.5, 50.0, 100.0])


@given(strategies.lists(strategies.integers(0, 9), min_size=1), strategies.lists(strategies.integers(0, 9)))
@settings(max_examples=20, deadline=None)
def test_percentiles_are_those_of_scipy(clean, values):
    expected = [stats.percentileofscore(clean, value, kind="mean") for value in values]
    found = percentiles(np.asarray(values, float), np.asarray(clean, float))
    np.testing.assert_allclose(found, expected)


def test_clean_images_are_evenly_spread_over_their_own_percentiles():
    clean = np.random.default_rng(4).random(100)
    found = percentiles(clean, clean)
    np.testing.assert_allclose(np.sort(found), np.arange(100) + 0.5)


def test_arrays_that_do_not_fit_are_one_line():
    with pytest.raises(InputError, match=r"^others: expected \[N, 3\]"):
        nearest(drawn(0, 2, 3), drawn(0, 2, 4))
    with pytest.raises(InputError, match=r"^others: .* N at least 1, got \[0, 3\]"):
        nearest(drawn(0, 2, 3), drawn(0, 0, 3))
    with pytest.raises(InputError, match=r"^clean: expected at least one"):
        percentiles(np.ones(2), np.ones(0))
