"""The elites as files: the images that are scored, their genomes, and large drawings to look at."""

import csv
import io
import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.base import Target, TargetCard
from fooljax.errors import FaultError
from fooljax.evaluation import confidence, draw, score
from fooljax.evolution import Evolution
from fooljax.storage import write_bytes

RESCORE_TOLERANCE = 1e-3
"""How far a saved image's log-odds may be from the loop's, relative or absolute."""
LARGE_SIDE = 256
"""Pixels of a large drawing's longer side, about."""

Paths = list[list[Path | None]]
"""By run and cell; None where there is no file."""


def save_elites(folder: Path, evolution: Evolution, card: TargetCard) -> Paths:
    """Saves each elite as a PNG, and beside it the genome as JSON where the encoding writes it.

    The folder is replaced whole.

    Returns:
      The paths of the PNG files; None where a cell is empty.
    """
    images, odds = evolution.images(), evolution.log_odds
    to_json = evolution.encoding.to_json
    paths: Paths = [[None] * odds.shape[1] for _ in odds]
    with _replaced(folder) as draft:
        for run, cell in np.argwhere(np.isfinite(odds)).tolist():
            # Truncated, not rounded: a name must not claim more than the image reached.
            share = math.floor(float(confidence(odds[run, cell])) * 1e6) / 1e6
            name = f"{_name(run, evolution.cells[cell], card)}-{share:.6f}.png"
            _save(draft / name, images[run, cell])
            if to_json:
                genome = jax.tree.map(lambda leaf: leaf[run, cell], evolution.archive.genomes)  # noqa: B023
                (draft / name).with_suffix(".json").write_text(to_json(genome), encoding="utf-8")
            paths[run][cell] = folder / name
    return paths


def save_large(folder: Path, evolution: Evolution, card: TargetCard, most: int) -> Paths:
    """Draws the first elites large, where the encoding can; the folder is replaced whole.

    Args:
      folder: holds the drawings alone, so that none is taken for an image that was scored.
      evolution: a finished search.
      card: names the classes.
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
    with _replaced(folder) as draft:
        for (run, cell), image in zip(drawn.tolist(), images, strict=True):
            name = f"{_name(run, evolution.cells[cell], card)}.png"
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


def rescore(paths: Paths, evolution: Evolution, target: Target, tile: int) -> npt.NDArray[np.float64]:
    """Reads the saved images back and scores them again.

    Returns:
      `[R, C]` log-odds of each image for its own class; -inf where a cell is empty.
    Raises:
      FaultError: an image's log-odds differs from the loop's by more than the tolerance.
    """
    odds = judge_elites(paths, evolution, target, tile)
    for run, row in enumerate(paths):
        for cell, path in enumerate(row):
            found, expected = float(odds[run, cell]), float(evolution.log_odds[run, cell])
            close = math.isclose(found, expected, rel_tol=RESCORE_TOLERANCE, abs_tol=RESCORE_TOLERANCE)
            if path and not close:
                raise FaultError(f"{path}: log-odds {found:.6f} when read back, {expected:.6f} in the search")
    return odds


def judge_elites(paths: Paths, evolution: Evolution, judge: Target, tile: int) -> npt.NDArray[np.float64]:
    """What a network says of the saved images, read back from their files.

    Args:
      paths: of the files, by run and cell.
      evolution: the search that they come from; its cells are the judge's classes.
      judge: the target itself, or another network.
      tile: images a call, and in memory at a time.
    Returns:
      `[R, C]` log-odds of each image for its own class; -inf where a cell is empty.
    """
    odds = np.full(evolution.log_odds.shape, -np.inf)
    saved = [(run, cell, path) for run, row in enumerate(paths) for cell, path in enumerate(row) if path]
    for start in range(0, len(saved), tile):
        part = saved[start : start + tile]
        scored = score(judge, np.stack([_read_image(path) for _, _, path in part]), tile=tile)
        for (run, cell, _), row in zip(part, scored, strict=True):
            odds[run, cell] = row[evolution.cells[cell]]
    return odds


def save_table(
    path: Path,
    paths: Paths,
    evolution: Evolution,
    card: TargetCard,
    group: Callable[[int], str],
    rescored: npt.NDArray[np.float64],
    judged: Mapping[str, npt.NDArray[np.float64]],
) -> None:
    """Writes `elites.csv`: a row for each image, with what it scored when read back, and when it was born.

    Args:
      path: of the table.
      paths: of the images, by run and cell; empty cells have no row.
      evolution: the search that they come from.
      card: names the classes.
      group: of related classes, by class index; "" where there are none.
      rescored: `[R, C]` log-odds.
      judged: the same by other judges, by name.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    others = [f"log_odds_{slug(name).replace('-', '_')}" for name in judged]
    columns = ["run", "class", "class_name", "group", "confidence", "log_odds", *others]
    writer.writerow([*columns, "generation", "query", "file"])
    births, queries = np.asarray(evolution.archive.births), np.asarray(evolution.archive.ids)
    for run, row in enumerate(paths):
        for cell, file in enumerate(row):
            if file:
                index = evolution.cells[cell]
                odds = [rescored[run, cell], *(scores[run, cell] for scores in judged.values())]
                numbers = [f"{value:.9g}" for value in (confidence(odds[0]), *odds)]
                born = [births[run, cell], queries[run, cell], file.relative_to(path.parent).as_posix()]
                writer.writerow([run, index, card.class_names[index], group(index), *numbers, *born])
    write_bytes(path, stream.getvalue().encode())


def slug(name: str) -> str:
    """A class name fit for a file name: lower-case letters, digits and dashes, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "class"


def _name(run: int, index: int, card: TargetCard) -> str:
    return f"run{run:02d}-class{index:03d}-{slug(card.class_names[index])}"


@contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the place of `folder` at the end."""
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    yield draft
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _save(path: Path, image: npt.NDArray[np.uint8]) -> None:
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(path)


def _read_image(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels
