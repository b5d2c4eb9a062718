"""A classifier that compares an image with training images: nearest neighbours, as a target.

Nothing is trained, so it has other blind spots than a network that learnt by gradients, and its confidence
falls to chance far away from all training images. The density of a class at an image is estimated from the
distance d to its nearest training images of that class: in D dimensions it is proportional to 1 / d^D. So the
logits are -D log d, with the mean of the squared distances to the k nearest for d^2. The class named first is
the one whose k nearest are nearest; the dimension D only sets the confidence, and is fitted to the training
images themselves.

Source: Loftsgaarden and Quesenberry 1965 (density from the distance of neighbours); Dudani 1976 (weights by
distance). Differs: the mean over the k nearest, which changes less from image to image than the k-th
distance.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import scipy

from fooljax.checks import check_counts
from fooljax.data.dataset import Dataset
from fooljax.engine.placement import is_gpu, place_of
from fooljax.engine.precision import FEW_KERNELS
from fooljax.engine.types import Params, Target
from fooljax.errors import InputError, shown
from fooljax.storage.trees import digest_tree
from fooljax.targets.fitting import accuracy

NEIGHBOURS = 3
"""`k` by default: of 1 to 10 it names most of the embedded digits rightly, if only by a few."""
MEASURED_ON = 1000
"""Training images that the dimension is fitted to, and held-out images that the accuracy is measured on."""
AT_ONCE = 100
LEAST_DIMENSION, MOST_DIMENSION = 1.0, 200.0
FLOOR = 1e-3
"""Added to squared distances: less than rounding makes of those of an image to itself. The distance of two
images that differ in one value by 8 grey levels is the same."""
FAR = 1e9
"""A squared distance that stands where a class has fewer images than others."""


def nearest_neighbours(dataset: Dataset, *, neighbours: int = NEIGHBOURS) -> Target:
    """The classifier by the nearest training images of a dataset.

    Every image is compared with all training images in one matrix product, so its time grows with their
    number; with the 4,000 embedded digits it is about that of LeNet. All of it is differentiable.

    Args:
      dataset: whose training images are compared with, and whose test images tell the accuracy.
      neighbours: `k`, how many training images of each class count.
    Returns:
      The target, for images of the dataset's shape in [0, 1].
    Raises:
      InputError: a class has fewer than `neighbours` + 1 training images.
    """
    check_counts(neighbours=(neighbours, 1))
    counts = np.bincount(dataset.train_labels, minlength=dataset.num_classes)
    fewest = int(np.argmin(counts))
    if counts[fewest] <= neighbours:
        raise InputError(
            f"neighbours: expected fewer than the {counts[fewest]} training images of class "
            f"{shown(dataset.class_names[fewest], 40)}, got {neighbours}"
        )
    params: dict[str, Any] = _by_class(dataset, int(counts.max()))
    params["dimension"] = np.float32(_fitted_dimension(params, dataset, neighbours))
    target = Target(
        jax.device_put(params),
        _Neighbours(neighbours),
        name=f"nearest neighbours ({neighbours} of each class)",
        image_shape=dataset.image_shape,
        class_names=dataset.class_names,
        confidence="Bayes' rule with densities from the distances of the nearest training images",
        provenance={
            "network": "nearest neighbours",
            "neighbours": neighbours,
            "dataset": dataset.digest,
            "dataset_name": dataset.name,
            "train_images": len(dataset.train_labels),
            "test_images": min(len(dataset.test_labels), MEASURED_ON),
            "params_sha256": digest_tree(params),
        },
    )
    tested = _spread(len(dataset.test_labels))
    clean = accuracy(target, dataset.test_images[tested], dataset.test_labels[tested])
    return replace(target, clean_accuracy=clean)


@dataclass(frozen=True)
class _Neighbours:
    """The `apply` of such a target; equal for equal `k`, so that targets share programs.

    Attributes:
      neighbours: `k`.
    """

    neighbours: int

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C]` of images `[B, H, W, K]`."""
        squares = nearest_squares(params, images.reshape(images.shape[0], -1), self.neighbours)
        return -params["dimension"] * 0.5 * jnp.log(jnp.mean(squares, axis=-1) + FLOOR)


def nearest_squares(params: Params, vectors: jax.Array, count: int) -> jax.Array:
    """The least squared distances of vectors `[B, F]` to the images of each class, `[B, C, count]`."""
    # One product of two matrices: with classes as an axis of their own it takes four times as long.
    products = jnp.dot(vectors, params["images"].T, precision=jax.lax.Precision.HIGHEST)
    products = products.reshape(-1, *params["lengths"].shape)
    lengths = jnp.sum(vectors * vectors, axis=1)[:, None, None]
    squares = jnp.maximum(lengths + params["lengths"][None] - 2.0 * products, 0.0)
    return -jax.lax.top_k(-squares, count)[0]


def _by_class(dataset: Dataset, most: int) -> dict[str, npt.NDArray[np.float32]]:
    """The training images of each class, `[C most, F]`, and their squared lengths `[C, most]`."""
    vectors = dataset.train_images.reshape(len(dataset.train_labels), -1) / np.float32(255.0)
    images = np.zeros((dataset.num_classes, most, vectors.shape[1]), np.float32)
    lengths = np.full(images.shape[:2], FAR, np.float32)
    for label in range(dataset.num_classes):
        own = vectors[dataset.train_labels == label]
        images[label, : len(own)], lengths[label, : len(own)] = own, np.sum(own * own, axis=1)
    return {"images": images.reshape(-1, vectors.shape[1]), "lengths": lengths}


def _fitted_dimension(params: Params, dataset: Dataset, neighbours: int) -> float:
    """The dimension under which the labels of training images are likeliest, each left out for itself."""
    places = _spread(len(dataset.train_labels))
    labels = dataset.train_labels[places]
    vectors = dataset.train_images[places].reshape(len(places), -1) / np.float32(255.0)
    options = FEW_KERNELS if is_gpu(place_of(params)) else None
    find = jax.jit(partial(nearest_squares, count=neighbours + 1), compiler_options=options)
    parts = np.array_split(vectors, -(-len(vectors) // AT_ONCE))
    squares = np.concatenate([np.asarray(find(params, jnp.asarray(part))) for part in parts])
    # The nearest one of its own class is the image itself.
    is_own = (labels[:, None] == np.arange(dataset.num_classes))[..., None]
    logarithms = 0.5 * np.log(np.where(is_own, squares[..., 1:], squares[..., :-1]).mean(axis=2) + FLOOR)

    def surprise(dimension: float) -> float:
        shares = scipy.special.log_softmax(-dimension * logarithms.astype(np.float64), axis=1)
        return -float(np.mean(shares[np.arange(len(labels)), labels]))

    found = scipy.optimize.minimize_scalar(
        surprise, bounds=(LEAST_DIMENSION, MOST_DIMENSION), method="bounded"
    )
    return float(found.x)


def _spread(count: int) -> npt.NDArray[np.int64]:
    """At most `MEASURED_ON` places of `count`, evenly spaced: images may be sorted by their classes."""
    return np.unique(np.linspace(0, count - 1, min(count, MEASURED_ON)).astype(np.int64))
