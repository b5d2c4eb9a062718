"""A run is a folder: what stands in it, and how it is begun, locked and gone on with.

The folder appears at once with `config.json` inside, so that a run killed at any later moment can be resumed.
"""

import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import numpy.typing as npt

from experiments.tables import csv_text
from fooljax.errors import FaultError, InputError
from fooljax.storage import read_json, remove_abandoned, write_bytes, write_json

LOCK = ".lock"
PACKAGES = ("fooljax", "jax", "jaxlib", "flax", "optax", "numpy", "pillow")


class RunFolder:
    """An open run folder, locked against other processes while in its `with` block.

    Attributes:
      path: the folder.
      config: the content of `config.json`: experiment, settings, versions.
      resumed: whether the folder was there before.
    """

    def __init__(self, path: Path, config: dict[str, Any], resumed: bool) -> None:
        self.path = path
        self.config = config
        self.resumed = resumed
        self._lock = filelock.FileLock(path / LOCK, timeout=0)
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise InputError(f"{path}: another process is at work in this run folder") from None
        remove_abandoned(path)

    @classmethod
    def create(cls, path: Path, experiment: str, settings: Mapping[str, Any]) -> "RunFolder":
        """Begins a run in a new or empty folder.

        Raises:
          InputError: the path is a file or a folder with something in it.
          FaultError: it cannot be made.
        """
        if path.exists() and not path.is_dir():
            raise InputError(f"--outdir {path}: expected a folder, found a file")
        config = {
            "experiment": experiment,
            "settings": dict(settings),
            "versions": {name: version(name) for name in PACKAGES},
        }
        path = path.absolute()
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            if path.is_dir() and (found := sorted(os.listdir(path), key=lambda name: (name[0] == ".", name))):
                raise InputError(f"--outdir {path}: expected a new or empty folder, found {found[0]} in it")
            draft.mkdir(parents=True)
            write_json(draft / "config.json", config)
            # An empty folder is replaced; if another process was faster, this fails and nothing is lost.
            draft.rename(path)
        except OSError as error:
            raise FaultError(f"--outdir {path}: cannot be made: {error.strerror}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return cls(path, config, resumed=False)

    @classmethod
    def resume(cls, path: Path, experiment: str) -> "RunFolder":
        """Opens the folder of a run that was begun before.

        Raises:
          InputError: there is no such run, it is of another experiment, or another process is at work in it.
        """
        if not path.is_dir():
            raise InputError(f"--resume {path}: no such folder")
        if not (path / "config.json").exists():
            raise InputError(f"--resume {path}: expected a run folder, found no config.json in it")
        config = read_json(path / "config.json")
        found = config.get("experiment")
        if found != experiment:
            raise InputError(f"--resume {path}: expected a run of {experiment}, found one of {found}")
        if not isinstance(config.get("settings"), dict):
            raise InputError(f"{path / 'config.json'}: expected an entry settings, found none")
        return cls(path.absolute(), config, resumed=True)

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    def save_config(self, settings: Mapping[str, Any]) -> None:
        """Changes the settings kept in `config.json` (a resumed run may be extended)."""
        self.config = {**self.config, "settings": dict(settings)}
        write_json(self.path / "config.json", self.config)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Lets other processes in; a folder that this process made for nothing but an error goes again."""
        self._lock.release()
        failed = kind is not None and issubclass(kind, InputError | FaultError)
        if failed and not self.resumed and set(os.listdir(self.path)) <= {"config.json", "target.json", LOCK}:
            shutil.rmtree(self.path, ignore_errors=True)


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
