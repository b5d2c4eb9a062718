"""The smallest changes are those that are known in closed form, and whatever is found keeps box and norm."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fooljax
from fooljax.perturbation import NORMS, noise_of_length, peak_signal_to_noise
from fooljax.perturbation.noise import NOISES
from fooljax.perturbation.sizes import LENGTHS, grey_levels

SHAPE = (4, 5, 1)
VALUES = int(np.prod(SHAPE))


def linear(params, images):
    weights, offsets = params
    return images.reshape(len(images), -1) @ weights + offsets[None]


@pytest.fixture(scope="module")
def target():
    """Two classes, so that the log-odds are the difference of the logits."""
    weights = 3.0 * jax.random.normal(jax.random.key(1), (VALUES, 2))
    return fooljax.as_target(
        linear, (weights, jnp.zeros(2)), image_shape=SHAPE, class_names=("left", "right")
    )


@pytest.fixture(scope="module")
def images():
    """In the middle of the box, so that small changes do not meet its walls."""
    return np.random.default_rng(0).integers(118, 138, (6, *SHAPE)).astype(np.uint8)


def margins(target, images, classes):
    """For each image the direction that raises the log-odds of its class, and the log-odds."""
    weights = np.asarray(target.params[0], np.float64)
    direction = np.where(classes[:, None] == 1, 1.0, -1.0) * (weights[:, 1] - weights[:, 0])
    return direction, np.sum(direction * images.reshape(len(images), -1) / 255.0, axis=1)


def others(target, images):
    return 1 - fooljax.score(target, images).argmax(axis=1)


@pytest.mark.parametrize(("method", "norm"), [("pgd", "l2"), ("pgd", "linf"), ("lbfgs", "l2")])
def test_a_linear_network_s_smallest_changes_are_found(target, images, method, norm):
    classes = others(target, images)
    direction, odds = margins(target, images, classes)
    dual = np.linalg.norm(direction, ord=2 if norm == "l2" else 1, axis=1)
    found = fooljax.perturb(
        target, images, classes, norm=norm, method=method, rounded=False, steps=10, check_target=False
    )
    assert found.found.all()
    np.testing.assert_allclose(found.length, -odds / dual, rtol=0.03)
    assert np.all(found.length >= -odds / dual - 1e-5), "smaller than the smallest there is"


def test_a_confidence_costs_as_much_as_its_log_odds(target, images):
    classes = others(target, images)
    direction, odds = margins(target, images, classes)
    found = fooljax.perturb(
        target, images, classes, confidence=0.9, rounded=False, check_target=False, within=10.0
    )
    wanted = (np.log(9.0) - odds) / np.linalg.norm(direction, axis=1)
    np.testing.assert_allclose(found.length, wanted, rtol=0.03)


@pytest.mark.parametrize("method", ["pgd", pytest.param("lbfgs", marks=pytest.mark.slow)])
def test_at_the_walls_of_the_box_the_smallest_change_is_that_of_the_convex_problem(target, method):
    """It is clip(x + t w) for the t at which the margin is 0: the projection onto a half-space and a box."""
    images = np.random.default_rng(1).choice([0, 255], (6, *SHAPE)).astype(np.uint8)
    classes = others(target, images)
    direction, _ = margins(target, images, classes)
    flat = images.reshape(6, -1) / 255.0
    wanted = []
    for x, w in zip(flat, direction, strict=True):
        low, high = 0.0, 10.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if np.clip(x + middle * w, 0, 1) @ w >= 0 else (middle, high)
        wanted.append(np.linalg.norm(np.clip(x + high * w, 0, 1) - x))
    found = fooljax.perturb(target, images, classes, method=method, rounded=False, check_target=False)
    assert found.found.all()
    np.testing.assert_allclose(found.length, wanted, rtol=0.05)


@given(
    seed=st.integers(0, 2**16),
    norm=st.sampled_from(sorted(NORMS)),
    within=st.floats(0.0, 2.0, width=32),
    rounded=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_found_is_in_the_box_within_the_norm_and_named_so(target, seed, norm, within, rounded):
    rng = np.random.default_rng(seed)
    images, classes = rng.integers(0, 256, (3, *SHAPE), dtype=np.uint8), rng.integers(0, 2, 3)
    found = fooljax.perturb(
        target,
        images,
        classes,
        norm=norm,
        within=within,
        rounded=rounded,
        rounds=4,
        steps=5,
        check_target=False,
    )
    assert np.all((found.images >= 0.0) & (found.images <= 1.0))
    change = (found.images - images / np.float32(255.0)).reshape(3, -1)
    length = np.linalg.norm(change, ord=2 if norm == "l2" else np.inf, axis=1)
    assert np.all(length <= within + 1e-5)
    np.testing.assert_allclose(length[found.found], found.length[found.found], atol=1e-5)
    assert np.all(length[~found.found] < 1e-5)
    assert np.all(np.isnan(found.length[~found.found]))
    if rounded:
        assert np.array_equal(found.pixels() / np.float32(255.0), found.images)
        named = fooljax.score(target, found.pixels()).argmax(axis=1) == classes
        assert np.array_equal(named, found.survives)
        assert np.array_equal(found.found, found.survives)


def test_an_image_that_is_named_so_already_stays_as_it_is(target, images):
    own = fooljax.score(target, images).argmax(axis=1)
    found = fooljax.perturb(target, images, [target.class_names[one] for one in own], rounds=1, steps=1)
    assert np.all(found.length == 0.0)
    assert np.array_equal(found.pixels(), images)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"to": "up"}, r"to: expected a class of network, got up"),
        ({"to": 2}, r"to: expected a class index from 0 to 1 or a name, got 2"),
        ({"to": [0]}, r"to: expected one class, or 6, one for each image, got 1"),
        ({"norm": "l1"}, r"norm: expected one of l2, linf, got l1"),
        ({"method": "lbfgs", "norm": "linf"}, r"norm: expected l2 with method lbfgs"),
        ({"confidence": 1.0}, r"confidence: "),
        ({"within": -1.0}, r"within: "),
        ({"steps": 0}, r"steps: expected a whole number, 1 or more"),
        ({"images": np.zeros((6, 3, 3, 1), np.uint8)}, r"images: expected \[4, 5, 1\]"),
        ({"images": np.full((6, *SHAPE), 1.5)}, r"images: expected uint8, or floats in \[0, 1\]"),
        ({"images": np.full((6, *SHAPE), 0.123)}, r"images: expected multiples of 1/255"),
        ({"images": np.zeros(SHAPE)}, r"images: expected \[N, H, W, K\]"),
    ],
)
def test_what_does_not_fit_is_one_line(target, images, changed, message):
    arguments = {"images": images, "to": 0, **changed}
    with pytest.raises(fooljax.InputError, match=message) as caught:
        fooljax.perturb(target, **arguments)
    assert "\n" not in str(caught.value)


def test_names_that_are_not_as_many_as_the_logits_are_refused(target, images):
    wrong = dataclasses.replace(target, class_names=("left", "right", "third"))
    with pytest.raises(fooljax.InputError, match=r"^class_names: expected 2 names, .* got 3$"):
        fooljax.perturb(wrong, images, 0)


def test_a_network_without_gradients_is_refused(images):
    host = fooljax.host_target(lambda images: images.reshape(len(images), -1)[:, :2], class_names=("a", "b"))
    with pytest.raises(fooljax.InputError, match="target: expected a network with gradients"):
        fooljax.perturb(host, images, 0)


@given(seed=st.integers(0, 2**16), noise=st.sampled_from(NOISES), norm=st.sampled_from(sorted(LENGTHS)))
@settings(max_examples=20, deadline=None)
def test_noise_is_as_long_as_it_should_be(seed, noise, norm):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    lengths = rng.uniform(0.0, 0.3 if norm == "linf" else 2.0, 2)
    noisy = noise_of_length(images, lengths, norm, noise, seed)
    found = LENGTHS[norm](noisy, images)
    assert np.all(found >= lengths - 1e-5)
    assert np.all(found <= lengths + (2.0 if norm == "linf" else 12.0) / 255.0)


def test_sizes_in_decibels_and_grey_levels():
    images = np.full((2, 4, 4, 1), 100, np.uint8)
    changed = images.copy()
    changed[1] += 5
    assert peak_signal_to_noise(changed, images).tolist() == [np.inf, pytest.approx(34.15, abs=0.01)]
    assert grey_levels(changed, images).tolist() == [0, 5]
