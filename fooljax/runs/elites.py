"""The elites as files: the images that are scored, their genomes, and large drawings to look at.

There are two sets of them: the best image of each class and run, in `elites/`, and the first that fooled the
network, in `first/`, before the search made it any better.
"""

import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.storage.csv_files import csv_text
from fooljax.engine.archive import Archive
from fooljax.engine.types import Encoding, Target
from fooljax.errors import FaultError, InputError
from fooljax.scoring import score
from fooljax.rendering import draw
from fooljax.engine.log_odds import confidence
from fooljax.evolution import Evolution
from fooljax.storage.trees import write_bytes

RESCORE_TOLERANCE = 1e-3
"""How far a saved image's log-odds may be from the loop's, relative or absolute."""
LARGE_SIDE = 256
"""Pixels of a large drawing's longer side, about."""

SECOND_COLUMNS = ("second_class", "second_class_name", "second_confidence")
"""What a second network takes an image for; empty where there is none."""

Paths = list[list[Path | None]]
"""By run and cell; None where there is no file."""


class Kept(NamedTuple):
    """What a search kept of each run and cell.

    Attributes:
      encoding: of the genomes.
      cells: class index of each cell.
      archive: leaves `[R, C, ...]`.
      draw: gives the images `[R, C, H, W, K]` uint8; to be called once, as they may be large.
    """

    encoding: Encoding
    cells: tuple[int, ...]
    archive: Archive
    draw: Callable[[], npt.NDArray[np.uint8]]

    @property
    def log_odds(self) -> npt.NDArray[np.float32]:
        """`[R, C]`; -inf where there is no image."""
        return np.asarray(self.archive.fitness)


def best_of(evolution: Evolution) -> Kept:
    """The best of each cell."""
    return Kept(evolution.encoding, evolution.cells, evolution.archive, evolution.images)


def first_fooled(evolution: Evolution) -> Kept:
    """The first of each cell that fooled the network; none where it never was."""
    return Kept(evolution.encoding, evolution.cells, evolution.first, evolution.first_images)


class Opinion(NamedTuple):
    """What a network says of saved images, read back from their files.

    Attributes:
      own: `[R, C]` log-odds of each image for its own class; -inf where there is no image.
      top: `[R, C]` index of the class that the network names; -1 where there is no image.
      top_odds: `[R, C]` log-odds of that class; -inf where there is no image.
    """

    own: npt.NDArray[np.float64]
    top: npt.NDArray[np.int64]
    top_odds: npt.NDArray[np.float64]


class Judged(NamedTuple):
    """Saved images and what networks say of them.

    Attributes:
      kept: what they were saved from.
      paths: of the files.
      rescored: the opinion of the network that was fooled.
      others: log-odds `[R, C]` of other judges, by name.
      second: the opinion of a second network, trained independently; None where there is none.
    """

    kept: Kept
    paths: Paths
    rescored: Opinion
    others: Mapping[str, npt.NDArray[np.float64]]
    second: Opinion | None


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
    paths: Paths = [[None] * odds.shape[1] for _ in odds]
    with replaced(folder) as draft:
        for run, cell in places:
            assert images is not None
            name = f"{_name(run, kept.cells[cell], target)}-{claimed(odds[run, cell])}.png"
            _save(draft / name, images[run, cell])
            if to_json:
                genome = jax.tree.map(lambda leaf: leaf[run, cell], kept.archive.genomes)  # noqa: B023
                (draft / name).with_suffix(".json").write_text(to_json(genome), encoding="utf-8")
            paths[run][cell] = folder / name
    return paths


def save_large(folder: Path, evolution: Evolution, target: Target, most: int) -> Paths:
    """Draws the first elites large, where the encoding can; the folder is replaced whole.

    Args:
      folder: holds the drawings alone, so that none is taken for an image that was scored.
      evolution: a finished search.
      target: names the classes.
      most: elites to draw, at most.
    Returns:
      The paths of the PNG files; None where there is no drawing.
    """
    encoding, odds = evolution.encoding, evolution.log_odds
    paths: Paths = [[None] * odds.shape[1] for _ in odds]
    shutil.rmtree(folder, ignore_errors=True)
    size, drawn = large_size(encoding.image_shape), np.argwhere(np.isfinite(odds))[:most]
    if encoding.coordinates_at is None or size is None or not len(drawn):
        return paths
    genomes = jax.tree.map(lambda leaf: leaf[drawn[:, 0], drawn[:, 1]], evolution.archive.genomes)
    images = draw(encoding, genomes, encoding.coordinates_at(*size, slice(None)))
    with replaced(folder) as draft:
        for (run, cell), image in zip(drawn.tolist(), images, strict=True):
            name = f"{_name(run, evolution.cells[cell], target)}.png"
            _save(draft / name, image)
            paths[run][cell] = folder / name
    return paths


