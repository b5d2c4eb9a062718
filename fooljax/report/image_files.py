"""The image files of a page: those that the run saved, or the same images drawn from its archive again.

A page links only to files below its own folder. Written into the run's folder, it finds them there. Written
elsewhere, it takes copies along, so that its folder can be handed on.
"""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import jax
import numpy as np

from fooljax.engine.archive import Archive
from fooljax.engine.types import Encoding, Genome
from fooljax.errors import FaultError
from fooljax.rendering import draw
from fooljax.report.png import save_png
from fooljax.runs.elites import replaced, slug
from fooljax.runs.record import Kind, RunRecord
from fooljax.runs.tables import EliteRow

LARGE = "large"
"""The folder of the large drawings alone, so that none of them is taken for an image that was scored."""
LARGE_SIDE = 256
"""Pixels of a large drawing's longer side, about."""

Files = dict[tuple[int, int], str]
"""Names of files, relative to the page, by run and class index. What has no file is not there."""


class ImageFiles(NamedTuple):
    """The files of one set of images.

    Attributes:
      images: the images that were scored.
      genomes: their genomes as JSON.
      drawn_again: whether an image was drawn from its genome, because the run's file of it is not there.
    """

    images: Files
    genomes: Files
    drawn_again: bool


def are_kept(record: RunRecord) -> bool:
    """Whether the file of every image still stands in the run's folder."""
    return all(record.file_of(row) for row in (*record.elites, *record.first_rows))


def gather(record: RunRecord, kind: Kind, folder: Path) -> ImageFiles:
    """Makes sure that the files of a set of images stand below a folder, under the names that the run gave.

    Args:
      record: the run.
      kind: which set.
      folder: of the page; the run's own, or another.
    Raises:
      InputError: a file is missing, and its image cannot be drawn because the encoding is not known.
      FaultError: a file cannot be written.
    """
    rows, archive = (record.elites, record.archive) if kind == "elites" else (record.first_rows, record.first)
    missing = [row for row in rows if record.file_of(row) is None]
    if archive is None:
        rows = [row for row in rows if row not in missing]
    try:
        if missing and archive is not None:
            _draw_again(record.known_encoding(), archive, record.cells, missing, folder)
        images = {_place(row): row.file for row in rows}
        genomes = {_place(row): _genome_file(row) for row in rows}
        _copy(record.path, folder, [*images.values(), *genomes.values()])
    except OSError as error:
        raise FaultError(f"cannot write {error.filename or folder}: {error.strerror or error}") from error
    there = {place: name for place, name in genomes.items() if (folder / name).is_file()}
    return ImageFiles(images, there, bool(missing) and archive is not None)


def draw_large(record: RunRecord, rows: Sequence[EliteRow], folder: Path) -> Files:
    """Draws elites at more pixels, where their encoding can; the folder of large drawings is replaced whole.

    Where the encoding is not known, the drawings that the run left are taken.

    Args:
      record: the run.
      rows: of the elites.
      folder: of the page.
    Raises:
      FaultError: a file cannot be written.
    """
    names = {_place(row): f"{row.run:02d}-class{row.class_index:03d}-{slug(row.class_name)}" for row in rows}
    names = {place: f"{LARGE}/run{name}.png" for place, name in names.items()}
    encoding, size = record.encoding, large_size(record.image_shape)
    if encoding is None:
        kept = {place: name for place, name in names.items() if (record.path / name).is_file()}
        _copy(record.path, folder, list(kept.values()))
        return kept
    shutil.rmtree(folder / LARGE, ignore_errors=True)
    if encoding.coordinates_at is None or size is None or not rows:
        return {}
    genomes = _genomes(record.archive, record.cells, rows)
    images = draw(encoding, genomes, encoding.coordinates_at(*size, slice(None)))
    with replaced(folder / LARGE) as draft:
        for row, image in zip(rows, images, strict=True):
            save_png(image, draft / PurePosixPath(names[_place(row)]).name)
    return names


def large_size(image_shape: tuple[int, int, int]) -> tuple[int, int] | None:
    """Height and width of the large drawing of an image; None where the image is large already.

    They are an odd multiple of the image's own, so that the centres of its pixels are centres again.
    """
    height, width, _ = image_shape
    times = round((LARGE_SIDE / max(height, width) - 1) / 2) * 2 + 1
    return (height * times, width * times) if times > 1 else None


def _draw_again(
    encoding: Encoding, archive: Archive, cells: Sequence[int], rows: Sequence[EliteRow], folder: Path
) -> None:
    """Draws images from their genomes, and writes the genomes beside them."""
    genomes = _genomes(archive, cells, rows)
    images = draw(encoding, genomes)

    def save(index: int) -> None:
        path = folder / rows[index].file
        path.parent.mkdir(parents=True, exist_ok=True)
        save_png(images[index], path)
        if encoding.to_json:
            genome = jax.tree.map(lambda leaf: leaf[index], genomes)
            path.with_suffix(".json").write_text(encoding.to_json(genome), encoding="utf-8")

    # A thousand files are waited for side by side.
    with ThreadPoolExecutor() as pool:
        list(pool.map(save, range(len(rows))))


def _genomes(archive: Archive, cells: Sequence[int], rows: Sequence[EliteRow]) -> Genome:
    """The genomes of some images, leaves `[n, ...]`."""
    runs, places = np.asarray([(row.run, cells.index(row.class_index)) for row in rows]).T
    return jax.tree.map(lambda leaf: np.asarray(leaf)[runs, places], archive.genomes)


def _copy(source: Path, folder: Path, names: Sequence[str]) -> None:
    """Copies the files that are there into another folder."""
    if source.resolve() == folder.resolve():
        return
    for name in names:
        if (source / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)


def _place(row: EliteRow) -> tuple[int, int]:
    return row.run, row.class_index


def _genome_file(row: EliteRow) -> str:
    return str(PurePosixPath(row.file).with_suffix(".json"))
