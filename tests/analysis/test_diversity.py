"""Distances between runs and classes, and ancestors in common, of made images with known answers."""

import numpy as np
import pytest

from fooljax.analysis.diversity import (
    distance_metrics,
    images_by_class,
    pair_distances,
    pairs_within,
    probability_smaller,
    relatives_closer,
    shared_ancestry,
)
from fooljax.errors import InputError


def test_pairs_are_told_apart_by_what_they_share():
    """Two runs of three classes: the place is 10 x the run + the class."""
    vectors = np.asarray([[[10.0 * run + index] for index in range(3)] for run in range(2)])
    found = pair_distances(vectors)
    assert found.same_class.tolist() == [10, 10, 10]
    assert sorted(found.same_run.tolist()) == [1, 1, 1, 1, 2, 2]
    assert sorted(found.apart.tolist()) == [8, 9, 9, 11, 11, 12]


def test_a_row_tells_medians_and_none_where_there_are_no_pairs():
    found = distance_metrics(np.asarray([[[0.0], [1.0], [5.0]]]))
    assert found == {"same_class": None, "same_run": 4, "apart": None, "closer": None, "closer_apart": None}
    assert distance_metrics(np.asarray([[[0.0], [9.0]], [[1.0], [8.0]]]))["closer"] == 1


def test_relatives_are_held_against_other_pairs_of_one_run():
    """Classes 0 and 1 are dogs, 2 and 3 cats, 4 has no family; a run far away changes nothing."""
    families = ["dogs", "dogs", "cats", "cats", ""]
    near = np.asarray([[0.0, 1.0, 10.0, 11.0, 20.0]])[..., None]
    assert relatives_closer(near, families) == 1.0
    assert relatives_closer(np.concatenate([near, near + 500.0]), families) == 1.0
    apart = np.asarray([[0.0, 30.0, 10.0, 50.0, 20.0]])[..., None]
    assert relatives_closer(apart, families) < 0.5
    assert relatives_closer(near, [""] * 5) is None
    assert relatives_closer(near[:, :2], ["dogs", "dogs"]) is None


def test_every_pair_is_counted_once():
    vectors = np.random.default_rng(0).standard_normal((5, 10, 7))
    found = pair_distances(vectors)
    assert found.same_class.size == 10 * 5 * 4 / 2
    assert found.same_run.size == 5 * 10 * 9 / 2
    assert sum(map(len, found)) == 50 * 49 / 2
    assert pairs_within(vectors[0]) == pytest.approx(found.same_run[:45].tolist())


def test_classes_that_decide_the_image_make_a_class_closer_and_runs_that_decide_it_do_not():
    generator = np.random.default_rng(1)
    noise = 0.1 * generator.standard_normal((5, 10, 7))
    by_class = pair_distances(generator.standard_normal((1, 10, 7)) + noise)
    by_run = pair_distances(generator.standard_normal((5, 1, 7)) + noise)
    neither = pair_distances(generator.standard_normal((20, 10, 7)))
    assert probability_smaller(by_class.same_class, by_class.same_run) == 1
    assert probability_smaller(by_run.same_class, by_run.same_run) == 0
    assert probability_smaller(neither.same_class, neither.apart) == pytest.approx(0.5, abs=0.03)


def test_closer_is_the_share_of_pairs():
    assert probability_smaller(np.asarray([1.0, 2]), np.asarray([2.0, 3])) == pytest.approx(3.5 / 4)
    assert np.isnan(probability_smaller(np.asarray([]), np.asarray([1.0])))


def test_ancestors_in_common_are_a_share_of_the_shorter_line():
    lines = [[9, 5, 2, 1], [5, 2, 1], [8, 2, 1], [7, 3]]
    assert shared_ancestry(lines) == pytest.approx([1, 2 / 3, 0, 2 / 3, 0, 0])
    assert shared_ancestry([[4], [4]]).tolist() == [1]


def test_clean_images_stand_by_class():
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    labels = np.asarray([1, 0, 1, 0, 0, 2])
    found = images_by_class(images, labels, (1, 0), 20)
    assert found[..., 0, 0, 0].tolist() == [[0, 1], [2, 3]]
    assert images_by_class(images, labels, (0,), 2)[..., 0, 0, 0].tolist() == [[1], [3]]
    with pytest.raises(InputError, match=r"^images: expected clean .*, found none of class 3"):
        images_by_class(images, labels, (0, 3), 2)


def test_what_is_no_set_of_images_is_named():
    with pytest.raises(InputError, match=r"^vectors: expected finite numbers \[R, C, F\], got \[3, 4\]"):
        pair_distances(np.zeros((3, 4)))
    with pytest.raises(InputError, match=r"^lines: expected at least one id"):
        shared_ancestry([[1], []])
