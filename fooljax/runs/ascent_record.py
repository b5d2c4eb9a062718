"""What stands in the folder of a gradient ascent, read when it is asked for, and checked.

The page and a result of Python are made from an `AscentRecord` alone. Folders of version 0.1 open too.
"""

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.gradient import LEVELS, Ascent, FirstReached
from fooljax.runs import ascent_words, words
from fooljax.runs.ascent_images import COLUMNS, START
from fooljax.runs.folder import MARK, check_config, is_finished
from fooljax.runs.images import inside, read_image
from fooljax.runs.kinds import OLD_ASCENTS, is_ascent
from fooljax.runs.panel_table import FILE as PANEL_FILE
from fooljax.runs.panel_table import PanelRow, read_panel_rows
from fooljax.storage.csv_files import text_of
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import read_regular
from fooljax.storage.trees import load_arrays

NETWORKS = dict(zip(OLD_ASCENTS, (words.DIGITS, words.PHOTOGRAPHS), strict=True))
"""The words for the network of each experiment of version 0.1."""
Cell = TypeVar("Cell")
MAX_TABLE = 2**30
"""Bytes of `images.csv`, at most."""


@dataclass(frozen=True, eq=False)
class AscentRecord:
    """What stands in the folder of a gradient ascent.

    Attributes:
      path: the folder.
      config: content of `config.json`.
      summary: content of `summary.json`.
      target_facts: content of `target.json`.
      title: of the page.
      introduction: paragraphs for a reader who is a stranger.
      notes: what a reader should know of the network and its data.
      ascents: what each method found, by its name; each has `S * C` images, start by start.
      cells: `C` class indices.
      class_names: of all classes of the network.
      starts: `S`, how many start images there are.
    """

    path: Path
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    target_facts: Mapping[str, Any]
    title: str
    introduction: tuple[str, ...]
    notes: tuple[str, ...]
    ascents: Mapping[str, Ascent]
    cells: tuple[int, ...]
    class_names: tuple[str, ...]
    starts: int

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(H, W, K)`."""
        height, width, channels = next(iter(self.ascents.values())).images.shape[1:]
        return height, width, channels

    @property
    def target_sha256(self) -> str:
        """Digest of the network's parameters."""
        return str(self.target_facts.get("params_sha256", ""))

    @cached_property
    def log_odds(self) -> dict[str, npt.NDArray[np.float64]]:
        """`[S, C]` by method, of each image's own class; those of the start images under `START`.

        They are of the saved 8-bit files. Version 0.1 kept no table of them. Then those of the ascent stand
        here, which every saved file was compared with, and those of the start images before their rounding.
        """
        if (path := self.path / "images.csv").exists():
            table = self._table(path, _log_odds)
            return {name: np.asarray(odds, np.float64) for name, odds in table.items()}
        shape = (self.starts, len(self.cells))
        first = next(iter(self.ascents.values()))
        return {
            START: np.asarray(first.history[0], np.float64).reshape(shape),
            **{
                name: np.asarray(ascent.log_odds_8_bit, np.float64).reshape(shape)
                for name, ascent in self.ascents.items()
            },
        }

    def files(self, method: str) -> list[list[Path]]:
        """The image files of a method, by start image and class.

        Raises:
          InputError: the folder has no table of them, as those of version 0.1, or a name leads out of it.
        """
        path = self.path / "images.csv"
        return self._table(path, lambda cells: inside(self.path, cells["file"], path))[method]

    @cached_property
    def start_images(self) -> npt.NDArray[np.uint8]:
        """`[S, H, W, K]`, read from their files."""
        folder = self.path / "images" / START
        files = [folder / f"start{index:02d}.png" for index in range(self.starts)]
        return np.stack([read_image(file, self.image_shape) for file in files])

    @cached_property
    def panel_rows(self) -> list[PanelRow]:
        """Rows of `panel.csv`: what judges say of each saved image; none where no judge was asked."""
        path = self.path / PANEL_FILE
        return read_panel_rows(path, self.ascents, self.starts, self.cells) if path.exists() else []

    def _table(self, path: Path, read: Callable[[Mapping[str, str]], Cell]) -> dict[str, list[list[Cell]]]:
        """What each row of `images.csv` says, `[S][C]` by method.

        Args:
          path: of the table.
          read: gives it, from the cells of a row by column.
        Raises:
          InputError: it is not the table of these methods, start images and classes, each once.
        """
        places = {cell: place for place, cell in enumerate(self.cells)}
        table: dict[str, list[list[Any]]] = {
            name: [[None] * len(places) for _ in range(self.starts)] for name in (START, *self.ascents)
        }
        try:
            text = read_regular(path, MAX_TABLE).decode()
            header, *rows = csv.reader(text.splitlines())
            if tuple(header) != COLUMNS or len(rows) != len(table) * self.starts * len(places):
                raise ValueError("other columns or rows")
            for row in rows:
                cells = dict(zip(COLUMNS, map(text_of, row), strict=True))
                table[cells["method"]][int(cells["start"])][places[int(cells["class"])]] = read(cells)
            if any(cell is None for of in table.values() for row in of for cell in row):
                raise ValueError("an image that is missing")
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, csv.Error) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path}: expected a row for each image, found something else ({shown(error)})"
            ) from error
        return table

    def images(self, method: str) -> npt.NDArray[np.uint8]:
        """The images of a method as their files hold them, `[S, C, H, W, K]`."""
        return self.ascents[method].pixels().reshape(self.starts, len(self.cells), *self.image_shape)


def open_ascent(path: Path | str, summary: Mapping[str, Any] | None = None) -> AscentRecord:
    """Opens the folder of a finished gradient ascent.

    Args:
      path: the folder.
      summary: the content of `summary.json`, where it is about to be written.
    Raises:
      InputError: it is not the folder of a finished gradient ascent, or a file in it is damaged.
    """
    path = Path(path)
    file = path / "config.json"
    if not file.exists():
        raise InputError(f"{shown(path)}: expected a run folder, found no config.json in it")
    config = read_json(file)
    if not is_ascent(config):
        raise InputError(f"{file}: expected a gradient ascent, found another kind of run")
    check_config(config, file)
    if summary is None:
        if not is_finished(path):
            raise InputError(f"{shown(path)}: expected a finished run, found no {MARK} in it")
        summary = read_json(path / MARK)
    target = read_json(path / "target.json")
    names = target.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path / 'target.json'}: expected names of classes, found {shown(repr(names))}")
    ascents, cells, starts = _read_ascents(path / "ascents.npz", len(names))
    methods = summary.get("methods")
    if not isinstance(methods, dict) or set(methods) != set(ascents):
        raise InputError(f"{path / MARK}: expected the methods {', '.join(ascents)}, found others")
    if not all(isinstance(one, dict) and isinstance(one.get("rescored"), dict) for one in methods.values()):
        raise InputError(f"{path / MARK}: expected an entry rescored of each method, found none")
    title, introduction, notes = _words_of(config, list(methods), file)
    return AscentRecord(
        path=path,
        config=config,
        summary=summary,
        target_facts=target,
        title=title,
        introduction=introduction,
        notes=notes,
        ascents={name: ascents[name] for name in methods},
        cells=cells,
        class_names=tuple(names),
        starts=starts,
    )


def _words_of(
    config: Mapping[str, Any], methods: list[str], file: Path
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    if "format" not in config:
        network = NETWORKS[config["experiment"]]
        return ascent_words.words_of(network, methods)
    title, introduction, notes = (config.get(name) for name in ("title", "introduction", "notes"))
    lists = (introduction, notes)
    if not isinstance(title, str) or not all(
        isinstance(lines, list) and all(isinstance(line, str) for line in lines) for lines in lists
    ):
        raise InputError(f"{file}: expected a title, an introduction and notes, found something else")
    return title, tuple(introduction or ()), tuple(notes or ())


def _read_ascents(path: Path, num_classes: int) -> tuple[dict[str, Ascent], tuple[int, ...], int]:
    """What `ascents.npz` holds: the methods, the classes and the number of start images.

    Raises:
      InputError: it is missing or damaged, or its arrays do not go together.
    """
    arrays, _, facts = load_arrays(path)
    try:
        cells, starts = tuple(int(cell) for cell in facts["classes"]), int(facts["starts"])
        batch = starts * len(cells)
        if not batch or len(set(cells)) < len(cells) or not set(cells) <= set(range(num_classes)):
            raise ValueError(f"classes {cells} of {num_classes}, from {starts} start images")
        names = dict.fromkeys(name.partition("/")[0] for name in arrays)
        ascents = {name: _ascent(arrays, name, batch) for name in names}
        if len({ascent.images.shape for ascent in ascents.values()}) != 1:
            raise ValueError("images of several shapes")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: expected a gradient ascent ({type(error).__name__}: {shown(error)})"
        ) from error
    return ascents, cells, starts


def _ascent(arrays: Mapping[str, npt.NDArray[Any]], name: str, batch: int) -> Ascent:
    reached = {
        field: arrays[f"{name}/reached/{field}"] for field in ("iteration", "norm", "distance", "deviation")
    }
    found = {
        field: arrays[f"{name}/{field}"]
        for field in ("images", "log_odds", "log_odds_8_bit", "history", "queries")
    }
    images, history = found["images"], found["history"]
    if (
        images.ndim != 4
        or len(images) != batch
        or 0 in images.shape
        or not np.all((images >= 0) & (images <= 1))
        or any(found[field].shape != (batch,) for field in ("log_odds", "log_odds_8_bit"))
        or history.ndim != 2
        or history.shape[1] != batch
        or not len(history)
        or found["queries"].shape != ()
        or any(leaf.shape != (batch, len(LEVELS)) for leaf in reached.values())
        or any(np.any(np.isnan(found[field])) for field in ("log_odds", "log_odds_8_bit", "history"))
    ):
        raise ValueError(f"arrays of {name} that do not go together")
    return Ascent(reached=FirstReached(**reached), **found)  # type: ignore[arg-type]


def _log_odds(cells: Mapping[str, str]) -> float:
    if not math.isfinite(odds := float(cells["log_odds"])):
        raise ValueError("log-odds that are not a number")
    return odds
