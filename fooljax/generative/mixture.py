"""A mixture of normal distributions for each class, and what an image's density is under each.

Images are turned to their principal components, the same for all classes. Along the first of these each class
has a mixture of normal distributions with full covariances; along all others, pixels are noise of one
variance. So the density is one of whole images, and no direction is left in which an image may go for
nothing.

scikit-learn fits it: `PCA`, whose `noise_variance_` is that of probabilistic principal components (Tipping
and Bishop 1999), and `GaussianMixture`. What is here is the same density as a differentiable function in JAX.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Params
from fooljax.errors import InputError
from fooljax.importing import import_extra

COMPONENTS, PARTS = 50, 5
"""Principal components, and normal distributions of each class."""
ROUNDS, TOLERANCE = 100, 1e-2
"""Of the fit by expectation and maximisation: rounds at most, and the gain in nats below which it ends."""
FLOOR = 1e-3
"""Added to every variance, in units of the full range of a pixel squared, so that none vanishes."""
LOG_TWO_PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class MixtureDensity:
    """Log p(x, y) of images under the mixtures of all classes; equal for all mixtures."""

    def __call__(self, params: Mapping[str, Any], images: jax.Array) -> jax.Array:
        """Log p(x, y) in nats, `[B, C]`, of images `[B, H, W, K]` in [0, 1].

        Args:
          params: `centre` `[D]`, the mean image; `axes` `[D, P]`, orthonormal; `log_noise` `[]`, the log of
            the variance along all other directions; `weights` `[C, M]`, logs; `means` `[C, M, P]`;
            `whitening` `[C, M, P, P]`, Cholesky factors of the precisions; `log_prior` `[C]`.
          images: the images.
        """
        apart = images.reshape(images.shape[0], -1) - params["centre"][None]
        along = apart @ params["axes"]
        # The rest is found as a vector, and not as a difference of squares, which would lose its last digits.
        rest = apart - along @ params["axes"].T
        left_over = apart.shape[1] - along.shape[1]
        noise = -0.5 * (
            jnp.sum(rest * rest, axis=-1) * jnp.exp(-params["log_noise"])
            + left_over * (LOG_TWO_PI + params["log_noise"])
        )
        classes, parts, components = params["means"].shape
        white = jnp.transpose(params["whitening"], (2, 0, 1, 3)).reshape(components, -1)
        shift = jnp.einsum("cmp,cmpq->cmq", params["means"], params["whitening"])
        scaled = (along @ white).reshape(-1, classes, parts, components) - shift[None]
        log_volume = jnp.sum(jnp.log(jnp.diagonal(params["whitening"], axis1=-2, axis2=-1)), axis=-1)
        each = -0.5 * (jnp.sum(scaled * scaled, axis=-1) + components * LOG_TWO_PI)
        own = jax.nn.logsumexp(each + (params["weights"] + log_volume)[None], axis=-1)
        return own + noise[:, None] + params["log_prior"][None]


def blank(num_classes: int, pixels: int) -> Params:
    """The shapes and dtypes of what `fit` gives for images of `pixels` numbers."""
    shapes = {
        "centre": (pixels,),
        "axes": (pixels, COMPONENTS),
        "log_noise": (),
        "weights": (num_classes, PARTS),
        "means": (num_classes, PARTS, COMPONENTS),
        "whitening": (num_classes, PARTS, COMPONENTS, COMPONENTS),
    }
    return {name: jax.ShapeDtypeStruct(shape, np.float32) for name, shape in shapes.items()}


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int32], num_classes: int, seed: int) -> Params:
    """Fits the mixtures, on one thread, so that the same numbers come out on any number of cores.

    Args:
      images: `[N, H, W, K]` uint8, with more numbers than `COMPONENTS`.
      labels: `[N]`, their classes.
      num_classes: `C`; each needs more images than `PARTS`.
      seed: of the first guess of the mixtures.
    Returns:
      The parameters but for `log_prior`, float32.
    Raises:
      InputError: a class has too few images, or the images too few pixels.
      FaultError: scikit-learn is not installed.
    """
    decomposition, mixture, threads = (
        import_extra("mixture", module, "scikit-learn", "analysis")
        for module in ("sklearn.decomposition", "sklearn.mixture", "threadpoolctl")
    )
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255.0
    if pixels.shape[1] <= COMPONENTS:
        raise InputError(f"dataset: expected images of more than {COMPONENTS} numbers, got {pixels.shape[1]}")
    fewest = int(np.bincount(labels, minlength=num_classes).min())
    if fewest <= PARTS:
        raise InputError(f"dataset: expected more than {PARTS} training images a class, got {fewest}")
    with threads.threadpool_limits(1):
        components = decomposition.PCA(COMPONENTS, svd_solver="covariance_eigh").fit(pixels)
        along = components.transform(pixels)
        mixtures = [
            mixture.GaussianMixture(
                PARTS, reg_covar=FLOOR, tol=TOLERANCE, max_iter=ROUNDS, random_state=seed + 1_000 * number
            ).fit(along[labels == number])
            for number in range(num_classes)
        ]
    found = {
        "centre": components.mean_,
        "axes": components.components_.T,
        "log_noise": np.log(components.noise_variance_ + FLOOR),
        "weights": np.log([one.weights_ for one in mixtures]),
        "means": np.stack([one.means_ for one in mixtures]),
        "whitening": np.stack([one.precisions_cholesky_ for one in mixtures]),
    }
    return {name: np.asarray(value, np.float32) for name, value in found.items()}
