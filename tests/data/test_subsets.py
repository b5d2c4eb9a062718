"""Some images instead of all show every class, however a file is sorted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooljax.data.subsets import mixed_subset


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 70))
def test_each_image_is_chosen_once_and_always_the_same_ones(labels, count):
    labels = np.array(labels, int)
    chosen = mixed_subset(labels, count)
    assert len(set(chosen.tolist())) == len(chosen) == min(count, len(labels))
    assert np.array_equal(chosen, mixed_subset(labels, count))


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("turn", [1, -1])
def test_files_that_are_sorted_by_class_give_every_class_its_share(classes, turn):
    labels = np.repeat(np.arange(classes), 6000 // classes)[::turn]
    for count in (500, 1500, 4000):
        shares = np.bincount(labels[mixed_subset(labels, count)], minlength=classes) / count
        assert np.allclose(shares, 1 / classes, atol=0.05)


def test_files_in_random_order_give_their_first_images():
    labels = np.random.default_rng(1).integers(10, size=10_000)
    for count in (500, 800, 2000):
        assert np.array_equal(mixed_subset(labels, count), np.arange(count))


def test_classes_without_images_do_not_count():
    assert mixed_subset(np.array([1, 3] * 50), 10).tolist() == list(range(10))
