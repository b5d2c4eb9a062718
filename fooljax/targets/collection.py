"""The networks that experiments ask for, by one short name each.

A name stands for one network with its weights, so that a table of an experiment can be read without anything
else: `lenet-3` is the shipped LeNet of seed 3, `mlp-0` an MLP that was trained with seed 0.
"""

import re
from pathlib import Path

from fooljax.data.dataset import Dataset
from fooljax.data.embedded import embedded_digits
from fooljax.engine.types import Target
from fooljax.errors import InputError, nearest, shown
from fooljax.targets import imagenet
from fooljax.targets._trained import trained
from fooljax.targets.choice import Say
from fooljax.targets.networks import efficientnet
from fooljax.targets.shipped import pretrained

SEEDS = range(5)
"""Independently trained networks of one architecture that the lists of names have."""
TRAINED_HERE = ("mlp", "alexnet-small")
MANY_IMAGES = 10_000
"""From so many training images on, a network is trained by "paper-full", ten times as long as by "paper"."""


def _seeded(network: str) -> tuple[str, ...]:
    return tuple(f"{network}-{seed}" for seed in SEEDS)


NETWORKS_OF: dict[str, tuple[str, ...]] = {
    "mnist": (*_seeded("lenet"), *(name for network in TRAINED_HERE for name in _seeded(network))),
    "imagenet": tuple(efficientnet.VARIANTS),
}
"""The names of the networks for each data set."""


def _unsaid(line: str) -> None:
    del line


def find(
    name: str, *, weights: Path | None = None, data: Dataset | None = None, say: Say = _unsaid
) -> Target:
    """The network of this name, with its weights.

    Args:
      name: in `NETWORKS_OF`; of the networks that are trained here, any seed may follow the architecture, as
        in `mlp-7`.
      weights: the user's folder with files of weights, each under the name that it was published under.
      data: what a network that is trained here learns from; by default the 4,000 embedded digits. A network
        is trained once and then read from the cache. The other networks do not look at it.
      say: takes a line before a training.
    Returns:
      The target. `provenance["params_sha256"]` tells two networks apart. The networks for one data set have
      its classes in one order.
    Raises:
      InputError: there is no such network, its file is not in the folder or does not fit, or see `trained`.
    """
    del weights
    if name in NETWORKS_OF["imagenet"]:
        return imagenet.load(name)
    network, seed = _parts(name)
    if network == "lenet" and seed is not None:
        return pretrained(network, seed)
    if network in TRAINED_HERE and seed is not None:
        dataset = embedded_digits() if data is None else data
        recipe = "paper-full" if len(dataset.train_labels) >= MANY_IMAGES else "paper"
        return trained(dataset, recipe, network=network, seed=seed, on_training=say)
    known = [name for names in NETWORKS_OF.values() for name in names]
    raise InputError(
        f"network: expected one of {', '.join(known)}, got {shown(name, 60)}{nearest(name, known)}"
    )


def _parts(name: str) -> tuple[str, int | None]:
    """The architecture, and the seed where one was said."""
    found = re.fullmatch(r"(.+)-([0-9]{1,9})", name)
    return (found[1], int(found[2])) if found else (name, None)
