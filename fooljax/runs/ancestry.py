"""Who descends from whom: every replacement of a search, kept in `lineage.npz` of its run folder.

While a search runs, each chunk's replacements are a file of their own, named by its first generation and
written before the checkpoint that follows it. A resumed search drops the files from after its checkpoint and
makes them again, the same. At the end they become one file, which a longer run takes up as its first part.
"""

import logging
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.genomes import check_genomes
from fooljax.engine.types import Encoding, Genome
from fooljax.errors import FaultError, InputError
from fooljax.evolution import Replacements
from fooljax.storage.trees import load_arrays, load_tree, save_tree

FILE = "lineage.npz"
PARTS = "lineage"
"""The folder of the parts, while a search is not finished."""

logger = logging.getLogger("fooljax")


class Ancestry(NamedTuple):
    """Cells that changed hands, one row each, in the order of run, generation and cell.

    Attributes:
      run, generation, cell, id: `[n]` int32; an image that takes several cells has several rows, of one id.
      parents: `[n, P]` int32, ids; -1 where there is none. A parent that was drawn from the archive has a row
        in an earlier generation of the same run.
      genome: `[n]` int32, index into `genomes`.
      genomes: leaves `[m, ...]`, one of each image, in the order of run and id.
    """

    run: npt.NDArray[np.int32]
    generation: npt.NDArray[np.int32]
    cell: npt.NDArray[np.int32]
    id: npt.NDArray[np.int32]
    parents: npt.NDArray[np.int32]
    genome: npt.NDArray[np.int32]
    genomes: Genome


class Recorder:
    """Writes a search's replacements into its run folder; `take` and `chunk_done` listen to `evolve`."""

    def __init__(self, folder: Path, encoding: Encoding) -> None:
        self._folder = folder
        self._encoding = encoding
        self._taken: Ancestry | None = None
        self._next: int | None = None

    def take(self, replacements: Replacements) -> None:
        """Takes a chunk's replacements, for `search(on_replacements=...)`."""
        self._taken = _ordered(
            Ancestry(
                run=replacements.run.astype(np.int32),
                generation=replacements.generation.astype(np.int32),
                cell=replacements.cell.astype(np.int32),
                id=replacements.id.astype(np.int32),
                parents=replacements.parents.astype(np.int32),
                genome=np.arange(len(replacements.run), dtype=np.int32),
                genomes=replacements.genomes,
            )
        )

    def chunk_done(self, generation: int) -> None:
        """Writes what was taken; the chunk ended with this generation.

        `evolve` tells its progress once before the first chunk: either generation 0 was just taken, or
        nothing, and this is the generation of the checkpoint that it goes on from.

        Raises:
          FaultError: the disk is full or read-only.
        """
        if self._next is None:
            self._next = generation + 1 if self._taken is None else 0
            self._drop_parts_from(self._next)
        if self._taken is not None:
            path = self._folder / PARTS / f"generation-{self._next:09d}.npz"
            _save(path, self._taken, self._next, generation)
        self._taken, self._next = None, generation + 1

    def finish(self, generations: int) -> None:
        """Makes one file of all parts and removes them.

        A run is worth more than its ancestries: where some are missing or damaged, this says so and leaves no
        `lineage.npz`.
        """
        try:
            _save(self._folder / FILE, self._merged(generations), 0, generations)
        except InputError as error:
            logger.warning("%s; this run keeps no %s", error, FILE)
            (self._folder / FILE).unlink(missing_ok=True)
        shutil.rmtree(self._folder / PARTS, ignore_errors=True)

    def _drop_parts_from(self, first: int) -> None:
        try:
            (self._folder / PARTS).mkdir(exist_ok=True)
            for number, path in self._parts():
                if number >= first:
                    path.unlink()
        except OSError as error:
            raise FaultError(f"cannot write {self._folder / PARTS}: {error.strerror}") from error

    def _parts(self) -> list[tuple[int, Path]]:
        """The parts by their first generation, in order."""
        files = (self._folder / PARTS).glob("*.npz")
        found = [(re.fullmatch(r"generation-(\d{9})", path.stem), path) for path in files]
        return sorted((int(match[1]), path) for match, path in found if match)

    def _merged(self, generations: int) -> Ancestry:
        """All replacements to this generation; of each file what the next does not hold again."""
        sources, whole = self._parts(), self._folder / FILE
        if whole.exists() and not (sources and sources[0][0] == 0):
            sources.insert(0, (0, whole))
        ends = [first - 1 for first, _ in sources[1:]] + [generations]
        tables: list[Ancestry] = []
        reached, genomes = -1, 0
        for (_, path), end in zip(sources, ends, strict=True):
            table, first, last = _load(path, self._encoding)
            if first > reached + 1:
                break
            reached = min(last, end)
            table.genome[:] += genomes
            tables.append(_rows(table, table.generation <= end))
            genomes += len(jax.tree.leaves(table.genomes)[0])
        if reached < generations:
            raise InputError(f"{self._folder}: the replacements after generation {reached} were not found")
        return _ordered(jax.tree.map(lambda *leaves: np.concatenate(leaves), *tables))


