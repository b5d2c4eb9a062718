"""The networks that experiments ask for, by one short name each.

A name stands for one network with its weights, so that a table of an experiment can be read without anything
else: `lenet-3` is the shipped LeNet of seed 3, `mlp-0` an MLP that was trained with seed 0.
"""

import re
from pathlib import Path
from typing import NamedTuple

from fooljax.data.dataset import Dataset
from fooljax.data.embedded import embedded_digits
from fooljax.data.imagenet import class_names
from fooljax.engine.types import Target
from fooljax.errors import InputError, nearest, shown
from fooljax.targets import cifar10, imagenet
from fooljax.targets._trained import trained
from fooljax.targets.choice import Say
from fooljax.targets.foreign.tflite_files import from_tflite
from fooljax.targets.image_sizes import seeing_centre
from fooljax.targets.imagenet_networks import CROPPED_SIZE
from fooljax.targets.nearest_neighbours import nearest_neighbours
from fooljax.targets.networks import efficientnet
from fooljax.targets.networks.trainable import NETWORKS
from fooljax.targets.preprocessing import Preprocessing
from fooljax.targets.shipped import pretrained
from fooljax.targets.training import RECIPES

SEEDS = range(5)
"""Independently trained networks of one architecture that the lists of names have."""
TRAINED_HERE = ("mlp", "alexnet-small")
BY_RECIPE = {f"{network}-{recipe}": (network, recipe) for network in NETWORKS for recipe in RECIPES}
"""Architectures that are trained here by a recipe of that name, whatever comes with fooljax."""
KNN = "knn"
"""The classifier by nearest training images; which network it is depends on the data."""
MANY_IMAGES = 10_000
"""From so many training images on, a network is trained by "paper-full", ten times as long as by "paper"."""


class BlackBox(NamedTuple):
    """A network in a TensorFlow Lite file."""

    file: str
    preprocessing: Preprocessing


BLACK_BOXES = {
    "mobilenet-v1-0.25": BlackBox(
        "mobilenet_v1_0.25*.tflite", Preprocessing(range=(-1, 1), outputs="probabilities", left_out=(0,))
    ),
    "mobilenet-v2": BlackBox(
        "mobilenet_v2*.tflite",
        # In 8 bits: levels as they are, and answers in steps of 1/256.
        Preprocessing(range=(-1, 127 / 128), outputs="probabilities", floor=1 / 512_000, left_out=(0,)),
    ),
    "mobilenet-v3-small": BlackBox(
        "mobilenet_v3_small*.tflite", Preprocessing(range=(0, 255), outputs="probabilities")
    ),
}
"""Networks for ImageNet that are only asked: they have no gradients. See `foreign.from_tflite`."""


def _seeded(network: str) -> tuple[str, ...]:
    return tuple(f"{network}-{seed}" for seed in SEEDS)


NETWORKS_OF: dict[str, tuple[str, ...]] = {
    "mnist": (*_seeded("lenet"), *(name for network in TRAINED_HERE for name in _seeded(network)), KNN),
    "cifar10": (*cifar10.NAMES, KNN),
    "imagenet": (*efficientnet.VARIANTS, "squeezenet", "tiny-darknet", *BLACK_BOXES),
}
"""The names of the networks for each data set."""
FILES = {
    **{name: f"{name}*" for name in cifar10.NAMES},
    "squeezenet": "squeezenet*",
    "tiny-darknet": "tiny_darknet*",
    **{name: box.file for name, box in BLACK_BOXES.items()},
}
"""How the names of the files begin that the user's folder holds; a star stands for the rest of a name."""


def _unsaid(line: str) -> None:
    del line


def find(
    name: str, *, weights: Path | str | None = None, data: Dataset | None = None, say: Say = _unsaid
) -> Target:
    """The network of this name, with its weights.

    Args:
      name: in `NETWORKS_OF`; of the networks that are trained here, any seed may follow the architecture, as
        in `mlp-7`. An architecture with a recipe, as in `lenet-paper-0`, is always trained here.
      weights: the user's folder with files of weights, whose names are as in `FILES`; by default there is
        none, which is enough for the networks for digits and EfficientNet-Lite.
      data: what a network that is trained here learns from, and what `knn` compares with; by default the
        4,000 embedded digits. A network is trained once and then read from the cache. The other networks do
        not look at it.
      say: takes a line before a training.
    Returns:
      The target. `provenance["params_sha256"]` tells two networks apart. The networks for one data set have
      its classes in one order.
    Raises:
      InputError: there is no such network, its file is not in the folder or does not fit, or see `trained`.
      FaultError: a package is missing.
    """
    check_name(name)
    if name in cifar10.NAMES:
        return cifar10.load(name, weights=_file(name, weights))
    if box := BLACK_BOXES.get(name):
        target = from_tflite(
            _file(name, weights), preprocessing=box.preprocessing, class_names=class_names(), name=name
        )
        return seeing_centre(target, CROPPED_SIZE)
    if name in NETWORKS_OF["imagenet"]:
        return imagenet.load(name, weights=_file(name, weights) if name in FILES else None)
    if name == KNN:
        return nearest_neighbours(embedded_digits() if data is None else data)
    network, seed = _parts(name)
    assert seed is not None
    if network == "lenet":
        return pretrained(network, seed)
    dataset = embedded_digits() if data is None else data
    usual = "paper-full" if len(dataset.train_labels) >= MANY_IMAGES else "paper"
    architecture, recipe = BY_RECIPE.get(network, (network, usual))
    return trained(dataset, recipe, network=architecture, seed=seed, on_training=say)


def check_name(name: str) -> None:
    """Makes sure that `find` knows a network of this name; nothing is read or trained.

    Raises:
      InputError: there is none.
    """
    known = list(dict.fromkeys(name for names in NETWORKS_OF.values() for name in names))
    network, seed = _parts(str(name))
    if name not in known and (seed is None or not (network in BY_RECIPE or network in TRAINED_HERE)):
        raise InputError(
            f"network: expected one of {', '.join(known)}, got {shown(name, 60) or 'an empty name'}"
            f"{nearest(str(name), known)}"
        )


def _file(name: str, folder: Path | str | None) -> Path:
    """The one file in the user's folder that has a network's weights."""
    if folder is None:
        raise InputError(f"weights: {name} wants a folder with a file {FILES[name]}, got none")
    found = sorted(Path(folder).glob(FILES[name]))
    if len(found) != 1:
        names = ", ".join(shown(path.name, 60) for path in found[:3]) or "none"
        raise InputError(f"weights: {name} wants one file {FILES[name]} in {shown(folder)}, found {names}")
    return found[0]


def _parts(name: str) -> tuple[str, int | None]:
    """The architecture, and the seed where one was said."""
    found = re.fullmatch(r"(.+)-([0-9]{1,9})", name)
    return (found[1], int(found[2])) if found else (name, None)
