"""A network and its detector as targets: both halves count, and an image at the threshold is at 99.99 %."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special
from watched_network import CLASSES, OTHERS, SHAPE, clean, network

from fooljax import detectors, encodings
from fooljax.engine.log_odds import FOOLED, log_odds
from fooljax.engine.types import as_target
from fooljax.evolution import search
from fooljax.joint_targets import joint_target
from fooljax.scoring import score

SLOPE = 2.0


@pytest.fixture(scope="module")
def fitted():
    return detectors.fit("energy", network(), clean())


def test_an_image_at_the_threshold_is_accepted_with_9999(fitted):
    scores = fitted.scores(OTHERS)
    at = detectors.guarded(fitted, threshold=float(scores[0]), slope=SLOPE)
    _, verdict = at.apply(at.params, jnp.asarray(OTHERS, jnp.float32) / 255.0)
    found = np.asarray(log_odds(verdict))[:, 0]
    assert found[0] == pytest.approx(FOOLED, abs=1e-4)
    np.testing.assert_allclose(found, FOOLED + SLOPE * (scores[0] - scores), rtol=1e-4, atol=1e-3)


def test_it_is_the_joint_target_of_network_and_detector(fitted):
    threshold = float(np.median(fitted.scores(OTHERS)))

    def verdict(images):
        logits = network().apply(network().params, images)
        energy = -jnp.log(jnp.sum(jnp.exp(logits), axis=-1))
        return jnp.stack([FOOLED + SLOPE * (threshold - energy), jnp.zeros(images.shape[0])], axis=-1)

    both = joint_target(network(), as_target(verdict))
    one = detectors.guarded(fitted, threshold=threshold, slope=SLOPE)
    found = [score(each, OTHERS, objective=detectors.FOOL_AND_PASS) for each in (one, both)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-3)


def test_a_class_more_takes_what_is_rejected(fitted):
    scores = fitted.scores(OTHERS)
    threshold = float(np.median(scores))
    target = detectors.rejecting(fitted, threshold=threshold, slope=SLOPE)
    assert target.class_names == ("a", "b", "c", "rejected")
    found = special.expit(score(target, OTHERS).astype(np.float64))
    accepted = special.expit(FOOLED + SLOPE * (threshold - scores.astype(np.float64)))
    named = special.expit(score(network(), OTHERS).astype(np.float64))
    np.testing.assert_allclose(found[:, :CLASSES], named * accepted[:, None], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found[:, CLASSES], 1.0 - accepted, rtol=1e-3, atol=1e-6)


def test_evolution_that_knows_a_detector_passes_it_more_often(fitted):
    threshold = float(np.quantile(fitted.scores(OTHERS), 0.05))
    target = detectors.guarded(fitted, threshold=threshold, slope=SLOPE)
    found = search(target, encodings.direct(SHAPE), key=0, generations=20, objective=detectors.FOOL_AND_PASS)
    fitness = score(target, found.images()[0], objective=detectors.FOOL_AND_PASS)
    np.testing.assert_allclose(
        fitness[range(CLASSES), range(CLASSES)], found.log_odds[0], rtol=1e-3, atol=1e-2
    )
    assert np.all(
        found.log_odds[0] > np.max(score(target, OTHERS, objective=detectors.FOOL_AND_PASS), axis=0)
    )
