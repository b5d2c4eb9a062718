"""Detectors that measure how far an image's features are from those of clean images.

Sources: Lee et al. 2018 ("A simple unified framework for detecting out-of-distribution samples and
adversarial attacks"; the last layer alone, without a change of the image); Ren et al. 2021 ("A simple fix to
Mahalanobis distance for improving near-OOD detection"); Sun et al. 2022 ("Out-of-distribution detection with
deep nearest neighbors"). Differs: covariances are shrunk (Ledoit and Wolf 2004), since features may outnumber
images.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.detectors.detector import Clean, Seen
from fooljax.engine.types import Params
from fooljax.errors import InputError
from fooljax.importing import import_extra

NEIGHBOURS = 10
LEAST_A_CLASS = 2
"""Images of a class, so that its mean and the spread around it are two things."""


def fit_mahalanobis(clean: Clean) -> Params:
    """The mean of each class and the covariance that all classes share."""
    features, means = clean.features, _means(clean)
    return _gaussian(means, features - means[clean.labels])


def mahalanobis(params: Params, seen: Seen) -> jax.Array:
    """The squared Mahalanobis distance to the nearest class."""
    return jnp.min(_squares(params, seen), axis=-1)


def fit_relative(clean: Clean) -> Params:
    """As `fit_mahalanobis`; and one mean and one covariance of all classes together."""
    features = clean.features
    middle = features.mean(axis=0, keepdims=True)
    return {"classes": fit_mahalanobis(clean), "all": _gaussian(middle, features - middle)}


def relative_mahalanobis(params: Params, seen: Seen) -> jax.Array:
    """As `mahalanobis`, less the squared distance to all classes taken as one."""
    return mahalanobis(params["classes"], seen) - _squares(params["all"], seen)[:, 0]


def fit_neighbours(clean: Clean) -> Params:
    """The features of the clean images, each of length 1."""
    if len(clean.labels) < NEIGHBOURS:
        raise InputError(f"images: knn wants at least {NEIGHBOURS} clean images, got {len(clean.labels)}")
    return {"features": _of_length_1(clean.features).astype(np.float32)}


def neighbours(params: Params, seen: Seen) -> jax.Array:
    """The distance to the tenth nearest clean image, of features whose length is 1."""
    features = seen.features / (jnp.linalg.norm(seen.features, axis=-1, keepdims=True) + 1e-10)
    products = jnp.dot(features, params["features"].T, precision=jax.lax.Precision.HIGHEST)
    nearness = jax.lax.top_k(products, NEIGHBOURS)[0][:, -1]
    return jnp.sqrt(jnp.maximum(2.0 - 2.0 * nearness, 1e-12))  # the slope of a root at 0 is infinite


def _of_length_1(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return features / (np.linalg.norm(features, axis=1, keepdims=True) + 1e-10)


def _means(clean: Clean) -> npt.NDArray[np.float64]:
    """The mean features of each class, `[C, F]`."""
    counts = np.bincount(clean.labels, minlength=clean.logits.shape[1])
    if (fewest := int(counts.min())) < LEAST_A_CLASS:
        raise InputError(
            f"images: mahalanobis wants at least {LEAST_A_CLASS} clean images of every class, got {fewest} "
            f"of class {int(np.argmin(counts))}"
        )
    return np.stack([clean.features[clean.labels == label].mean(axis=0) for label in range(len(counts))])


def _gaussian(means: npt.NDArray[np.float64], around: npt.NDArray[np.float64]) -> Params:
    """What `_squares` wants: `whiten` `[F, F]`, under which the covariance is that of white noise."""
    covariance = import_extra("detectors", "sklearn.covariance", "scikit-learn", "analysis")
    precision = covariance.LedoitWolf(assume_centered=True).fit(around).precision_
    whiten = np.linalg.cholesky(precision)
    middle = means.mean(axis=0)
    arrays = {"whiten": whiten, "middle": middle, "means": (means - middle) @ whiten}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def _squares(params: Params, seen: Seen) -> jax.Array:
    """Squared Mahalanobis distances to each mean, `[B, C]`."""
    precise = jax.lax.Precision.HIGHEST
    white = jnp.dot(seen.features - params["middle"][None], params["whiten"], precision=precise)
    products = jnp.dot(white, params["means"].T, precision=precise)
    lengths = jnp.sum(white**2, axis=-1)[:, None] + jnp.sum(params["means"] ** 2, axis=-1)[None]
    return jnp.maximum(lengths - 2.0 * products, 0.0)
