"""A run is a folder: what stands in it, and how it is begun, locked and gone on with.

The folder appears at once with `config.json` inside, so that a run killed at any later moment can be resumed.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import __version__
from fooljax.errors import FaultError, InputError, shown
from fooljax.identity import unusual_generator
from fooljax.storage.csv_files import csv_text
from fooljax.storage.files import new_folder, remove_abandoned, write_bytes
from fooljax.storage.json_files import read_json, write_json
from fooljax.storage.locks import LOCK, lock_folder

MARK = "summary.json"
"""Written last: a run folder with it is that of a finished run."""
FORMAT = 2
"""Of `config.json`. Folders of version 0.1 do not say theirs, which counts as 1."""
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "pillow")
NO_CONTENT = (".DS_Store", "Thumbs.db", "desktop.ini", "lost+found", LOCK)
"""What systems leave in a folder that users call empty, and what a run leaves that is killed at once."""
BEGINNING = ("config.json", "initial.npz", "target.json", LOCK)
"""All that a run has at first, none of it worth keeping where the run fails."""

FILES = (".csv", ".html", ".json", ".npz", ".png")
"""Endings of the files that stand in a run's folder."""
FOLDERS = ("checkpoints", "elites", "first", "images", "large", "lineage")
"""The folders in it."""


