"""Both estimators find the dimension of what was made with a known one, and agree with another library."""

import numpy as np
import pytest

from fooljax.analysis.intrinsic_dimension import (
    by_likelihood,
    by_two_neighbours,
    dimensions,
    distinct,
    nearest_distances,
)
from fooljax.errors import InputError

KS = (5, 10, 20)


def flat(generator, dimension, count=600, space=60):
    """Normal points of some dimension in a larger space, turned at random."""
    axes = np.linalg.qr(generator.normal(size=(space, dimension)))[0]
    return generator.normal(size=(count, dimension)) @ axes.T


def sphere(generator, count=600):
    """Points on a sphere, a curved surface of dimension 2."""
    points = generator.normal(size=(count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def swiss_roll(generator, count=600):
    turn, height = generator.uniform(4.5, 14.0, count), generator.uniform(0.0, 20.0, count)
    return np.stack([turn * np.cos(turn), height, turn * np.sin(turn)], axis=1)


@pytest.mark.parametrize(
    ("make", "dimension"),
    [
        (lambda g: flat(g, 1), 1),
        (lambda g: flat(g, 2), 2),
        (lambda g: flat(g, 5), 5),
        (sphere, 2),
        (swiss_roll, 2),
    ],
    ids=["line", "plane", "five", "sphere", "swiss roll"],
)
def test_a_known_dimension_is_found(make, dimension):
    found = dimensions(make(np.random.default_rng(0)), KS, draws=8)
    assert set(found) == {"k = 5", "k = 10", "k = 20", "TwoNN"}
    for one in found.values():
        assert one.interval.estimate == pytest.approx(dimension, rel=0.12)
        assert one.interval.low <= one.interval.estimate <= one.interval.high


def test_more_dimensions_are_more_though_many_are_underestimated():
    rng = np.random.default_rng(1)
    found = [dimensions(flat(rng, d), KS, draws=2) for d in (5, 10, 20, 40)]
    for name in found[0]:
        estimates = [one[name].interval.estimate for one in found]
        assert estimates == sorted(estimates)
        assert estimates[-1] < 40


def test_images_of_a_stroke_that_turns_have_one_dimension():
    angles = np.random.default_rng(2).uniform(0, np.pi, 600)
    y, x = np.mgrid[-1:1:28j, -1:1:28j]
    apart = x[None] * np.cos(angles)[:, None, None] + y[None] * np.sin(angles)[:, None, None]
    images = np.rint(255 * np.exp(-((apart / 0.4) ** 2))).astype(np.uint8)
    assert dimensions(images, KS, draws=2)["k = 20"].interval.estimate == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("estimator", ["k = 10", "TwoNN"])
def test_intervals_by_halves_cover_other_samples(estimator):
    """The truth here is the estimator's mean over samples of this size: its bias is no spread."""
    rng = np.random.default_rng(3)
    samples = [dimensions(flat(rng, 5, 200, 8), (10,), draws=30)[estimator].interval for _ in range(60)]
    truth = np.mean([one.estimate for one in samples])
    assert np.mean([one.low <= truth <= one.high for one in samples]) >= 0.85


def test_distances_are_those_of_every_pair_though_few_are_held(monkeypatch):
    points = np.random.default_rng(4).integers(0, 256, (50, 30)).astype(np.float64)
    whole = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1:6]
    assert np.allclose(nearest_distances(points, 5), whole)
    monkeypatch.setattr("fooljax.analysis.intrinsic_dimension.MOST_AT_ONCE", 120)
    assert np.allclose(nearest_distances(points, 5), whole)


def test_equal_points_count_once():
    points = np.random.default_rng(5).normal(size=(100, 3))
    twice = np.concatenate([points, points[:40]])
    assert np.array_equal(distinct(twice), points)
    assert dimensions(twice, (5,), draws=2)["TwoNN"].points == 100


def test_what_cannot_be_estimated_is_one_line():
    points = np.random.default_rng(6).normal(size=(41, 3))
    with pytest.raises(InputError, match=r"^points: expected more than 41 different ones, got 41"):
        dimensions(points, KS)
    with pytest.raises(InputError, match=r"^points: expected \[N, \.\.\.\] numbers, got \[3\]"):
        distinct(np.zeros(3))
    with pytest.raises(InputError, match=r"^points: expected finite numbers"):
        distinct([[1.0, np.nan]])
    with pytest.raises(InputError, match=r"^k: expected 1 to 40 neighbours among 41 points, got 41"):
        nearest_distances(points, 41)
    with pytest.raises(InputError, match=r"^k: expected 2 to 5 neighbours, got 6"):
        by_likelihood(nearest_distances(points, 5), 6)


@pytest.mark.parametrize("dimension", [2, 10, 20])
def test_scikit_dimension_says_the_same(dimension):
    ids = pytest.importorskip("skdim.id")
    points = flat(np.random.default_rng(7), dimension)
    distances = nearest_distances(points, 20)
    for k in KS:
        other = ids.MLE(K=k).fit(points, comb="mle", n_neighbors=k).dimension_
        assert by_likelihood(distances, k) == pytest.approx(other, rel=1e-6)
    # It leaves out a tenth of the ratios in another way where their number is no multiple of ten.
    assert by_two_neighbours(distances) == pytest.approx(ids.TwoNN().fit(points).dimension_, rel=0.01)
