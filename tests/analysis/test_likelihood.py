"""Percentiles of likelihoods, on images whose answers are known: clean ones, noise, and wrong classes."""

import numpy as np
import pytest
from bars import bars

from fooljax.analysis.likelihood import of_clean
from fooljax.engine.types import as_target
from fooljax.errors import InputError
from fooljax.generative import as_classifier, log_joint, mixture

CLASSES = 4
NOISE = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)


def shown(count, seed):
    images, labels = bars(count, CLASSES, seed=seed)
    return images[..., None], labels


@pytest.fixture(scope="module")
def model():
    prior = np.log(np.full(CLASSES, 1 / CLASSES, np.float32))
    params = {**mixture.fit(*bars(400, CLASSES), CLASSES, seed=0), "log_prior": prior}
    return as_classifier(mixture.MixtureDensity(), params, 1.0, class_names=tuple("abcd"))


@pytest.fixture(scope="module")
def clean():
    return shown(200, seed=1)


@pytest.fixture(scope="module")
def likelihoods(model, clean):
    return of_clean(model, *clean)


def test_clean_images_lie_around_the_middle_of_others(likelihoods):
    found = likelihoods.percentiles(*shown(120, seed=2))
    assert 40.0 < np.median(found) < 60.0
    assert np.mean(found < 25.0) == pytest.approx(0.25, abs=0.12)


def test_noise_and_wrong_classes_are_less_likely_than_any_clean_image(likelihoods):
    images, labels = shown(40, seed=2)
    np.testing.assert_array_equal(likelihoods.percentiles(NOISE, np.arange(40) % CLASSES), 0.0)
    np.testing.assert_array_equal(likelihoods.percentiles(images, (labels + 1) % CLASSES), 0.0)


def test_clean_images_with_shuffled_labels_are_found_out(model, clean):
    """They are seen from clean images that lie nowhere near the middle, as they would with right labels."""
    images, labels = clean
    faulty = of_clean(model, images, np.random.default_rng(0).permutation(labels))
    assert np.median(faulty.percentiles(*shown(120, seed=2))) > 80.0


def test_a_percentile_counts_the_less_likely_images_of_the_class(model, likelihoods, clean):
    images, labels = clean
    own = log_joint(model, images)[np.arange(len(images)), labels]
    below = [np.sum(own[labels == label] < one) for one, label in zip(own, labels, strict=True)]
    expected = 100.0 * (np.asarray(below) + 0.5) / (len(labels) / CLASSES)
    np.testing.assert_allclose(likelihoods.percentiles(images, labels), expected)


def test_what_does_not_fit_is_told_in_a_line(model, likelihoods, clean):
    images, labels = clean
    with pytest.raises(InputError, match=r"^classes: expected those of the model, 0 to 3, got 4$"):
        likelihoods.percentiles(images[:1], np.asarray([4]))
    with pytest.raises(InputError, match=r"^images: expected 20 clean images or more .* got 10 of class 0$"):
        of_clean(model, images[:40], labels[:40])
    with pytest.raises(InputError, match=r"^target: expected a generative classifier"):
        of_clean(as_target(lambda images: images[:, 0, :4, 0]), images, labels)
