"""Opens the folder of a finished run: of this version, or of 0.1, or one with only some of the files."""

import importlib
import importlib.util
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from fooljax import encodings
from fooljax.engine.archive import Archive, empty
from fooljax.engine.genomes import check_genomes
from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.runs import version_0_1
from fooljax.runs.folder import FORMAT, MARK, is_finished
from fooljax.runs.recipe import Experiment, FoolingConfig
from fooljax.runs.record import RunRecord
from fooljax.settings import config_from
from fooljax.storage.trees import load_arrays, load_tree, read_json

MAX_SIDE = 65_536


def open_folder(path: Path | str, encoding: Encoding | None = None) -> RunRecord:
    """Opens the folder of a finished run.

    Args:
      path: the folder.
      encoding: draws the genomes, where that is an encoding which does not come with fooljax.
    Raises:
      InputError: it is not the folder of a finished run of a search, or a file in it is damaged.
    """
    path = Path(path)
    file = path / "config.json"
    for name, missing in (("config.json", "a run folder"), ("archive.npz", "a finished run")):
        if not (path / name).exists():
            raise InputError(f"{shown(path)}: expected {missing}, found no {name} in it")
    if not is_finished(path):
        raise InputError(f"{shown(path)}: expected a finished run, found no {MARK} in it")
    config = read_json(file)
    settings = config.get("settings")
    if not isinstance(settings, dict):
        raise InputError(f"{file}: expected an entry settings, found none")
    if (version := config.get("format", 1)) not in (1, FORMAT):
        raise InputError(f"{file}: expected a run of format {FORMAT} or older, found {shown(repr(version))}")
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
    image_shape = (height, width, channels)
    if not set(cells) <= set(range(len(names))) or len(set(cells)) < len(cells) or not cells:
        raise InputError(f"{path}: expected cells of {len(names)} classes, each once, found {shown(cells)}")
    if not all(1 <= side <= MAX_SIDE for side in image_shape):
        raise InputError(
            f"{path}: expected images of 1 to {MAX_SIDE} pixels a side, found {height} x {width} x {channels}"
        )
    if encoding is not None and encoding.image_shape != image_shape:
        raise InputError(
            f"encoding: expected one for images {list(image_shape)}, as in {path}, got one for "
            f"{list(encoding.image_shape)}"
        )
    if version == 1:
        experiment: Any = config.get("experiment")
        if encoding is None:
            encoding = version_0_1.encoding_of(experiment, settings, image_shape, str(file))
        title, introduction = version_0_1.words_of(str(experiment))
        words: tuple[Any, ...] = (experiment, title, introduction, (), None)
    else:
        words = _words_of(config, file)
        encoding = encoding or _encoding_of(config, image_shape, file)
    experiment, title, introduction, notes, command = words
    record = RunRecord(
        path=path,
        config=config,
        target_facts=target,
        experiment=experiment,
        title=title,
        introduction=introduction,
        notes=notes,
        command=command,
        settings=settings,
        encoding=encoding,
        image_shape=image_shape,
        cells=cells,
        class_names=names,
        target_sha256=digest,
    )
    _ = record.archive
    return record


def _words_of(config: Mapping[str, Any], file: Path) -> tuple[Any, ...]:
    """Experiment, title, introduction, notes and command, as a configuration of this version has them."""
    experiment, command = config.get("experiment"), config.get("command")
    title, introduction, notes = config.get("title"), config.get("introduction"), config.get("notes")
    for name, value, is_right in (
        ("experiment", experiment, experiment is None or isinstance(experiment, str)),
        ("command", command, command is None or isinstance(command, str)),
        ("title", title, isinstance(title, str)),
        ("introduction", introduction, _is_texts(introduction)),
        ("notes", notes, _is_texts(notes)),
    ):
        if not is_right:
            raise InputError(f"{file}: expected text as {name}, found {shown(repr(value))}")
    return experiment, title, tuple(introduction or ()), tuple(notes or ()), command


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _encoding_of(config: Mapping[str, Any], image_shape: Sequence[int], file: Path) -> Encoding | None:
    """The encoding that a configuration of this version describes; None where it is the user's own."""
    told = config.get("encoding")
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise InputError(f"{file}: expected an entry encoding, found {shown(repr(told))}")
    if told.get("image_shape") != list(image_shape):
        raise InputError(f"{file}: expected an encoding of images {list(image_shape)}, found another")
    if told.get("settings") is None:
        return None
    try:
        return encodings.build(told["name"], image_shape, told["settings"])
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


# Until every command uses `open_folder`:


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
