"""What retrained networks learn from and are shown: clean images in parts, and fooling images at hand."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from fooljax import strategies
from fooljax.engine.types import Encoding, Genome, Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.evolution import search
from fooljax.rendering import draw
from fooljax.runs.opened import open_folder
from fooljax.settings import option
from fooljax.study.clean_images import photographs
from fooljax.study.generators import cppn_encoding
from fooljax.study.measured_sets import SetSettings, dataset_of

MOST_CLEAN, HELD_OUT = 1500, 500
"""Clean images that are learnt from, unless --learnt says otherwise; and those, at most, of each of the two
parts that are not."""
GOING_ON, CHILDREN = 10, 100
"""Classes of a search that goes on from old images, and its children in a generation."""
BLOCK = "block"
"""The part of a network that rows name: its last block of layers, and its last layer."""
LEARNT, UNSEEN = 0, 2
"""The fourths of a finished run's classes that networks learn from, and that they are shown afterwards."""
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class RetrainingSettings(SetSettings):
    """What decides a retrained network. `runs` are the image sets that evolve against the network itself."""

    chains: int = option(3, "Number of retrained networks of each network; no more than --runs.", least=1)
    rounds: int = option(1, "Rounds of retraining and evolving anew.", least=1, most=15)
    part: str = option(
        "head",
        "What is trained: head, the last layer on the features before it; block, the last block of layers "
        "too; or all of the network.",
        choices=("head", BLOCK, "all"),
    )
    steps: int = option(300, "Gradient steps of 64 images in each round.", least=1)
    share: float = option(0.4, "Share of fooling images among those of a step.", least=0.01, most=0.99)
    photographs: int = option(
        50,
        "Photographs of each class, at most, out of --imagefolder. All are held in memory.",
        least=1,
    )
    learnt: int = option(
        MOST_CLEAN, "Clean images to learn from, at most; of photographs no more than half.", least=1
    )
    archive: str | None = option(
        None,
        "Folder of a finished run on ImageNet. The images of a fourth of its classes are learnt from too, "
        "and those of another fourth are shown afterwards.",
        kind=str,
    )


class Clean(NamedTuple):
    """Clean images in three parts, no image in two of them.

    Attributes:
      learnt: that networks learn from, `[N, H, W, K]` uint8.
      tuning: that say where a rate of rejection is.
      held_out: that figures are measured on.
      labels: of those that are held out, `[M]`.
    """

    learnt: Images
    tuning: Images
    held_out: Images
    labels: npt.NDArray[np.integer]


def clean_of(config: RetrainingSettings, target: Target) -> Clean:
    """The clean images for a network: photographs, split by chance, or those of a data set."""
    rng = np.random.default_rng(0)
    if config.imagefolder is not None:
        side = checked_shape(target.image_shape)[0]
        images, labels = photographs(Path(config.imagefolder), side, config.photographs)
        learnt, rest = _halves(rng.permutation(len(images)))
        learnt_from = images
    else:
        data = dataset_of(config.data)
        learnt_from, images, labels = data.train_images, data.test_images, data.test_labels
        learnt, rest = rng.permutation(len(learnt_from)), rng.permutation(len(images))
    tuning, held_out = (part[:HELD_OUT] for part in _halves(rest))
    return Clean(learnt_from[learnt[: config.learnt]], images[tuning], images[held_out], labels[held_out])


def _halves(order: npt.NDArray[np.integer]) -> list[npt.NDArray[np.integer]]:
    return np.split(order, [len(order) // 2])


def first_generation(target: Target, count: int, key: jax.Array) -> Images:
    """Images that a search by CPPNs begins with."""
    encoding = cppn_encoding(checked_shape(target.image_shape))
    return draw(encoding, jax.vmap(encoding.init)(jax.random.split(key, count)))


class Archived(NamedTuple):
    """Elites of a finished run.

    Attributes:
      encoding: draws them.
      genomes: leaves `[C, ...]`.
      images: `[C, H, W, K]` uint8.
      classes: `[C]`, the class that each is for.
    """

    encoding: Encoding
    genomes: Genome
    images: Images
    classes: npt.NDArray[np.integer]


@functools.lru_cache(maxsize=4)
def archived(folder: Path | str, part: int, most: int | None = None) -> Archived:
    """The elites of a fourth of the classes of a finished run, read and drawn once.

    Args:
      folder: of the run, the first run of which is read.
      part: 0 to 3: the fourth, by the classes' indices.
      most: so many of them at most, evenly spread; by default all.
    Raises:
      InputError: it has an encoding that does not come with fooljax, or see `open_folder`.
    """
    run = open_folder(folder)
    if run.encoding is None:
        raise InputError(f"--archive: expected a run with an encoding of fooljax, got {shown(folder)}")
    chosen = np.arange(part, len(run.cells), 4)
    if most is not None:
        chosen = chosen[:: max(1, len(chosen) // most)][:most]
    genomes = jax.tree.map(lambda leaf: np.asarray(leaf)[0][chosen], run.archive.genomes)
    return Archived(run.encoding, genomes, draw(run.encoding, genomes), np.asarray(run.cells)[chosen])


class ContinuedImages(NamedTuple):
    """Images that evolved on from old ones.

    Attributes:
      begun: the old images of the classes, `[C, H, W, K]` uint8.
      images: what became of them.
      classes: of both, `[C]`.
      passes: network passes that it took.
    """

    begun: Images
    images: Images
    classes: npt.NDArray[np.integer]
    passes: int


def continue_evolution(
    config: RetrainingSettings, target: Target, passes: int, key: jax.Array
) -> ContinuedImages:
    """Evolves on from images of the finished run that no network learnt from, ten classes of them.

    Args:
      config: names the run.
      target: the network that is to be fooled.
      passes: network passes, at most.
      key: of the search.
    """
    old = archived(str(config.archive), UNSEEN, GOING_ON)
    found = search(
        target,
        old.encoding,
        strategies.build("focused", old.encoding, CHILDREN, {}),
        key=key,
        generations=(passes - len(old.classes)) // CHILDREN,
        cells=old.classes.tolist(),
        init_genomes=old.genomes,
    )
    spent = int(np.asarray(found.metrics["queries"])[0, -1])
    return ContinuedImages(old.images, found.images()[0], old.classes, spent)
