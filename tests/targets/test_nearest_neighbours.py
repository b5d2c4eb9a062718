"""Nearest neighbours as a target, against scikit-learn and a slow, plain calculation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.data.dataset import from_arrays
from fooljax.data.embedded import embedded_digits
from fooljax.engine.log_odds import confidence, log_odds
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.targets.nearest_neighbours import FLOOR, nearest_neighbours


@pytest.fixture(scope="module")
def digits():
    """Few digits, not as many of each class, the training ones sorted by their classes."""
    found = embedded_digits()
    order = np.argsort(found.train_labels[:463], kind="stable")
    return from_arrays(
        found.train_images[order], found.train_labels[order], found.test_images[:200], found.test_labels[:200]
    )


@pytest.fixture(scope="module")
def target(digits):
    return nearest_neighbours(digits)


def vectors(images):
    return images.reshape(len(images), -1) / 255.0


def test_of_one_neighbour_it_names_what_scikit_learn_names(digits):
    neighbors = pytest.importorskip("sklearn.neighbors")
    target = nearest_neighbours(digits, neighbours=1)
    known = neighbors.KNeighborsClassifier(1).fit(vectors(digits.train_images), digits.train_labels)
    named = np.argmax(score(target, digits.test_images), axis=1)
    np.testing.assert_array_equal(named, known.predict(vectors(digits.test_images)))
    assert target.clean_accuracy == np.mean(named == digits.test_labels) > 0.7


def test_logits_are_those_of_a_plain_calculation(digits, target):
    images, dimension = vectors(digits.test_images[:5]), float(target.params["dimension"])
    squares = np.sum((images[:, None] - vectors(digits.train_images)[None]) ** 2, axis=2)
    expected = [
        [
            -0.5 * dimension * np.log(np.sort(row[digits.train_labels == label])[:3].mean() + FLOOR)
            for label in range(10)
        ]
        for row in squares
    ]
    found = target.apply(target.params, jnp.asarray(images, jnp.float32).reshape(-1, 28, 28, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_far_from_all_training_images_it_is_not_sure_and_near_one_it_is(digits, target):
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28, 1)).astype(np.uint8)
    assert confidence(score(target, noise).max()) < 0.25
    itself = score(target, digits.train_images[:50])
    assert np.all(np.isfinite(itself))
    assert np.mean(np.argmax(itself, axis=1) == digits.train_labels[:50]) > 0.9
    clean = score(target, digits.test_images).max(axis=1)
    assert confidence(np.median(clean)) > 0.9


def test_the_dimension_is_the_one_under_which_left_out_labels_are_likeliest(digits, target):
    """Each training image taken out of the set in turn, for a few dimensions."""
    places = np.arange(0, 463, 4)
    images, best = vectors(digits.train_images), float(target.params["dimension"])
    squares = np.sum((images[places, None] - images[None]) ** 2, axis=2)
    squares[np.arange(len(places)), places] = np.inf
    means = np.stack(
        [np.sort(squares[:, digits.train_labels == c], axis=1)[:, :3].mean(axis=1) for c in range(10)], axis=1
    )

    def surprise(dimension):
        logits = jnp.asarray(-0.5 * dimension * np.log(means + FLOOR))
        own = jax.nn.log_softmax(logits, axis=1)[np.arange(len(places)), digits.train_labels[places]]
        return -float(jnp.mean(own))

    assert surprise(best) < min(surprise(best / 2), surprise(best * 2))


def test_it_can_be_evolved_against(target):
    """From noise, a step along the gradient makes a class likelier."""
    image = jax.random.uniform(jax.random.key(0), (1, 28, 28, 1))

    @jax.jit
    def own(given):
        return log_odds(target.apply(target.params, given))[0, 7]

    slope = jax.jit(jax.grad(own))(image)
    assert np.all(np.isfinite(slope))
    assert own(image + 0.05 * jnp.sign(slope)) > own(image) + 0.1


def test_targets_of_other_images_share_their_program(digits, target):
    other = nearest_neighbours(digits)
    assert other.apply == target.apply
    assert other.provenance["params_sha256"] == target.provenance["params_sha256"]


def test_too_few_images_of_a_class_are_one_line(digits):
    with pytest.raises(InputError, match=r"^neighbours: expected fewer than the 46 .* class [0-9], got 46$"):
        nearest_neighbours(digits, neighbours=46)
    with pytest.raises(InputError, match=r"^neighbours: "):
        nearest_neighbours(digits, neighbours=0)
