"""Targets trained on the user's machine: once, then kept in a cache.

A cached target is a tree file with a checksum, written atomically; one that is damaged or of another recipe
is trained again, with a notice. Loading always checks that the network can tell the classes apart: users of
the authors' code met silently untrained networks, which say 0.10 for every digit.
"""

import functools
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from fooljax.base import Params, Target, TargetCard
from fooljax.datasets import Dataset
from fooljax.errors import InputError
from fooljax.storage import digest_tree, load_tree, save_tree
from fooljax.targets.alexnet import AlexNet
from fooljax.targets.networks import LeNet
from fooljax.targets.training import RECIPES, Recipe, accuracy, advance, begin

logger = logging.getLogger("fooljax")


def cache_folder() -> Path:
    """Where fooljax keeps what it can make again: `$FOOLJAX_CACHE`, or `~/.cache/fooljax`."""
    if chosen := os.environ.get("FOOLJAX_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fooljax"


NETWORKS: dict[str, tuple[str, Callable[[int], nn.Module]]] = {
    "lenet": ("LeNet", LeNet),
    "alexnet-small": ("AlexNet, small", functools.partial(AlexNet, "alexnet-small")),
}
"""What can be trained: the name that people read, and the Flax module for a number of classes."""


PART_SECONDS = 1.0
"""Of training, between which Python answers signals."""


def lenet(dataset: Dataset, recipe: str | Recipe = "paper", **settings: Any) -> tuple[Target, TargetCard]:
    """Caffe's LeNet, the paper's network for MNIST; arguments and errors as `trained`."""
    return trained(dataset, recipe, network="lenet", **settings)


def trained(
    dataset: Dataset,
    recipe: str | Recipe = "paper",
    *,
    network: str = "lenet",
    seed: int = 0,
    cache: Path | None = None,
    on_training: Callable[[str], None] | None = None,
) -> tuple[Target, TargetCard]:
    """A network trained on a dataset by a recipe, or read from the cache.

    Args:
      dataset: images of at least 16 x 16.
      recipe: a `Recipe`, or a name in `RECIPES`: "paper" or "strong".
      network: a name in `NETWORKS`: "lenet", or "alexnet-small" as a second architecture.
      seed: of the weights and the order of the images; independently trained targets differ in it.
      cache: folder; `cache_folder() / "targets"` by default.
      on_training: is told, in a line, when training begins (not when the cache serves).
    Raises:
      InputError: the recipe or network is unknown, the images are too small, or the network names held-out
        images no better than chance.
      FaultError: the cache cannot be written.
    """
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise InputError(f"recipe: expected one of {', '.join(RECIPES)}, got {recipe}")
        recipe = RECIPES[recipe]
    if network not in NETWORKS:
        raise InputError(f"network: expected one of {', '.join(NETWORKS)}, got {network}")
    title, build = NETWORKS[network]
    if min(dataset.image_shape[:2]) < 16:
        raise InputError(
            f"dataset: {title} expects images of at least 16 x 16, got {list(dataset.image_shape)}"
        )
    if len(dataset.train_labels) < recipe.batch_size:
        count = len(dataset.train_labels)
        raise InputError(f"dataset: expected at least {recipe.batch_size} training images, got {count}")
    folder = cache_folder() / "targets" if cache is None else cache
    path = folder / f"{network}-{recipe.name}-{dataset.name}-{dataset.digest[:12]}-seed{seed}.npz"
    facts = {"recipe": asdict(recipe), "dataset": dataset.digest, "seed": seed}
    apply = apply_of(network, dataset.num_classes)
    blank = jax.ShapeDtypeStruct((1, *dataset.image_shape), jnp.float32)
    initial = build(dataset.num_classes).init
    params = _read(path, jax.eval_shape(initial, jax.random.key(0), blank), facts)
    if params is None:
        if on_training:
            on_training(
                f"training {title} on {dataset.name} ({recipe.name} recipe, {recipe.steps} steps), once"
            )
        params = fit(dataset, recipe, network, seed)
        clean = check_trained(Target(params, apply), dataset)
        folder.mkdir(parents=True, exist_ok=True)
        save_tree(path, params, facts)
    else:
        clean = check_trained(Target(params, apply), dataset)
    card = TargetCard(
        name=f"{title} ({recipe.name} recipe)",
        image_shape=dataset.image_shape,
        class_names=dataset.class_names,
        clean_accuracy=clean,
        provenance={
            "network": title,
            **facts,
            "dataset_name": dataset.name,
            "params_sha256": digest_tree(params),
            "jax": version("jax"),
            "flax": version("flax"),
        },
    )
    return Target(jax.tree.map(jnp.asarray, params), apply), card


def fit(dataset: Dataset, recipe: Recipe, network: str, seed: int) -> Params:
    """Trains a network of `NETWORKS`; the same parameters, bit for bit, on any number of cores.

    The work is done in parts of about `PART_SECONDS`, between which Python answers signals.
    """
    init_key, train_key = jax.random.split(jax.random.key(seed))
    apply = apply_of(network, dataset.num_classes)
    params = NETWORKS[network][1](dataset.num_classes).init(init_key, jnp.zeros((1, *dataset.image_shape)))
    images, labels = jnp.asarray(dataset.train_images), jnp.asarray(dataset.train_labels)
    training = begin(recipe, train_key, params, len(images))
    go_on = jax.jit(functools.partial(advance, apply, recipe), donate_argnums=0)
    done, rate = 0, 1.0
    while done < recipe.steps:
        part = min(recipe.steps - done, max(1, int(rate * PART_SECONDS)))
        begun = time.perf_counter()
        training = jax.block_until_ready(go_on(training, images, labels, done + part))
        # The first part is one step, which compiles.
        rate = part / (time.perf_counter() - begun) if done else 10.0
        done += part
    return jax.device_get(training.params)


@functools.cache
def apply_of(network: str, num_classes: int) -> Callable[[Params, jax.Array], jax.Array]:
    """`apply(params, images)` of a network; the same function each time, so that targets share programs."""
    module = NETWORKS[network][1](num_classes)

    def apply(params: Params, images: jax.Array) -> jax.Array:
        logits: jax.Array = module.apply(params, images)  # type: ignore[assignment]
        return logits

    return apply


def lenet_apply(num_classes: int) -> Callable[[Params, jax.Array], jax.Array]:
    """`apply_of("lenet", num_classes)`."""
    return apply_of("lenet", num_classes)


def check_trained(target: Target, dataset: Dataset) -> float:
    """The clean accuracy on the held-out images, in [0, 1], after making sure that it is above chance.

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


def _read(path: Path, template: Params, facts: dict[str, Any]) -> Params | None:
    if not path.exists():
        return None
    try:
        params, found = load_tree(path, template)
    except InputError as error:
        logger.warning("%s; training again", error)
        return None
    if found != facts:
        logger.warning("%s: made by another version of the recipe; training again", path)
        return None
    return params