def versions() -> dict[str, str]:
    """What a result may depend on; of fooljax its own word, since a clone need not be installed.

    Beside the versions the generator of random bits, where it is not the usual one.
    """
    found = {"fooljax": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return {**found, **unusual_generator()}


def is_finished(path: Path) -> bool:
    """Whether a run folder's run has ended, and nothing has been begun in it since."""
    return (path / MARK).is_file()


def check_config(config: Mapping[str, Any], file: Path) -> None:
    """Makes sure that the content of a `config.json` has settings, and a form that this version reads.

    Raises:
      InputError: it has not.
    """
    if not isinstance(config.get("settings"), dict):
        raise InputError(f"{file}: expected an entry settings, found none")
    if (version := config.get("format", 1)) not in (1, FORMAT):
        raise InputError(f"{file}: expected a run of format {FORMAT} or older, found {shown(repr(version))}")


class RunFolder:
    """An open run folder, locked against other processes while in its `with` block.

    Attributes:
      path: the folder.
      config: the content of `config.json`: experiment, settings, versions.
      resumed: whether the run was begun before.
    """

    def __init__(self, path: Path, config: dict[str, Any], resumed: bool, made: bool = False) -> None:
        self.path = path
        self.config = config
        self.resumed = resumed
        self._made = made
        self._lock = lock_folder(path, "run folder")
        remove_abandoned(path)

    @classmethod
    def create(
        cls,
        path: Path,
        config: Mapping[str, Any],
        fill: Callable[[Path], None] = lambda _: None,
    ) -> "RunFolder":
        """Begins a run in a new or empty folder.

        Args:
          path: of the folder.
          config: content of `config.json`, but for the versions of what is installed.
          fill: writes what else the run needs from its first moment on into a folder.
        Raises:
          InputError: the path is a file or a folder with something in it.
          FaultError: it cannot be made.
        """
        config = {**config, "versions": versions()}
        path = path.absolute()
        try:
            if os.path.lexists(path):
                return cls._begun_in(path, config, fill)
            with new_folder(path) as draft:
                fill(draft)
                write_json(draft / "config.json", config)
        except OSError as error:
            raise FaultError(f"outdir: {shown(path)}: cannot be made: {error.strerror}") from error
        return cls(path, config, resumed=False, made=True)

    @classmethod
    def _begun_in(cls, path: Path, config: dict[str, Any], fill: Callable[[Path], None]) -> "RunFolder":
        """Begins a run in a folder that is there, and perhaps cannot be replaced, as a mounted disk."""
        if not path.is_dir():
            raise InputError(f"outdir: expected a folder, found a file at {shown(path)}")

        def check_empty() -> None:
            if found := sorted(set(os.listdir(path)) - set(NO_CONTENT), key=lambda n: (n[0] == ".", n)):
                raise InputError(
                    f"outdir: {shown(path)}: expected a new or empty folder, found {shown(found[0])} in it"
                )

        check_empty()
        folder, keep = cls(path, config, resumed=False), True
        try:
            check_empty()  # Another process may have been faster, and what it wrote is not ours to remove.
            keep = False
            fill(path)
            write_json(path / "config.json", config)
        except BaseException:
            folder.close(keep)
            raise
        return folder

    @classmethod
    def resume(cls, path: Path, experiment: str | None) -> "RunFolder":
        """Opens the folder of a run that was begun before.

        Args:
          path: of the folder.
          experiment: name of the experiment that it must be of; None where the run is of no experiment.
        Raises:
          InputError: there is no such run, it is of another experiment, or another process is at work in it.
        """
        name = shown(path)
        if not path.is_dir():
            raise InputError(f"resume: {name}: no such folder")
        if not (path / "config.json").exists():
            raise InputError(f"resume: {name}: expected a run folder, found no config.json in it")
        config = read_json(path / "config.json")
        found = config.get("experiment")
        if found != experiment:
            wanted, other = (one or "no experiment" for one in (experiment, found))
            raise InputError(f"resume: {name}: expected a run of {wanted}, found one of {shown(other)}")
        check_config(config, path / "config.json")
        _check_replaceable(path)
        return cls(path.absolute(), config, resumed=True)

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    def save_config(self, config: Mapping[str, Any]) -> None:
        """Writes `config.json` anew where something in it has changed: a resumed run may go on longer."""
        if {**self.config, **config} != self.config:
            self.config = {**self.config, **config}
            write_json(self.path / "config.json", self.config)

    def begin_changes(self) -> None:
        """Takes the mark of completion away, before the first file of a finished run is written anew.

        Raises:
          FaultError: it cannot be.
        """
        try:
            (self.path / MARK).unlink(missing_ok=True)
        except OSError as error:
            raise FaultError(f"cannot write {self.path / MARK}: {error.strerror}") from error

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Writes the summary, which marks the run as finished: after all other files."""
        write_json(self.path / MARK, summary)

    def close(self, keep: bool) -> None:
        """Lets other processes in; where nothing is to be kept, what this run has only begun goes again."""
        self._lock.release()
        if keep or self.resumed:
            return
        with suppress(OSError):
            if set(os.listdir(self.path)) - {*BEGINNING, *NO_CONTENT}:
                return
            for name in BEGINNING:
                (self.path / name).unlink(missing_ok=True)
            if self._made:
                self.path.rmdir()

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Lets other processes in; a folder that was made for nothing but an error goes again.

        A run that was stopped by a signal is kept: it can be resumed.
        """
        self.close(keep=kind is None or not issubclass(kind, Exception))


def _check_replaceable(path: Path) -> None:
    """Makes sure that a run can write its files and folders anew, before any of them is touched.

    Raises:
      InputError: in the place of one is something of another kind, as a pipe or a folder for a file.
      FaultError: the folder cannot be read.
    """
    try:
        for entry in path.iterdir():
            if entry.name in FOLDERS and entry.exists() and not entry.is_dir():
                raise InputError(f"{shown(entry)}: expected a folder, found none")
            if entry.suffix in FILES and entry.exists() and not entry.is_file():
                raise InputError(f"{shown(entry)}: expected a file that can be replaced, found none")
    except OSError as error:
        raise FaultError(f"{shown(path)}: cannot be read: {error.strerror}") from error


class MetricsFile:
    """`metrics.csv`: one row for each generation and run.

    Written anew when a search begins or resumes (which cuts off rows after the checkpoint), appended to while
    it runs, and written whole at the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = False

    def add(self, metrics: Mapping[str, npt.NDArray[Any]]) -> None:
        """Adds generations; the first call replaces the file."""
        if not self._begun:
            self.write(metrics)
            self._begun = True
            return
        try:
            with open(self.path, "a", encoding="utf-8", newline="") as file:
                file.write(_csv(metrics, header=False))
        except OSError as error:
            raise FaultError(f"cannot write {self.path}: {error.strerror}") from error

    def write(self, metrics: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replaces the file."""
        write_bytes(self.path, _csv(metrics, header=True).encode())


def _csv(metrics: Mapping[str, npt.NDArray[Any]], header: bool) -> str:
    runs, generations = metrics["generation"].shape
    columns = [np.asarray(values) for values in metrics.values()]
    rows = [
        [run, *(column[run, generation] for column in columns)]
        for generation in range(generations)
        for run in range(runs)
    ]
    return csv_text([["run", *metrics], *rows] if header else rows)
