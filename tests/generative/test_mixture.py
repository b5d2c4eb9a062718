"""The density of mixtures, against scikit-learn, and against SciPy on whole images."""

import sys

import jax
import numpy as np
import pytest
from bars import bars
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from fooljax.errors import FaultError, InputError
from fooljax.generative import mixture
from fooljax.generative.mixture import COMPONENTS, PARTS, MixtureDensity

CLASSES = 4


@pytest.fixture(scope="module")
def data():
    return bars(400, CLASSES)


@pytest.fixture(scope="module")
def params(data):
    prior = np.log(np.full(CLASSES, 1 / CLASSES, np.float32))
    return {**mixture.fit(*data, CLASSES, seed=3), "log_prior": prior}


def asked(params, pixels):
    return np.asarray(jax.jit(MixtureDensity())(params, pixels.reshape(-1, 16, 16, 1).astype(np.float32)))


def test_it_is_the_density_of_whole_images_that_scipy_gives(data, params):
    pixels = data[0][:6].reshape(6, -1) / 255.0
    exact = {name: np.asarray(value, np.float64) for name, value in params.items()}
    axes, noise = exact["axes"], np.exp(exact["log_noise"])
    across = noise * (np.eye(len(axes)) - axes @ axes.T)
    found = np.empty((6, CLASSES))
    for label in range(CLASSES):
        each = []
        for weight, mean, whitening in zip(
            exact["weights"][label], exact["means"][label], exact["whitening"][label], strict=True
        ):
            inner = np.linalg.inv(whitening @ whitening.T)
            whole = multivariate_normal(exact["centre"] + axes @ mean, axes @ inner @ axes.T + across)
            each.append(weight + whole.logpdf(pixels))
        found[:, label] = logsumexp(each, axis=0) + np.log(1 / CLASSES)
    np.testing.assert_allclose(asked(params, pixels), found, rtol=1e-4)


def test_along_the_components_it_is_scikit_learns(data, params):
    pytest.importorskip("sklearn")
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    pixels = (data[0].reshape(len(data[0]), -1) / 255.0).astype(np.float32)
    fitted = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(pixels)
    along = fitted.transform(pixels)
    rest = np.sum((pixels - fitted.inverse_transform(along)) ** 2, axis=1)
    variance = fitted.noise_variance_ + mixture.FLOOR
    left_over = pixels.shape[1] - COMPONENTS
    noise = -0.5 * (rest / variance + left_over * np.log(2 * np.pi * variance))
    for label in range(CLASSES):
        one = GaussianMixture(
            PARTS,
            reg_covar=mixture.FLOOR,
            tol=mixture.TOLERANCE,
            max_iter=mixture.ROUNDS,
            random_state=3 + 1_000 * label,
        ).fit(along[data[1] == label])
        expected = one.score_samples(along[:20]) + noise[:20] + np.log(1 / CLASSES)
        np.testing.assert_allclose(asked(params, pixels[:20])[:, label], expected, rtol=1e-3)


def test_no_direction_of_an_image_goes_for_nothing(data, params):
    image = data[0][:1].reshape(1, -1) / 255.0
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(256, 256)))[0]
    far = np.concatenate([image + 5.0 * np.eye(256), image - 5.0 * turned])
    assert asked(params, far).max() < asked(params, image).max() - 100.0


def test_the_shapes_of_its_file_are_those_of_the_fit(params):
    template = mixture.blank(CLASSES, 256)
    assert {name: (one.shape, one.dtype) for name, one in template.items()} == {
        name: (one.shape, one.dtype) for name, one in params.items() if name != "log_prior"
    }


def test_what_cannot_be_fitted_is_told_in_a_line(data, monkeypatch):
    images, labels = data
    with pytest.raises(InputError, match=r"^dataset: expected images of more than 50 numbers, got 25$"):
        mixture.fit(images[:, :5, :5], labels, CLASSES, 0)
    with pytest.raises(InputError, match=r"^dataset: expected more than 5 training images a class, got 0$"):
        mixture.fit(images, labels, CLASSES + 1, 0)
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    with pytest.raises(FaultError, match=r"^mixture: expected scikit-learn, got none; .*\[analysis\]"):
        mixture.fit(images, labels, CLASSES, 0)
