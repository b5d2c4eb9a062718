"""Random pictures: what comes out where nobody selects, from noise to mixtures of clean images."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Encoding
from fooljax.errors import InputError, nearest, shown
from fooljax.rendering import draw
from fooljax.study.generators import cppn_encoding, direct_encoding, drifted, paper_cppn_encoding

Pictures = npt.NDArray[np.uint8]
"""`[N, H, W, K]`."""


def pictures(source: str, dataset: Dataset, count: int, seed: int) -> Pictures:
    """Random pictures from a source.

    Args:
      source: out of `SOURCES`.
      dataset: clean images, whose shape all pictures have.
      count: how many.
      seed: of the draws; the same pictures come of the same seed.
    Returns:
      `[count, H, W, K]` uint8.
    Raises:
      InputError: there is no such source, or not as many clean images.
    """
    if source not in SOURCES:
        known = ", ".join(SOURCES)
        raise InputError(f"source: expected one of {known}, got {shown(source)}{nearest(source, SOURCES)}")
    make, _ = SOURCES[source]
    # The name takes part, so that two sources of one seed do not draw the same numbers.
    rng = np.random.default_rng([seed, *source.encode()])
    return make(rng, dataset, count)


def _uniform(rng: np.random.Generator, dataset: Dataset, count: int) -> Pictures:
    return rng.integers(0, 256, (count, *dataset.image_shape), np.uint8)


def _gaussian(rng: np.random.Generator, dataset: Dataset, count: int) -> Pictures:
    return _eight_bits(rng.normal(127.5, 63.75, (count, *dataset.image_shape)))


def _drifting(
    encoding_of: Callable[[tuple[int, int, int]], Encoding],
    times: int,
    rng: np.random.Generator,
    dataset: Dataset,
    count: int,
) -> Pictures:
    encoding = encoding_of(dataset.image_shape)
    keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), count)
    return draw(encoding, drifted(encoding)(keys, jnp.full(count, times, jnp.int32)))


def _normal_like(rng: np.random.Generator, dataset: Dataset, count: int) -> Pictures:
    """Of a normal distribution with the mean and the covariance of the training images.

    A sum of centred images with independent normal weights has their covariance: none has to be decomposed.
    """
    images = dataset.train_images.reshape(len(dataset.train_images), -1)
    images = images[rng.permutation(len(images))[:10_000]].astype(np.float32)
    mean = images.mean(axis=0)
    weights = rng.normal(size=(count, len(images))).astype(np.float32) / np.sqrt(max(len(images) - 1, 1))
    drawn = mean + weights @ (images - mean)
    return _eight_bits(drawn.reshape(count, *dataset.image_shape))


def _between(rng: np.random.Generator, dataset: Dataset, count: int) -> Pictures:
    """Halfway between two test images of different classes."""
    images, labels = dataset.test_images, dataset.test_labels
    first = rng.integers(len(images), size=count)
    others = [rng.choice(np.flatnonzero(labels != labels[one])) for one in first]
    return _eight_bits((images[first].astype(np.float64) + images[others]) / 2.0)


def _clean(rng: np.random.Generator, dataset: Dataset, count: int) -> Pictures:
    if count > len(dataset.test_images):
        raise InputError(f"--data: expected {count} test images, got {len(dataset.test_images)}")
    return dataset.test_images[rng.permutation(len(dataset.test_images))[:count]]


def _eight_bits(values: npt.NDArray[np.floating]) -> Pictures:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


Make = Callable[[np.random.Generator, Dataset, int], Pictures]
SOURCES: dict[str, tuple[Make, str]] = {
    "uniform_noise": (_uniform, "uniform noise"),
    "gaussian_noise": (_gaussian, "Gaussian noise"),
    "direct_1000": (
        functools.partial(_drifting, direct_encoding, 1000),
        "random pixels after 1,000 mutations",
    ),
    "cppn_0": (functools.partial(_drifting, cppn_encoding, 0), "random CPPNs"),
    "cppn_10": (functools.partial(_drifting, cppn_encoding, 10), "random CPPNs after 10 mutations"),
    "cppn_100": (functools.partial(_drifting, cppn_encoding, 100), "random CPPNs after 100 mutations"),
    "cppn_paper_100": (
        functools.partial(_drifting, paper_cppn_encoding, 100),
        "the paper's random CPPNs after 100 mutations",
    ),
    "normal_like": (_normal_like, "normal with the mean and covariance of clean images"),
    "between": (_between, "halfway between two clean images of different classes"),
    "clean": (_clean, "clean test images"),
}
"""By name: what makes the pictures, and what they are, for people."""
