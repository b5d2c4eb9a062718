"""Opens the folder of a finished run, for commands that make pictures from it."""

import importlib
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

import jax

from fooljax.settings import config_from
from fooljax.runs.recipe import Experiment, FoolingConfig
from fooljax.runs.folder import MARK, is_finished
from fooljax.engine.archive import Archive, empty
from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.engine.genomes import check_genomes
from fooljax.storage.trees import load_arrays, load_tree, read_json

MAX_SIDE = 65_536


class FinishedRun(NamedTuple):
    """What a run folder holds.

    Attributes:
      path: the folder.
      experiment: that made it.
      config: the experiment's settings.
      encoding: draws the genomes.
      archive: `R` archives, leaves `[R, C, ...]`.
      cells: class index of each cell.
      class_names: of all classes of the target.
      target_sha256: digest of the target's parameters.
    """

    path: Path
    experiment: Experiment
    config: FoolingConfig
    encoding: Encoding
    archive: Archive
    cells: tuple[int, ...]
    class_names: tuple[str, ...]
    target_sha256: str

    def place(self, run: int, index: int) -> int:
        """The cell of a class, after making sure that there is an elite in it.

        Raises:
          InputError: there is no such run or class, or no elite.
        """
        runs = self.archive.fitness.shape[0]
        if not 0 <= run < runs:
            raise InputError(f"run: expected 0 to {runs - 1} for {self.path}, got {run}")
        if index not in self.cells:
            known = f"{min(self.cells)} to {max(self.cells)}"
            raise InputError(f"cell: expected a class of {self.path}, {known}, got {index}")
        cell = self.cells.index(index)
        if not self.archive.occupied[run, cell]:
            raise InputError(f"cell: {self.path} has no elite of class {index} in run {run}")
        return cell


def open_run(path: Path) -> FinishedRun:
    """Reads a run folder.

    Raises:
      InputError: it is not the folder of a finished run, or a file in it is damaged.
    """
    if not (path / "config.json").exists():
        raise InputError(f"{shown(path)}: expected a run folder, found no config.json in it")
    if not (path / "archive.npz").exists():
        raise InputError(f"{shown(path)}: expected a finished run, found no archive.npz in it")
    if not is_finished(path):
        raise InputError(f"{shown(path)}: expected a finished run, found no {MARK} in it")
    content = read_json(path / "config.json")
    experiment = _experiment(content.get("experiment"), path)
    settings = content.get("settings")
    if not isinstance(settings, dict):
        raise InputError(f"{path / 'config.json'}: expected an entry settings, found none")
    config = config_from(experiment.config, settings, str(path / "config.json"))
    target = read_json(path / "target.json")
    facts = load_arrays(path / "archive.npz")[2]
    try:
        cells = tuple(int(cell) for cell in facts["cells"])
        height, width, channels = (int(side) for side in facts["image_shape"])
        names = tuple(str(name) for name in target["class_names"])
        digest = str(target["params_sha256"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: expected the folder of a run of this version ({type(error).__name__}: {shown(error)})"
        ) from error
    if not set(cells) <= set(range(len(names))) or len(set(cells)) < len(cells):
        raise InputError(f"{path}: expected cells of {len(names)} classes, each once, found {shown(cells)}")
    if not all(1 <= side <= MAX_SIDE for side in (height, width, channels)):
        raise InputError(
            f"{path}: expected images of 1 to {MAX_SIDE} pixels a side, found {height} x {width} x {channels}"
        )
    encoding = experiment.encoding(config, (height, width, channels))
    genome = jax.eval_shape(encoding.init, jax.random.key(0))
    blank = jax.eval_shape(lambda: empty(genome, len(cells), encoding.num_parents))
    template = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((config.runs, *leaf.shape), leaf.dtype), blank)
    archive, _ = load_tree(path / "archive.npz", template)
    try:
        check_genomes(encoding, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), archive.genomes))
    except InputError as error:
        raise InputError(f"{path / 'archive.npz'}: {error}") from error
    return FinishedRun(path, experiment, config, encoding, archive, cells, names, digest)


def _experiment(name: object, path: Path) -> Experiment:
    """The experiment of this name: any file of this folder that has an `EXPERIMENT`."""
    known = isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_]*", name)
    if known and importlib.util.find_spec(f"experiments.{name}"):
        experiment = getattr(importlib.import_module(f"experiments.{name}"), "EXPERIMENT", None)
        if isinstance(experiment, Experiment):
            return experiment
    raise InputError(
        f"{path / 'config.json'}: expected an experiment of this folder, found {shown(repr(name))}"
    )