def load_ancestry(folder: Path, encoding: Encoding) -> Ancestry:
    """Reads the ancestries of a finished run.

    Raises:
      InputError: there are none, or the file is damaged or of another encoding.
    """
    path = folder / FILE
    if not path.exists():
        raise InputError(
            f"{folder}: expected {FILE}, found none: the run did not record ancestors; run it with --lineage "
            "(lineage=True) to record them"
        )
    return _load(path, encoding)[0]


def line_of(ancestry: Ancestry, run: int, cell: int) -> list[npt.NDArray[np.intp]]:
    """The line of first parents of a final elite, oldest first, the elite last.

    Returns:
      Of each ancestor its rows, one for each cell that it took; no ancestors where the cell is empty.
    """
    of_run = np.flatnonzero(ancestry.run == run)
    held = of_run[ancestry.cell[of_run] == cell]
    if not held.size:
        return []
    rows_of: dict[int, list[int]] = {}
    for row in of_run.tolist():
        rows_of.setdefault(int(ancestry.id[row]), []).append(row)
    line, wanted = [], int(ancestry.id[held[-1]])
    while wanted in rows_of:
        line.append(np.asarray(rows_of.pop(wanted)))
        wanted = int(ancestry.parents[line[-1][0], 0])
    return line[::-1]


def _rows(ancestry: Ancestry, which: npt.NDArray[Any]) -> Ancestry:
    """Some of the rows, with all genomes."""
    columns = {name: getattr(ancestry, name)[which] for name in Ancestry._fields if name != "genomes"}
    return ancestry._replace(**columns)


def _ordered(ancestry: Ancestry) -> Ancestry:
    """The same in its one order, each image's genome once: equal however it came in parts."""
    rows = _rows(ancestry, np.lexsort((ancestry.cell, ancestry.generation, ancestry.run)))
    images = rows.run.astype(np.int64) << 32 | rows.id
    _, first, genome = np.unique(images, return_index=True, return_inverse=True)
    kept = rows.genome[first]
    return rows._replace(
        genome=genome.reshape(-1).astype(np.int32),
        genomes=jax.tree.map(lambda leaf: leaf[kept], rows.genomes),
    )


def _shape_of(encoding: Encoding) -> Genome:
    return jax.eval_shape(encoding.init, jax.random.key(0))


def _save(path: Path, ancestry: Ancestry, first: int, last: int) -> None:
    counts = {"rows": len(ancestry.run), "genomes": len(jax.tree.leaves(ancestry.genomes)[0])}
    save_tree(path, ancestry, {"first": first, "last": last, **counts})


def _load(path: Path, encoding: Encoding) -> tuple[Ancestry, int, int]:
    """A file's content, and the first and last generation that it is about."""
    facts = load_arrays(path)[2]
    counts: list[Any] = [facts.get(name) for name in ("first", "last", "rows", "genomes")]
    if not all(type(count) is int and 0 <= count < 2**31 for count in counts):
        raise InputError(f"{path}: expected a table of replacements, found something else")
    first, last, rows, genomes = counts
    column: Any = jax.ShapeDtypeStruct((rows,), np.int32)
    ids: Any = jax.ShapeDtypeStruct((rows, encoding.num_parents), np.int32)
    template = Ancestry(
        run=column,
        generation=column,
        cell=column,
        id=column,
        parents=ids,
        genome=column,
        genomes=jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((genomes, *leaf.shape), leaf.dtype), _shape_of(encoding)
        ),
    )
    ancestry = load_tree(path, template)[0]
    _check(path, ancestry, encoding, first, last)
    return ancestry, first, last


def _check(path: Path, ancestry: Ancestry, encoding: Encoding, first: int, last: int) -> None:
    """Makes sure that the columns point at what is there, and that the genomes are possible ones."""
    genomes = len(jax.tree.leaves(ancestry.genomes)[0])
    for name, least, most in (
        ("run", 0, 2**31 - 1),
        ("generation", first, last),
        ("cell", 0, 2**31 - 1),
        ("id", 0, 2**31 - 1),
        ("parents", -1, 2**31 - 1),
        ("genome", 0, genomes - 1),
    ):
        column = getattr(ancestry, name)
        if wrong := column[(column < least) | (column > most)].tolist():
            raise InputError(f"{path}: expected {name} in {least} to {most}, found {wrong[0]}")
    try:
        check_genomes(encoding, ancestry.genomes)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