def large_size(image_shape: tuple[int, int, int]) -> tuple[int, int] | None:
    """Height and width of the large drawing of an image; None where the image is large already.

    An odd multiple of the image's own, so that the centres of its pixels are centres of pixels again.
    """
    height, width, _ = image_shape
    times = round((LARGE_SIDE / max(height, width) - 1) / 2) * 2 + 1
    return (height * times, width * times) if times > 1 else None


def judge(paths: Paths, cells: tuple[int, ...], network: Target, tile: int) -> Opinion:
    """What a network says of saved images, read back from their files.

    Args:
      paths: of the files, by run and cell.
      cells: class index of each cell, among the network's classes.
      network: the target itself, or another.
      tile: images a call, and in memory at a time.
    """
    shape = (len(paths), len(cells))
    found = Opinion(np.full(shape, -np.inf), np.full(shape, -1), np.full(shape, -np.inf))
    saved = [(run, cell, path) for run, row in enumerate(paths) for cell, path in enumerate(row) if path]
    for start in range(0, len(saved), tile):
        part = saved[start : start + tile]
        scored = score(network, np.stack([read_image(path) for _, _, path in part]), tile=tile)
        for (run, cell, _), row in zip(part, scored, strict=True):
            top = int(np.argmax(row))
            found.own[run, cell], found.top[run, cell] = row[cells[cell]], top
            found.top_odds[run, cell] = row[top]
    return found


def check_rescored(paths: Paths, kept: Kept, rescored: Opinion) -> None:
    """Makes sure that the files hold what the search found.

    Raises:
      FaultError: an image's log-odds differs from the search's by more than the tolerance.
    """
    for run, row in enumerate(paths):
        for cell, path in enumerate(row):
            found, expected = float(rescored.own[run, cell]), float(kept.log_odds[run, cell])
            close = math.isclose(found, expected, rel_tol=RESCORE_TOLERANCE, abs_tol=RESCORE_TOLERANCE)
            if path and not close:
                raise FaultError(f"{path}: log-odds {found:.6f} when read back, {expected:.6f} in the search")


def save_and_judge(
    folder: Path,
    kept: Kept,
    target: Target,
    others: Mapping[str, Target],
    second: Target | None,
    tile: int,
) -> Judged:
    """Saves images, reads them back and shows them to every network.

    Args:
      folder: of the images.
      kept: what is saved.
      target: the network that was fooled.
      others: that judge the images too, by name.
      second: a second network for the same classes.
      tile: images a call.
    Raises:
      InputError: the second network knows other classes.
      FaultError: an image is not what the search found.
    """
    if second and tuple(second.class_names) != tuple(target.class_names):
        raise InputError(
            f"second network: expected the {len(target.class_names)} classes of {target.name}, got "
            f"{len(second.class_names)} of {second.name}, not the same"
        )
    paths = save_elites(folder, kept, target)
    rescored = judge(paths, kept.cells, target, tile)
    check_rescored(paths, kept, rescored)
    return Judged(
        kept,
        paths,
        rescored,
        {name: judge(paths, kept.cells, other, tile).own for name, other in others.items()},
        judge(paths, kept.cells, second, tile) if second else None,
    )


def save_table(path: Path, judged: Judged, target: Target, group: Callable[[int], str]) -> None:
    """Writes `elites.csv` or `first.csv`: a row for each image, what networks say of it, when it was born.

    Args:
      path: of the table.
      judged: the images; empty cells have no row.
      target: names the classes.
      group: of related classes, by class index; "" where there are none.
    """
    archive, second = judged.kept.archive, judged.second
    births, queries = np.asarray(archive.births), np.asarray(archive.ids)
    others = [f"log_odds_{slug(name).replace('-', '_')}" for name in judged.others]
    columns = ["run", "class", "class_name", "group", "confidence", "log_odds", *others]
    rows: list[list[Any]] = [[*columns, "generation", "query", "file", *SECOND_COLUMNS]]
    for run, row in enumerate(judged.paths):
        for cell, file in enumerate(row):
            if file:
                index = judged.kept.cells[cell]
                odds = [judged.rescored.own[run, cell], *(each[run, cell] for each in judged.others.values())]
                verdict: list[Any] = ["", "", ""]
                if second:
                    top = int(second.top[run, cell])
                    verdict = [top, target.class_names[top], cut_off(second.top_odds[run, cell])]
                named = [run, index, target.class_names[index], group(index)]
                born = [births[run, cell], queries[run, cell], file.relative_to(path.parent).as_posix()]
                rows.append([*named, cut_off(odds[0]), *odds, *born, *verdict])
    write_bytes(path, csv_text(rows).encode())


def cut_off(odds: Any) -> float:
    """A confidence of nine digits that are cut off: never more than the image reached, and never 1."""
    return min(math.floor(float(confidence(odds)) * 1e9), 10**9 - 1) / 1e9


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


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """The pixels of a file that this package wrote, `[H, W, K]`."""
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels
