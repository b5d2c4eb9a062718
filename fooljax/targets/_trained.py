"""Targets trained on the user's machine, once, then kept in a cache.

A cached target is a tree file with a checksum, written whole or not at all. Whatever is wrong with one, the
network is trained again, and a notice says so.
"""

import errno
import logging
import re
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Params, Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.storage.cache import cache_folder
from fooljax.storage.trees import digest_tree, load_tree, save_tree
from fooljax.targets.fitting import check_trained, facts_of, fit
from fooljax.targets.networks.trainable import NETWORKS, apply_of, blank_params
from fooljax.targets.training import RECIPES, Recipe

logger = logging.getLogger("fooljax")


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
    path = _cached_path(dataset, recipe, network, seed, cache)
    facts = facts_of(dataset, recipe, seed)
    apply = apply_of(network, dataset.num_classes)
    kept = _read(path, blank_params(network, dataset.num_classes, dataset.image_shape), facts)
    if kept is None:
        keeps = _can_keep(path)
        if on_training:
            on_training(
                f"training {title} on {dataset.name} ({recipe.name} recipe, {recipe.steps} steps), once"
            )
        params, made_with = fit(dataset, recipe, network, seed), _versions()
        clean = check_trained(Target(params, apply), dataset)
        if keeps:
            _keep(path, params, {**facts, "made_with": made_with})
    else:
        params, made_with = kept
        clean = check_trained(Target(params, apply), dataset)
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
    return _cached_path(dataset, recipe, network, seed, cache).is_file()


def _cached_path(dataset: Dataset, recipe: Recipe, network: str, seed: int, cache: Path | None) -> Path:
    folder = cache_folder() / "targets" if cache is None else cache
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{network}-{recipe.name}-{dataset.name[:80]}")
    return folder / f"{name}-{dataset.digest[:12]}-seed{seed}.npz"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("jax", "flax")}


def _read(path: Path, template: Params, facts: dict[str, Any]) -> tuple[Params, dict[str, str]] | None:
    """The parameters that the cache keeps, and what made them; None where there are none that can be used."""
    try:
        if not path.is_file():
            if path.exists():
                logger.warning("%s: expected a file; training again", path)
            return None
        params, found = load_tree(path, template)
        made_with = found.pop("made_with", None)
    # Whatever a damaged file makes the libraries below raise, the network can be made again.
    except Exception as error:
        logger.warning("%s: cannot be used (%s); training again", path, shown(error))
        return None
    if found != facts or not isinstance(made_with, dict) or set(made_with) != set(_versions()):
        logger.warning("%s: made by another version of the recipe; training again", path)
        return None
    return params, made_with


def _can_keep(path: Path) -> bool:
    """Whether the cache can be written, with a notice where it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "a folder, a pipe or a device is in the way", str(path))
        with tempfile.TemporaryFile(dir=path.parent):
            return True
    except OSError as error:
        logger.warning("%s: the network will not be kept, since %s", path, shown(error.strerror or error))
        return False


def _keep(path: Path, params: Params, facts: dict[str, Any]) -> None:
    try:
        save_tree(path, params, facts)
    except (FaultError, InputError) as error:
        logger.warning("%s; the network is used, but not kept", shown(error))
