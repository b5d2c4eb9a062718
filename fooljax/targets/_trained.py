"""Targets trained on the user's machine, once, then kept in a cache.

See `fooljax.targets.trained_cache` for the files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Params, Target
from fooljax.errors import InputError
from fooljax.own_settings import with_own_settings
from fooljax.storage.trees import digest_tree
from fooljax.targets.fitting import check_trained, facts_of, fit
from fooljax.targets.networks.trainable import NETWORKS, apply_of, blank_params
from fooljax.targets.trained_cache import cached_path, kept_or_trained
from fooljax.targets.training import RECIPES, Recipe


def lenet(dataset: Dataset, recipe: str | Recipe = "paper", **settings: Any) -> Target:
    """Trains Caffe's LeNet, the paper's network for MNIST, or reads it from the cache; errors as `trained`.

    Args:
      dataset: images of at least 16 x 16.
      recipe: a `Recipe`, or a name in `RECIPES`.
      **settings: other arguments of `trained`.
    Returns:
      The target.
    """
    return trained(dataset, recipe, network="lenet", **settings)


@with_own_settings
def trained(
    dataset: Dataset,
    recipe: str | Recipe = "paper",
    *,
    network: str = "lenet",
    seed: int = 0,
    cache: Path | None = None,
    on_training: Callable[[str], None] | None = None,
) -> Target:
    """Trains a network on a dataset by a recipe, or reads it from the cache.

    Args:
      dataset: images of at least 16 x 16.
      recipe: a `Recipe`, or a name in `RECIPES`: "paper", "paper-full" or "strong".
      network: a name in `NETWORKS`: "lenet"; or other architectures, "alexnet-small" and "mlp".
      seed: of the weights and the order of the images; independently trained targets differ in it.
      cache: folder; `cache_folder() / "targets"` by default.
      on_training: takes a line when training begins; it is not called when the cache serves.
    Returns:
      The target; its accuracy was measured on the test images of the dataset. A cache that cannot be written
      is no error: a notice says so before the training.
    Raises:
      InputError: the recipe or network is unknown, the images are too small, or the network names held-out
        images no better than chance.
    """
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise InputError(f"recipe: expected one of {', '.join(RECIPES)}, got {recipe}")
        recipe = RECIPES[recipe]
    if network not in NETWORKS:
        raise InputError(f"network: expected one of {', '.join(NETWORKS)}, got {network}")
    title, _ = NETWORKS[network]
    if min(dataset.image_shape[:2]) < 16:
        raise InputError(
            f"dataset: {title} expects images of at least 16 x 16, got {list(dataset.image_shape)}"
        )
    if len(dataset.train_labels) < recipe.batch_size:
        count = len(dataset.train_labels)
        raise InputError(f"dataset: expected at least {recipe.batch_size} training images, got {count}")
    path = cached_path(dataset, f"{network}-{recipe.name}", seed, cache)
    facts = facts_of(dataset, recipe, seed)
    apply = apply_of(network, dataset.num_classes)

    def train() -> Params:
        if on_training:
            on_training(
                f"training {title} on {dataset.name} ({recipe.name} recipe, {recipe.steps} steps), once"
            )
        return fit(dataset, recipe, network, seed)

    params, clean, made_with = kept_or_trained(
        path,
        blank_params(network, dataset.num_classes, dataset.image_shape),
        facts,
        train,
        lambda params: check_trained(Target(params, apply), dataset),
    )
    return Target(
        jax.device_put(params),
        apply,
        name=f"{title} ({recipe.name} recipe)",
        image_shape=dataset.image_shape,
        class_names=dataset.class_names,
        clean_accuracy=clean,
        provenance={
            "network": title,
            **facts,
            "dataset_name": dataset.name,
            "params_sha256": digest_tree(params),
            **made_with,
        },
    )


def is_cached(dataset: Dataset, recipe: Recipe, network: str, seed: int, cache: Path | None = None) -> bool:
    """Whether a file is there that `trained` can probably do with, instead of training."""
    return cached_path(dataset, f"{network}-{recipe.name}", seed, cache).is_file()
