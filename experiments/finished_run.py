"""Opens the folder of a finished run, for commands that make pictures from it."""

import importlib
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

import jax

from experiments.command_line import config_from
from experiments.job import Experiment, FoolingConfig
from experiments.run_folder import MARK, is_finished
from fooljax.archive import Archive, empty
from fooljax.base import Encoding
from fooljax.errors import InputError, shown
from fooljax.storage import load_arrays, load_tree, read_json

MAX_SIDE = 4096
"""Pixels of a side of the images of a run that can be read back."""


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
        cells = _whole_numbers(facts["cells"], 2**31)
        height, width, channels = _whole_numbers(facts["image_shape"], MAX_SIDE + 1)
        names, digest = target["class_names"], target["params_sha256"]
        if not (isinstance(names, list) and all(isinstance(name, str) for name in (*names, digest))):
            raise TypeError("names of classes that are no text")
        if not cells or len(set(cells)) < len(cells) or max(cells) >= len(names):
            raise ValueError("cells that are not different classes")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{shown(path)}: expected the folder of a run of this version ({shown(repr(error))})"
        ) from error
    encoding = experiment.encoding(config, (height, width, channels))
    genome = jax.eval_shape(encoding.init, jax.random.key(0))
    blank = jax.eval_shape(lambda: empty(genome, len(cells), encoding.num_parents))
    template = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((config.runs, *leaf.shape), leaf.dtype), blank)
    archive, _ = load_tree(path / "archive.npz", template)
    return FinishedRun(path, experiment, config, encoding, archive, cells, tuple(names), digest)


def _whole_numbers(values: object, end: int) -> tuple[int, ...]:
    """A list of whole numbers from 0 to `end`, not included."""
    if not isinstance(values, list) or not all(type(value) is int and 0 <= value < end for value in values):
        raise ValueError(f"no list of whole numbers below {end}")
    return tuple(values)


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
