"""What every detector keeps: scores in float32, and the same score for an image in any company."""

import dataclasses

import numpy as np
import pytest
from watched_network import IMAGES, OTHERS, clean, network

from fooljax import detectors
from fooljax.detectors.fitted import scores_of
from fooljax.engine.types import Target
from fooljax.errors import InputError


@pytest.fixture(scope="module")
def fitted():
    return {name: detectors.fit(name, network(), clean()) for name in detectors.DETECTORS}


@pytest.fixture(scope="module")
def scores(fitted):
    return scores_of(list(fitted.values()), np.concatenate([IMAGES[:30], OTHERS]))


def test_names_are_those_of_the_registry():
    assert len(detectors.DETECTORS) >= 8
    assert all(name == one.name for name, one in detectors.DETECTORS.items())
    assert len({one.title for one in detectors.DETECTORS.values()}) == len(detectors.DETECTORS)


def test_scores_are_finite_float32_and_tell_images_apart(scores):
    assert scores.shape == (50, len(detectors.DETECTORS))
    assert scores.dtype == np.float32
    assert np.all(np.isfinite(scores))
    assert all(len(np.unique(column)) > 40 for column in scores.T)


def test_a_score_does_not_depend_on_the_other_images(fitted, scores):
    again = scores_of(list(fitted.values()), OTHERS[::-1])[::-1]
    np.testing.assert_allclose(again, scores[30:], rtol=1e-3, atol=1e-3)


def test_equal_detectors_of_equal_networks_share_programs(fitted):
    other = detectors.fit("energy", dataclasses.replace(network(), name="other"), clean())
    assert other.watching == fitted["energy"].watching
    assert hash(other.watching) == hash(fitted["energy"].watching)


def test_a_network_without_features_is_watched_by_its_logits_alone():
    bare = Target(network().params, lambda params, images: network().apply(params, images), name="bare")
    seen = detectors.seen_of_clean(bare, IMAGES[:100], clean().labels[:100])
    assert seen.features.shape == (100, 0)
    with pytest.raises(InputError, match="detector: vim looks at a network's features, which bare does not"):
        detectors.fit("vim", bare, seen)
    known = detectors.fit("energy", network(), clean())
    bare_scores = detectors.fit("energy", bare, seen).scores(OTHERS)
    np.testing.assert_allclose(bare_scores, known.scores(OTHERS), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("enrgy", "detector: expected MODULE:NAME or one of msp, .* got enrgy; did you mean energy?"),
        ("math:pi", "detector: expected math:pi to be a fooljax.detectors.Detector, got float"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        detectors.fit(name, network(), clean())


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            dict(score=lambda params, seen: seen.logits),
            r"to give a score of each image, \[3\] of 3, got \[3, 3\]",
        ),
        (dict(score=lambda params, seen: seen.logits[:, 99999999, 0]), "to fit and to score images, got"),
        (dict(fit=lambda clean: clean.nothing), "to fit and to score images, got AttributeError"),
    ],
)
def test_a_detector_of_one_s_own_that_fails_is_named(own, message):
    detector = detectors.Detector(
        "mine", "my own", **{"score": lambda params, seen: seen.logits[:, 0], **own}
    )
    with pytest.raises(InputError, match=f"^detector: expected mine {message}"):
        detectors.fit(detector, network(), clean())


@pytest.mark.parametrize(
    ("name", "count", "message"),
    [
        ("mahalanobis", 1, "mahalanobis wants at least 2 clean images of every class"),
        ("openmax", 2, "openmax wants at least 3 clean images of every class"),
        ("knn", 3, "knn wants at least 10 clean images, got 9"),
        ("vim", 3, "vim wants more than 64 clean images, got 9"),
    ],
)
def test_too_few_clean_images_are_refused(name, count, message):
    right = clean().logits.argmax(axis=1)
    some = np.concatenate([np.flatnonzero(right == label)[:count] for label in range(3)])
    few = detectors.Clean(IMAGES[some], clean().features[some], clean().logits[some], right[some])
    with pytest.raises(InputError, match=message):
        detectors.fit(name, network(), few)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, network(), None), "detector: expected a Detector, got int"),
        (("energy", 3, None), "target: expected a Target, got int"),
        (("energy", network(), None), "clean: expected a Clean, got NoneType"),
    ],
)
def test_what_cannot_be_fitted_is_refused(arguments, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        detectors.fit(*arguments)


def test_labels_must_fit_the_images():
    with pytest.raises(InputError, match=r"labels: expected \[200\] whole numbers"):
        detectors.seen_of_clean(network(), IMAGES, clean().labels[:7])


def test_detectors_of_several_networks_are_not_asked_together():
    several = network(), dataclasses.replace(network(), name="other")
    fitted = [detectors.fit("energy", one, clean()) for one in several]
    with pytest.raises(InputError, match="fitted: expected detectors of one network"):
        scores_of(fitted, OTHERS)
