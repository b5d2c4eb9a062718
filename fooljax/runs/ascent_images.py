"""The images of a gradient ascent as files: saved, read back, scored, and listed in `images.csv`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.engine.types import Target
from fooljax.errors import FaultError
from fooljax.gradient import Ascent
from fooljax.runs.elites import claimed, slug
from fooljax.runs.images import read_image
from fooljax.runs.scored import cut_off, is_met
from fooljax.scoring import score
from fooljax.storage.csv_files import csv_text

START = "start"
"""Stands for the start images, where the names of methods stand for what came of them."""
COLUMNS = (
    *("method", "start", "class", "class_name", "group", "confidence", "log_odds"),
    *("named_class", "named_class_name", "file"),
)
"""Of `images.csv`."""


class ScoredImages(NamedTuple):
    """Images of one method, read back from their files, and what the network says of them.

    Attributes:
      method: its name; `START` for the start images.
      paths: of the files, `S * C` of them, or `S` start images.
      all_odds: `[S, C, classes]`, log-odds of every class that the network knows.
      cells: index of each image's own class, `C` of them.
    """

    method: str
    paths: Sequence[Path]
    all_odds: npt.NDArray[np.float32]
    cells: tuple[int, ...]

    @property
    def odds(self) -> npt.NDArray[np.float64]:
        """`[S, C]`, of each image's own class."""
        own = np.asarray(self.cells)[None, :, None]
        return np.asarray(np.take_along_axis(self.all_odds, own, axis=2)[..., 0], np.float64)

    @property
    def named(self) -> npt.NDArray[np.intp]:
        """`[S, C]`, the class that the network names."""
        return np.argmax(self.all_odds, axis=-1)


def save_starts(folder: Path, pixels: npt.NDArray[np.uint8]) -> list[str]:
    """Saves the start images `[S, H, W, K]`, one for all classes; returns the names of the files."""
    folder.mkdir()
    names = [f"start{index:02d}.png" for index in range(len(pixels))]
    for name, image in zip(names, pixels, strict=True):
        _save(folder / name, image)
    return names


def save_method(folder: Path, ascent: Ascent, target: Target, cells: tuple[int, ...]) -> list[str]:
    """Saves the images of a method, start by start; returns the names of the files."""
    folder.mkdir()
    names = []
    for index, image in enumerate(ascent.pixels()):
        start, place = divmod(index, len(cells))
        named = f"class{cells[place]:03d}-{slug(target.class_names[cells[place]])}"
        names.append(f"start{start:02d}-{named}-{claimed(ascent.log_odds_8_bit[index])}.png")
        _save(folder / names[-1], image)
    return names


def score_starts(
    paths: Sequence[Path], shape: tuple[int, int, int], target: Target, cells: tuple[int, ...]
) -> ScoredImages:
    """Reads the files of the start images, and scores each for every class."""
    odds = score(target, np.stack([read_image(path, shape) for path in paths]))
    return ScoredImages(START, paths, np.repeat(odds[:, None], len(cells), axis=1), cells)


def score_method(
    name: str, paths: Sequence[Path], ascent: Ascent, target: Target, cells: tuple[int, ...]
) -> ScoredImages:
    """Reads the files of a method, and scores them.

    Raises:
      FaultError: the log-odds of a file are not those that the ascent had found for the image.
    """
    height, width, channels = ascent.images.shape[1:]
    odds = score(target, np.stack([read_image(path, (height, width, channels)) for path in paths]))
    for index, path in enumerate(paths):
        found = float(odds[index, cells[index % len(cells)]])
        expected = float(ascent.log_odds_8_bit[index])
        if not is_met(found, expected):
            raise FaultError(f"{path}: log-odds {found:.6f} when read back, {expected:.6f} in the ascent")
    return ScoredImages(name, paths, odds.reshape(-1, len(cells), odds.shape[-1]), cells)


def table_of_images(
    folder: Path, scored: Sequence[ScoredImages], names: Sequence[str], group: Callable[[int], str]
) -> bytes:
    """The content of `images.csv`: a row for each image and class.

    Args:
      folder: of the run.
      scored: the start images and those of every method.
      names: of all classes of the network.
      group: of related classes, by index of the class; "" where there are none.
    """
    rows: list[Sequence[Any]] = [COLUMNS]
    for one in scored:
        for (start, place), odds in np.ndenumerate(one.odds):
            cell, named = one.cells[place], int(one.named[start, place])
            path = one.paths[start if one.method == START else start * len(one.cells) + place]
            own = (cell, names[cell], group(cell), cut_off(odds), float(odds))
            file = path.relative_to(folder).as_posix()
            rows.append((one.method, start, *own, named, names[named], file))
    return csv_text(rows).encode()


def _save(path: Path, image: npt.NDArray[np.uint8]) -> None:
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(path)
