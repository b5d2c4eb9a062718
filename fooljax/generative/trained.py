"""Generative classifiers trained on the user's machine, once, then kept in the cache like other networks.

A tenth of the training images is held out from the densities. Half of these fit the temperature, the other
half gives the levels of log p(x) below which 1 % and 5 % of clean images lie. So no test image has a say in
any of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from fooljax.checks import check_counts
from fooljax.data.dataset import Dataset
from fooljax.engine.types import Params, Target
from fooljax.errors import InputError, nearest, shown
from fooljax.generative import mixture, vae_training
from fooljax.generative.classifier import Density, as_classifier, levels, log_density, log_joint
from fooljax.generative.vae import VaeDensity
from fooljax.own_settings import with_own_settings
from fooljax.storage.trees import digest_tree
from fooljax.targets.fitting import check_trained
from fooljax.targets.temperature import best_temperature
from fooljax.targets.trained_cache import PACKAGES, cached_path, kept_or_trained

HELD_OUT = 0.1
"""Of the training images, for temperature and levels."""
REJECTIONS = (0.01, 0.05)
"""Shares of clean images that may be rejected."""
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 1e4
ARITHMETIC = 1
"""The version of the arithmetic of training, raised when its bits change, so that nothing old is used."""


class Kind(NamedTuple):
    """A kind of density.

    Attributes:
      title: what people read.
      density: gives log p(x, y).
      settings: what decides the fit, for a number of training images.
      blank: `blank(num_classes, pixels)`, shapes and dtypes of the parameters.
      fit: `fit(images, labels, num_classes, seed)`, the parameters but for `log_prior`.
      packages: whose versions are noted beside them.
    """

    title: str
    density: Density
    settings: Callable[[int], dict[str, Any]]
    blank: Callable[[int, int], Params]
    fit: Callable[[npt.NDArray[np.uint8], npt.NDArray[np.int32], int, int], Params]
    packages: tuple[str, ...]


_VAE = VaeDensity()
KINDS = {
    "vae": Kind(
        "VAE for each class",
        _VAE,
        lambda images: {**asdict(_VAE), **asdict(vae_training.recipe_for(images))},
        lambda classes, pixels: vae_training.blank(_VAE, classes, pixels),
        lambda images, *rest: vae_training.fit(_VAE, vae_training.recipe_for(len(images)), images, *rest),
        PACKAGES,
    ),
    "mixture": Kind(
        "Gaussian mixture for each class",
        mixture.MixtureDensity(),
        lambda _: {"components": mixture.COMPONENTS, "parts": mixture.PARTS, "floor": mixture.FLOOR},
        mixture.blank,
        mixture.fit,
        ("scikit-learn",),
    ),
}
"""By name."""


@with_own_settings
def generative(
    dataset: Dataset,
    kind: str,
    *,
    seed: int = 0,
    cache: Path | None = None,
    on_training: Callable[[str], None] | None = None,
) -> Target:
    """Trains a generative classifier on a dataset, or reads it from the cache.

    Args:
      dataset: images of any size.
      kind: a name in `KINDS`: "vae" or "mixture".
      seed: of the training and of which images are held out.
      cache: folder; `cache_folder() / "targets"` by default.
      on_training: takes a line when training begins; it is not called when the cache serves.
    Returns:
      The target, whose logits are log p(x, y) over the temperature. Its accuracy was measured on the test
      images. `provenance` has its `temperature`, and under `levels` the levels of log p(x) by the share of
      clean images below them, as text, for `fooljax.generative.rejecting`.
    Raises:
      InputError: the kind is unknown, the dataset or the seed is none, there are too few images, or the
        classifier names held-out images no better than chance.
      FaultError: a package is missing.
    """
    if kind not in KINDS:
        raise InputError(
            f"kind: expected one of {', '.join(KINDS)}, got {shown(kind)}{nearest(str(kind), KINDS)}"
        )
    if not isinstance(dataset, Dataset):
        raise InputError(f"dataset: expected a Dataset, got {type(dataset).__name__}")
    check_counts(seed=(seed, 0))
    of, classes = KINDS[kind], dataset.num_classes
    learnt, held_out = _split(len(dataset.train_labels), seed)
    if len(held_out) < 2 * classes:
        raise InputError(
            f"dataset: expected {round(2 * classes / HELD_OUT)} training images or more, got "
            f"{len(dataset.train_labels)}"
        )
    facts = {
        "kind": kind,
        "settings": of.settings(len(learnt)),
        "held_out": len(held_out),
        "dataset": dataset.digest,
        "seed": seed,
        "arithmetic": ARITHMETIC,
    }
    one, vector = jax.ShapeDtypeStruct((), np.float32), jax.ShapeDtypeStruct((classes,), np.float32)
    template = {
        "density": {**of.blank(classes, int(np.prod(dataset.image_shape))), "log_prior": vector},
        "temperature": one,
        "levels": {f"{rate:g}": one for rate in REJECTIONS},
    }

    def train() -> Params:
        if on_training:
            on_training(f"training a {of.title} on {dataset.name}, once")
        labels = dataset.train_labels[learnt]
        params = of.fit(dataset.train_images[learnt], labels, classes, seed)
        shares = np.bincount(labels, minlength=classes) / len(labels)
        params = {**params, "log_prior": np.log(shares).astype(np.float32)}
        return _calibrated(of.density, params, dataset, np.array_split(held_out, 2))

    def made(params: Params, **more: Any) -> Target:
        return as_classifier(of.density, params["density"], params["temperature"], **more)

    params, clean, made_with = kept_or_trained(
        cached_path(dataset, kind, seed, cache),
        template,
        facts,
        train,
        lambda params: check_trained(made(params), dataset),
        of.packages,
    )
    own = {"density": params["density"], "temperature": params["temperature"]}
    return made(
        params,
        name=of.title,
        image_shape=dataset.image_shape,
        class_names=dataset.class_names,
        clean_accuracy=clean,
        provenance={
            "network": of.title,
            **facts,
            "dataset_name": dataset.name,
            "temperature": float(params["temperature"]),
            "levels": {rate: float(level) for rate, level in params["levels"].items()},
            "params_sha256": digest_tree(own),
            **made_with,
        },
    )


def _split(images: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which training images the densities learn from, and which are held out."""
    order = np.random.default_rng(seed).permutation(images)
    first = round(HELD_OUT * images)
    return np.sort(order[first:]), order[:first]


def _calibrated(
    density: Density, params: Params, dataset: Dataset, halves: Sequence[npt.NDArray[np.int64]]
) -> Params:
    """The parameters with the temperature that one half fits, and the levels that the other gives."""
    plain = as_classifier(density, params, 1.0)
    joint = log_joint(plain, dataset.train_images[halves[0]])
    labels = dataset.train_labels[halves[0]]
    temperature = best_temperature(joint, labels, LEAST_TEMPERATURE, MOST_TEMPERATURE)
    found = levels(log_density(plain, dataset.train_images[halves[1]]), REJECTIONS)
    return {
        "density": params,
        "temperature": np.float32(temperature),
        "levels": {rate: np.float32(level) for rate, level in found.items()},
    }
