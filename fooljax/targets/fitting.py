"""Fits a network to a dataset, and checks that it learnt something.

Users of the authors' code met networks that were untrained without a word and said 0.10 for every digit. So a
network is never used before it was seen to tell held-out images apart.
"""

import functools
import logging
import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Apply, Params, Target
from fooljax.errors import InputError, shown
from fooljax.scoring import score
from fooljax.targets.networks.trainable import NETWORKS, apply_of
from fooljax.targets.training import Recipe, Training, advance, begin

logger = logging.getLogger("fooljax")

ARITHMETIC = 2
"""The version of the arithmetic of training, raised when its bits change, so that nothing old is used."""
PART_SECONDS = 1.0
"""Seconds of training after which Python looks for signals."""

State = TypeVar("State")
"""A training so far, of whatever kind."""


def fit(dataset: Dataset, recipe: Recipe, network: str, seed: int) -> Params:
    """Trains a network; the parameters are the same, bit for bit, on any number of cores.

    The work is done in parts of about `PART_SECONDS`, between which Python answers signals.

    Args:
      dataset: its training images are learnt from.
      recipe: how.
      network: a name in `NETWORKS`.
      seed: of the first weights and of the order of the images.
    Returns:
      The trained parameters.
    """
    init_key, train_key = jax.random.split(jax.random.key(seed))
    apply = apply_of(network, dataset.num_classes)
    params = NETWORKS[network][1](dataset.num_classes).init(init_key, jnp.zeros((1, *dataset.image_shape)))
    images, labels = jnp.asarray(dataset.train_images), jnp.asarray(dataset.train_labels)
    training = begin(recipe, train_key, params, len(images))
    go_on = _compiled(apply, recipe)
    training = in_parts(lambda now, until: go_on(now, images, labels, until), training, recipe.steps)
    return jax.device_get(training.params)


def in_parts(go_on: Callable[[State, int], State], training: State, steps: int, networks: int = 1) -> State:
    """Goes on with a training to its end, in parts of about `PART_SECONDS`.

    Args:
      go_on: `(training, until) -> training` at the step `until`.
      training: before its first step; its memory may be used again.
      steps: of the whole training.
      networks: how many are trained at once, for the notice of one that is stopped.
    """
    done, part = 0, 1
    try:
        while done < steps:
            begun = time.perf_counter()
            until = min(done + part, steps)
            training = jax.block_until_ready(go_on(training, until))
            rate = (until - done) / (time.perf_counter() - begun)
            # The first step takes longer, since it compiles.
            part = max(1, int(rate * PART_SECONDS)) if done else 10
            done = until
    except BaseException:
        many = f" of {networks} networks" if networks > 1 else ""
        logger.warning("training%s stopped after %d of %d steps, which are lost", many, done, steps)
        raise
    return training


@functools.lru_cache(maxsize=4)
def _compiled(apply: Apply, recipe: Recipe) -> Callable[..., Training]:
    """The program of a recipe, which further seeds share."""
    return jax.jit(functools.partial(advance, apply, recipe), donate_argnums=0)


def facts_of(dataset: Dataset, recipe: Recipe, seed: int) -> dict[str, Any]:
    """What decides a trained network's parameters; stored beside them."""
    return {"recipe": recipe.facts, "dataset": dataset.digest, "seed": seed, "arithmetic": ARITHMETIC}


def accuracy(target: Target, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int32]) -> float:
    """The share of images that the target gives their label.

    Args:
      target: a network of as many classes as there are labels.
      images: `[N, H, W, K]` uint8.
      labels: `[N]` class indices.
    Returns:
      A number in [0, 1].
    """
    return float(np.mean(np.argmax(score(target, images), axis=1) == labels))


def check_data(target: Target, dataset: Dataset) -> None:
    """Makes sure that a target takes the images of a dataset and has as many classes.

    Raises:
      InputError: the images have another shape, or there are other classes; the message says both.
    """
    expected = (target.image_shape, len(target.class_names))
    if expected != (dataset.image_shape, dataset.num_classes):
        raise InputError(
            f"data: expected images of {expected[0]} and {expected[1]} classes for {shown(target.name, 60)}, "
            f"got {dataset.image_shape} and {dataset.num_classes}"
        )


def check_trained(target: Target, dataset: Dataset) -> float:
    """Makes sure that a target names held-out images better than by chance.

    Args:
      target: a network for the images of the dataset.
      dataset: its test images are asked about.
    Returns:
      The share of them that were named correctly, in [0, 1].
    Raises:
      InputError: the accuracy is within three standard errors of always naming the commonest class.
    """
    clean = accuracy(target, dataset.test_images, dataset.test_labels)
    count = len(dataset.test_labels)
    chance = float(np.max(np.bincount(dataset.test_labels)) / count)
    if clean <= chance + 3.0 * math.sqrt(chance * (1.0 - chance) / count):
        raise InputError(
            f"target: names {clean:.1%} of {count} held-out images of {dataset.name}, which is chance "
            f"({chance:.1%}): it is untrained, or its weights do not belong to these classes"
        )
    return clean
