"""What stands in the folder of a finished run, read when it is asked for, and checked.

Pages, posters, tables and comparisons are made from a `RunRecord` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.archive import Archive, empty
from fooljax.engine.genomes import check_genomes
from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.own_settings import with_own_settings
from fooljax.rendering import draw
from fooljax.runs.ancestry import Ancestry, load_ancestry
from fooljax.runs.folder import MARK
from fooljax.runs.images import inside, read_image
from fooljax.runs.panel_table import FILE as PANEL_FILE
from fooljax.runs.panel_table import PanelRow, read_panel_rows
from fooljax.runs.tables import EliteRow, read_metrics, read_rows, read_summary
from fooljax.storage.trees import load_arrays, load_tree

Kind = Literal["elites", "first"]
"""Two sets of images: the best of each cell, and the first of each cell that fooled the network."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What stands in the folder of a finished run.

    Attributes:
      path: the folder.
      config: content of `config.json`.
      target_facts: content of `target.json`: what is known of the network that was fooled.
      experiment: name of the experiment; None where the run is none.
      title: of the page.
      introduction: paragraphs for a reader who is a stranger.
      notes: what a reader should know of the network and its data.
      command: the command line that does the same again; None where there is none.
      settings: of the run, by name.
      encoding: draws the genomes; None where it does not come with fooljax and was not given.
      image_shape: `(H, W, K)`.
      cells: `C` class indices, one for each cell.
      class_names: of all classes of the network.
      target_sha256: digest of the network's parameters.
      given_summary: what `summary.json` will say, where it is not written yet.
    """

    path: Path
    config: Mapping[str, Any]
    target_facts: Mapping[str, Any]
    experiment: str | None
    title: str
    introduction: tuple[str, ...]
    notes: tuple[str, ...]
    command: str | None
    settings: Mapping[str, Any]
    encoding: Encoding | None
    image_shape: tuple[int, int, int]
    cells: tuple[int, ...]
    class_names: tuple[str, ...]
    target_sha256: str
    given_summary: Mapping[str, Any] | None = None
    _memory: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """Content of `summary.json`. What older versions did not write is not in it."""
        return read_summary(self.path / MARK) if self.given_summary is None else self.given_summary

    @cached_property
    def archive(self) -> Archive:
        """The best of each cell, leaves `[R, C, ...]`; genomes are arrays by name if `encoding` is None."""
        return self._archive("archive.npz")

    @cached_property
    def first(self) -> Archive | None:
        """The first of each cell that fooled the network, `[R, C, ...]`; None where it was not kept."""
        return self._archive("first.npz") if (self.path / "first.npz").exists() else None

    @cached_property
    def metrics(self) -> dict[str, npt.NDArray[Any]]:
        """Content of `metrics.csv`: `[R, T + 1]` by name."""
        metrics = read_metrics(self.path / "metrics.csv")
        if (found := len(metrics["queries"])) != self.runs:
            raise InputError(f"{self.path / 'metrics.csv'}: expected {self.runs} runs, found {found}")
        return metrics

    @cached_property
    def elites(self) -> list[EliteRow]:
        """Rows of `elites.csv`: the best image of each cell, scored from its file."""
        return self._rows("elites.csv")

    @cached_property
    def first_rows(self) -> list[EliteRow]:
        """Rows of `first.csv`: the first image of each cell that fooled the network; may be missing."""
        return self._rows("first.csv") if (self.path / "first.csv").exists() else []

    @cached_property
    def panel_rows(self) -> list[PanelRow]:
        """Rows of `panel.csv`: what judges say of each saved image; none where no judge was asked."""
        path = self.path / PANEL_FILE
        return read_panel_rows(path, get_args(Kind), self.runs, self.cells) if path.exists() else []

    @cached_property
    @with_own_settings
    def ancestry(self) -> Ancestry:
        """Every replacement of the search.

        Raises:
          InputError: the run did not record them, the file is damaged, or the encoding is not known.
        """
        ancestry = load_ancestry(self.path, self.known_encoding())
        if ancestry.cell.size and ancestry.cell.max() >= len(self.cells):
            raise InputError(f"{self.path}: expected an ancestry of {len(self.cells)} cells, found more")
        return ancestry

    @property
    def objective(self) -> str:
        """Name of what the search maximised."""
        return str(self.summary.get("objective", "log_odds"))

    @property
    def is_log_odds(self) -> bool:
        """Whether that is log-odds, so that levels of confidence have a meaning."""
        return "median_fitness" not in self.summary

    @property
    def runs(self) -> int:
        """`R`, how many independent runs there are."""
        return int(self.archive.fitness.shape[0])

    def known_encoding(self) -> Encoding:
        """The encoding.

        Raises:
          InputError: it does not come with fooljax, and was not given.
        """
        if self.encoding is None:
            name = shown(repr(self.config.get("encoding", {}).get("name")))
            raise InputError(
                f"encoding: the images of {self.path} are of the encoding {name}, which does not come with "
                "fooljax; give it as MODULE:NAME"
            )
        return self.encoding

    def images(self, kind: Kind = "elites") -> npt.NDArray[np.uint8]:
        """The images of every run and cell, `[R, C, H, W, K]`; black where a cell is empty.

        They are read from their files. Where a file is not there, they are drawn from their genomes.

        Raises:
          InputError: a file is damaged, or there is none and the encoding is not known.
        """
        if kind not in self._memory:
            self._memory[kind] = self._images(kind)
        images: npt.NDArray[np.uint8] = self._memory[kind]
        return images

    def file_of(self, row: EliteRow) -> Path | None:
        """The file of a saved image; None where it was not kept."""
        path = inside(self.path, row.file)
        return path if path.is_file() else None

    def place(self, run: int, index: int) -> int:
        """The cell of a class, after making sure that there is an elite in it.

        Args:
          run: index of the run.
          index: of the class.
        Raises:
          InputError: there is no such run or class, or no elite.
        """
        if not 0 <= run < self.runs:
            raise InputError(f"run: expected 0 to {self.runs - 1} for {self.path}, got {run}")
        if index not in self.cells:
            known = f"{min(self.cells)} to {max(self.cells)}"
            raise InputError(f"cell: expected a class of {self.path}, {known}, got {index}")
        cell = self.cells.index(index)
        if not self.archive.occupied[run, cell]:
            raise InputError(f"cell: {self.path} has no elite of class {index} in run {run}")
        return cell

    def _rows(self, name: str) -> list[EliteRow]:
        path = self.path / name
        rows = read_rows(path)
        places = [(row.run, row.class_index) for row in rows]
        for row in rows:
            second, _ = row.second, inside(self.path, row.file, path)
            if row.run >= self.runs or row.class_index not in self.cells:
                raise InputError(
                    f"{path}: expected images of {self.path}, found run {row.run}, class {row.class_index}"
                )
            if second and second.class_index >= len(self.class_names):
                raise InputError(f"{path}: expected a class, found {second.class_index}")
        if len(set(places)) < len(places):
            raise InputError(f"{path}: expected each run and class once, found one twice")
        return rows

    def _images(self, kind: Kind) -> npt.NDArray[np.uint8]:
        archive = self.archive if kind == "elites" else self.first
        images = np.zeros((self.runs, len(self.cells), *self.image_shape), np.uint8)
        rows = {(row.run, self.cells.index(row.class_index)): row for row in self._rows_of(kind)}
        missing = []
        for run, cell in np.argwhere(np.asarray(archive.occupied)).tolist() if archive is not None else rows:
            path = self.file_of(rows[run, cell]) if (run, cell) in rows else None
            if path is None:
                missing.append((run, cell))
            else:
                images[run, cell] = read_image(path, self.image_shape)
        if missing and archive is not None:
            runs, cells = map(np.asarray, zip(*missing, strict=True))
            encoding = self.known_encoding()
            genomes = jax.tree.map(lambda leaf: np.asarray(leaf)[runs, cells], archive.genomes)
            images[runs, cells] = draw(encoding, genomes)
        return images

    def _rows_of(self, kind: Kind) -> list[EliteRow]:
        return self.elites if kind == "elites" else self.first_rows

    @with_own_settings
    def _archive(self, name: str) -> Archive:
        path, encoding = self.path / name, self.encoding
        arrays, kinds, _ = load_arrays(path)
        shape = arrays["fitness"].shape if "fitness" in arrays else ()
        runs = self.settings.get("runs", shape[0] if shape else 0)
        if len(shape) != 2 or type(runs) is not int or shape != (runs, len(self.cells)) or not runs:
            raise InputError(
                f"{path}: expected an archive of {shown(runs)} runs and {len(self.cells)} cells, "
                f"found {list(shape)}"
            )
        if encoding is None:
            return _without_genomes(path, arrays, kinds)
        genome = jax.eval_shape(encoding.init, jax.random.key(0))
        blank = jax.eval_shape(lambda: empty(genome, len(self.cells), encoding.num_parents))
        template = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((runs, *leaf.shape), leaf.dtype), blank)
        archive, _ = load_tree(path, template)
        try:
            flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), archive.genomes)
            check_genomes(encoding, flat)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        return archive


def _without_genomes(path: Path, arrays: Mapping[str, Any], kinds: Mapping[str, str]) -> Archive:
    """An archive whose genomes nobody can read without their encoding: they stay arrays by name."""
    del kinds
    columns = {name: arrays.get(name) for name in ("fitness", "ids", "parents", "births")}
    shape = arrays["fitness"].shape
    if any(column is None or column.shape[:2] != shape for column in columns.values()):
        raise InputError(f"{path}: expected an archive, found something else")
    genomes = {
        name.removeprefix("genomes/"): array for name, array in arrays.items() if name.startswith("genomes")
    }
    if any(array.shape[:2] != shape for array in genomes.values()):
        raise InputError(f"{path}: expected genomes of {list(shape)} cells, found others")
    return Archive(genomes=genomes, **columns)  # type: ignore[arg-type]
