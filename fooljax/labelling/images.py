"""The images that people are asked about, each with what is known of it and kept from them.

Clean images and noise are controls: who cannot name the first, or names the second, did not look.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.data import imagenet
from fooljax.data.dataset import Dataset
from fooljax.data.image_folders import find_images
from fooljax.data.photographs import read_photograph
from fooljax.engine.log_odds import confidence
from fooljax.errors import InputError, shown
from fooljax.runs.ascent_record import open_ascent
from fooljax.runs.kinds import is_ascent_folder
from fooljax.runs.opened import open_folder

Kind = Literal["evolved", "clean", "noise"]
KINDS: tuple[Kind, ...] = ("evolved", "clean", "noise")
GAUSSIAN = (127.5, 63.75)
"""Mean and standard deviation of the grey levels of Gaussian noise: a half and a quarter of the range."""


@dataclass(frozen=True, eq=False)
class Asked:
    """An image that people are asked about.

    Attributes:
      pixels: `[H, W, K]` uint8.
      kind: whether it evolved, or which control it is.
      source: the run's folder, the data set, or the kind of noise.
      run: index of the run in its folder; None for controls.
      class_index: the class that the network was made to name, or that a clean image is of; None for noise.
      log_odds: of that class, of the saved image; None for controls.
    """

    pixels: npt.NDArray[np.uint8]
    kind: Kind
    source: str
    run: int | None = None
    class_index: int | None = None
    log_odds: float | None = None


class Source(NamedTuple):
    """The images of one run folder.

    Attributes:
      class_names: of all classes of the network.
      groups: of related classes, by class index; "" where there are none.
      images: of all runs in the folder.
    """

    class_names: tuple[str, ...]
    groups: dict[int, str]
    images: list[Asked]


def open_source(folder: Path, encoding: str | None, least: float) -> Source:
    """The images of a run that fooled its network: of a search the best, of a gradient ascent all methods'.

    Args:
      folder: of a finished run.
      encoding: MODULE:NAME of its encoding, where that does not come with fooljax.
      least: log-odds that an image has at least. It is not asked for where the run maximised something else.
    Raises:
      InputError: the folder is not that of a finished run, or no image has so much.
    """
    of_ascent = is_ascent_folder(folder)
    source = _of_ascent(folder, least) if of_ascent else _of_search(folder, encoding, least)
    if not source.images:
        raise InputError(
            f"least_confidence: expected one that some image of {shown(folder)} has, got "
            f"{float(confidence(least)):g}"
        )
    return source


def _of_search(folder: Path, encoding: str | None, least: float) -> Source:
    record = open_folder(folder, encoding)
    rows = [row for row in record.elites if row.log_odds >= least or not record.is_log_odds]
    images = record.images() if rows else None
    found = [
        Asked(
            images[row.run, record.cells.index(row.class_index)],
            "evolved",
            str(folder),
            row.run,
            row.class_index,
            row.log_odds,
        )
        for row in rows
        if images is not None
    ]
    return Source(record.class_names, {row.class_index: row.group for row in record.elites}, found)


def _of_ascent(folder: Path, least: float) -> Source:
    record = open_ascent(folder)
    found = []
    for method in record.ascents:
        images, log_odds = record.images(method), record.log_odds[method]
        found += [
            Asked(
                images[start, cell],
                "evolved",
                f"{folder}, {method}",
                int(start),
                record.cells[cell],
                float(log_odds[start, cell]),
            )
            for start, cell in np.argwhere(log_odds >= least)
        ]
    return Source(record.class_names, {}, found)


class Pool(NamedTuple):
    """Clean images to choose from, which are read when they are chosen.

    Attributes:
      name: of the data set.
      classes: the class index of each.
      pixels: gives an image, `[H, W, K]` uint8, by its place in `classes`.
    """

    name: str
    classes: Sequence[int]
    pixels: Callable[[int], npt.NDArray[np.uint8]]


def held_out(dataset: Dataset, class_names: Sequence[str]) -> Pool:
    """The held-out images of a data set. Its classes are found by name among the network's.

    Raises:
      InputError: the network does not know one of the classes.
    """
    places = {name: index for index, name in enumerate(class_names)}
    if unknown := [name for name in dataset.class_names if name not in places]:
        raise InputError(
            f"data: expected classes that the network of the runs knows, got {shown(unknown[0])} in "
            f"{shown(dataset.name)}"
        )
    classes = [places[dataset.class_names[label]] for label in dataset.test_labels.tolist()]
    return Pool(dataset.name, classes, lambda place: dataset.test_images[place])


def photographs(folder: Path, class_names: Sequence[str], side: int) -> Pool:
    """Photographs of ImageNet's classes, in a folder for each.

    Args:
      folder: holds a folder for each class, named by its synset (n01440764) or its index (0).
      class_names: of the network.
      side: height and width of the square that is cut out of the middle of each.
    Raises:
      InputError: the network does not know ImageNet's classes, or the folder holds no photographs of them.
    """
    if tuple(class_names) != imagenet.class_names():
        raise InputError(
            "imagefolder: expected runs against a network for ImageNet's 1,000 classes, got others"
        )
    found = find_images(folder, imagenet.synsets())
    return Pool(
        folder.name, [label for _, label in found], lambda place: read_photograph(found[place][0], side)
    )


def noise_images(rng: np.random.Generator, shape: Sequence[int], count: int) -> list[Asked]:
    """Noise, uniform and Gaussian by turns.

    Args:
      rng: draws it.
      shape: `(H, W, K)`.
      count: how many images.
    """

    def pixels(kind: str) -> npt.NDArray[np.uint8]:
        if kind == "uniform":
            return rng.integers(0, 256, shape, np.uint8)
        return np.clip(np.rint(rng.normal(*GAUSSIAN, shape)), 0, 255).astype(np.uint8)

    kinds = ("uniform", "Gaussian")
    return [Asked(pixels(kinds[place % 2]), "noise", f"{kinds[place % 2]} noise") for place in range(count)]


def draw(rng: np.random.Generator, classes: Sequence[int | None], count: int) -> list[int]:
    """Draws places so that every class comes once before one comes twice.

    Args:
      rng: draws them.
      classes: the class at each place.
      count: how many; all, where there are fewer.
    """
    seen: Counter[int | None] = Counter()
    turns = []
    for place in rng.permutation(len(classes)).tolist():
        seen[classes[place]] += 1
        turns.append((seen[classes[place]], place))
    turns.sort(key=lambda turn: turn[0])  # stable: within a turn the order stays as drawn
    return [place for _, place in turns[:count]]
