"""Each score against an independent one: published formulas written plainly, or those of another library."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from scipy.spatial import distance
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors
from watched_network import CLASSES, OTHERS, clean, network

from fooljax import detectors
from fooljax.detectors.distances import NEIGHBOURS
from fooljax.detectors.logit_scores import least_confidence, log_entropy
from fooljax.detectors.odin import STEP, TEMPERATURE, odin


@pytest.fixture(scope="module")
def seen():
    """Features and logits of the other images, in float64."""
    return detectors.seen_of_clean(network(), OTHERS, np.zeros(len(OTHERS), int))


def scores(name):
    return detectors.fit(name, network(), clean()).scores(OTHERS)


def shown(logits):
    logits = jnp.asarray(logits, jnp.float32)
    return detectors.Seen(
        jnp.zeros((len(logits), 1, 1, 1)), jnp.zeros((len(logits), 0)), logits, lambda _: logits
    )


def test_scores_of_logits(seen):
    shares = special.softmax(seen.logits, axis=1)
    np.testing.assert_allclose(scores("msp"), -special.logit(shares.max(axis=1)), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(scores("max_logit"), -seen.logits.max(axis=1), rtol=1e-4)
    np.testing.assert_allclose(scores("energy"), -special.logsumexp(seen.logits, axis=1), rtol=1e-4)
    np.testing.assert_allclose(scores("entropy"), np.log(stats.entropy(shares, axis=1)), rtol=1e-3, atol=1e-3)


def test_confident_images_are_still_told_apart():
    """A softmax in float32 is exactly 1.0 for all of them."""
    logits = np.asarray([[0.0, 0.0, top] for top in (20.0, 40.0, 60.0, 80.0)])
    for score in (least_confidence, log_entropy):

        def total(logits, score=score):
            found = score({}, shown(logits))
            return jnp.sum(found), found

        slopes, found = jax.jit(jax.grad(total, has_aux=True))(logits)
        assert np.all(np.diff(found) < -10.0)
        assert np.all(np.isfinite(slopes))


def test_odin_steps_towards_the_class_named_first():
    rng = np.random.default_rng(0)
    kernel, images = rng.normal(size=(12, CLASSES)), rng.uniform(size=(5, 2, 6, 1))
    logits = images.reshape(5, -1) @ kernel

    def ask(images):
        return images.reshape(images.shape[0], -1) @ jnp.asarray(kernel, jnp.float32)

    given = [jnp.asarray(array, jnp.float32) for array in (images, np.zeros((5, 0)), logits)]
    found = np.asarray(jax.jit(lambda *given: odin({}, detectors.Seen(*given, ask)))(*given), np.float64)
    named = np.eye(CLASSES)[logits.argmax(axis=1)]
    slope = (special.softmax(logits / TEMPERATURE, axis=1) - named) @ kernel.T / TEMPERATURE
    changed = images.reshape(5, -1) - STEP * np.sign(slope)
    largest = special.softmax(changed @ kernel / TEMPERATURE, axis=1).max(axis=1)
    np.testing.assert_allclose(found, -TEMPERATURE * np.log(largest * CLASSES), rtol=1e-3, atol=1e-3)


def test_mahalanobis_distances(seen):
    features, labels = clean().features, clean().labels
    means = np.stack([features[labels == label].mean(axis=0) for label in range(CLASSES)])
    shared = LedoitWolf(assume_centered=True).fit(features - means[labels]).precision_
    squares = [[distance.mahalanobis(one, mean, shared) ** 2 for mean in means] for one in seen.features]
    least = np.min(squares, axis=1)
    np.testing.assert_allclose(scores("mahalanobis"), least, rtol=1e-3)
    whole = LedoitWolf().fit(features)
    np.testing.assert_allclose(
        scores("relative_mahalanobis"), least - whole.mahalanobis(seen.features), rtol=1e-3, atol=0.1
    )


def test_nearest_neighbours(seen):
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (clean().features, seen.features)]
    found = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(unit[0]).kneighbors(unit[1])[0][:, -1]
    np.testing.assert_allclose(scores("knn"), found, rtol=1e-3, atol=1e-4)


def test_vim_with_the_network_s_own_last_layer(seen):
    layer = network().params["params"]["Dense_2"]
    kernel, bias = (np.asarray(layer[name], np.float64) for name in ("kernel", "bias"))
    # As its authors write it, for a kernel [C, F]: u = -pinv(w) b, the axes after the first D, and alpha.
    origin = -np.linalg.pinv(kernel.T) @ bias
    centred = clean().features - origin
    values, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    beside = axes[:, np.argsort(-values)[centred.shape[1] // 2 :]]
    virtual = np.linalg.norm(centred @ beside, axis=1)
    scale = clean().logits.max(axis=1).mean() / virtual.mean()
    length = np.linalg.norm((seen.features - origin) @ beside, axis=1)
    expected = scale * length - special.logsumexp(seen.logits, axis=1)
    # Fewer images than features: the layer of least squares is then not the only one.
    assert stats.spearmanr(scores("vim"), expected).statistic > 0.9


def test_openmax_one_image_after_another(seen):
    right = clean().logits.argmax(axis=1) == clean().labels
    means, tails = [], []
    for label in range(CLASSES):
        own = clean().logits[right & (clean().labels == label)]
        means.append(own.mean(axis=0))
        far = np.sort([np.linalg.norm(one - means[-1]) for one in own])[-20:]
        tails.append((far[0] - 1.0, *stats.weibull_min.fit(far - (far[0] - 1.0), floc=0.0)))
    expected = []
    for logits in seen.logits:
        weights = np.ones(CLASSES)
        for rank, label in enumerate(np.argsort(-logits)):
            begin, shape, _, scale = tails[label]
            beyond = max(np.linalg.norm(logits - means[label]) - begin, 1e-6)
            weights[label] -= (CLASSES - rank) / CLASSES * stats.weibull_min.cdf(beyond, shape, scale=scale)
        unknown = np.sum(logits * (1.0 - weights))
        expected.append(unknown - special.logsumexp(logits * weights))
    np.testing.assert_allclose(scores("openmax"), expected, rtol=1e-3, atol=1e-2)
