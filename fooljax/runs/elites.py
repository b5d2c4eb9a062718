"""The elites as files: their images and their genomes.

There are two sets of them. In `elites/` is the best image of each class and run. In `first/` is the first
image of each class and run that fooled the network, before the search made it any better.
"""

import math
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.engine.archive import Archive
from fooljax.engine.log_odds import confidence
from fooljax.engine.types import Encoding, Target
from fooljax.errors import FaultError
from fooljax.evolution import Evolution

Paths = list[list[Path | None]]
"""By run and cell; None where there is no file."""


class Kept(NamedTuple):
    """What a search kept of each run and cell.

    Attributes:
      encoding: of the genomes.
      cells: class index of each cell.
      archive: leaves `[R, C, ...]`.
      draw: gives the images `[R, C, H, W, K]` uint8; to be called once, as they may be large.
      is_log_odds: whether fitness is log-odds, so that it can be written as a confidence.
    """

    encoding: Encoding
    cells: tuple[int, ...]
    archive: Archive
    draw: Callable[[], npt.NDArray[np.uint8]]
    is_log_odds: bool = True

    @property
    def log_odds(self) -> npt.NDArray[np.float32]:
        """`[R, C]`; -inf where there is no image."""
        return np.asarray(self.archive.fitness)


def best_of(evolution: Evolution) -> Kept:
    """The best of each cell."""
    is_log_odds = evolution.objective.is_log_odds
    return Kept(evolution.encoding, evolution.cells, evolution.archive, evolution.images, is_log_odds)


def first_fooled(evolution: Evolution) -> Kept:
    """The first of each cell that fooled the network; none where it never was."""
    return Kept(evolution.encoding, evolution.cells, evolution.first, evolution.first_images)


def claimed(odds: Any) -> str:
    """A confidence for a file's name, with six digits that are cut off: never more than the image reached."""
    return f"{min(math.floor(float(confidence(odds)) * 1e6), 999_999) / 1e6:.6f}"


def save_elites(folder: Path, kept: Kept, target: Target) -> Paths:
    """Saves each image as a PNG, and beside it the genome as JSON where the encoding writes it.

    The folder is replaced whole.

    Returns:
      The paths of the PNG files; None where a cell is empty.
    """
    odds = kept.log_odds
    places = np.argwhere(np.isfinite(odds)).tolist()
    images = kept.draw() if places else None
    to_json = kept.encoding.to_json
    label = claimed if kept.is_log_odds else lambda value: f"{float(value):.6g}"
    paths: Paths = [[None] * odds.shape[1] for _ in odds]
    with replaced(folder) as draft:
        for run, cell in places:
            assert images is not None
            name = f"{_name(run, kept.cells[cell], target)}-{label(odds[run, cell])}.png"
            _save(draft / name, images[run, cell])
            if to_json:
                genome = jax.tree.map(lambda leaf: leaf[run, cell], kept.archive.genomes)  # noqa: B023
                (draft / name).with_suffix(".json").write_text(to_json(genome), encoding="utf-8")
            paths[run][cell] = folder / name
    return paths


def slug(name: str) -> str:
    """A class name fit for a file name: lower-case letters, digits and dashes, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "class"


def _name(run: int, index: int, target: Target) -> str:
    return f"run{run:02d}-class{index:03d}-{slug(target.class_names[index])}"


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the place of `folder` at the end.

    Raises:
      FaultError: the disk is full or read-only, which what is written inside may tell without a name.
    """
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir()
        yield draft
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    except OSError as error:
        raise FaultError(f"cannot write {error.filename or folder}: {error.strerror or error}") from error


def _save(path: Path, image: npt.NDArray[np.uint8]) -> None:
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(path)
