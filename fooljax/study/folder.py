"""The folder of a study: its settings, a row for each task, images beside them, tables and figures."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from fooljax.errors import FaultError, InputError, shown
from fooljax.runs.folder import NO_CONTENT
from fooljax.storage.files import remove_abandoned, write_bytes
from fooljax.storage.json_files import read_json, write_json
from fooljax.storage.locks import lock_folder
from fooljax.study.rows import write_rows
from fooljax.study.task import Row, Task, random_versions

CONFIG = "config.json"


class StudyFolder:
    """An open folder, locked against other processes while in its `with` block.

    Args:
      path: of the folder: a new or empty one, or that of the same study.
      study: the name of the study.

    Raises:
      InputError: there is something else in the folder, or another process is at work in it.
      FaultError: it cannot be made.
    """

    def __init__(self, path: Path, study: str) -> None:
        self.path = path
        self._study = study
        self._tried = False
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FaultError(f"--outdir {shown(path)}: cannot be made: {error.strerror}") from error
        self._check_ours()
        self._lock = lock_folder(path, "study")
        try:
            self._check_ours()  # Another process may have been faster.
            remove_abandoned(path)
            for name in ("rows", "images"):
                (path / name).mkdir(exist_ok=True)
        except BaseException:
            self._lock.release()
            raise

    def _check_ours(self) -> None:
        """Makes sure that the folder is empty or holds this study."""
        if self.config.exists():
            if (found := read_json(self.config).get("study")) != self._study:
                raise InputError(
                    f"--outdir {shown(self.path)}: expected the study {self._study}, "
                    f"found {shown(repr(found))}"
                )
        elif found := sorted(set(os.listdir(self.path)) - set(NO_CONTENT)):
            raise InputError(
                f"--outdir {shown(self.path)}: expected a new or empty folder or one of the study "
                f"{self._study}, found {shown(found[0])} in it"
            )

    @property
    def config(self) -> Path:
        """The file of the settings."""
        return self.path / CONFIG

    def row(self, task: Task) -> Path:
        """The file of a task's row."""
        return self.path / "rows" / f"{task.name}.json"

    def names_of_rows(self) -> set[str]:
        """The tasks of all rows in the folder, also of those that other settings asked for."""
        return {path.stem for path in (self.path / "rows").glob("*.json")}

    def save_sheet(self, name: str, sheet: bytes) -> None:
        """Writes the images of a task, which is known by its name: a PNG."""
        write_bytes(self.path / "images" / f"{name}.png", sheet)

    def try_config(self, settings: Mapping[str, Any], command: str | None) -> None:
        """Saves settings in a new folder alone, from which an `InputError` in the `with` block removes them.

        A process that is killed while networks are trained leaves them. `save_config` keeps them for good.
        """
        if not self.config.exists():
            self.save_config(settings, command)
            self._tried = True

    def save_config(self, settings: Mapping[str, Any], command: str | None) -> None:
        """Writes what the study was asked for last, and the command that does it again."""
        self._tried = False
        facts = {"study": self._study, "command": command, "settings": dict(settings)}
        write_json(self.config, {**facts, "versions": random_versions()})

    def report(self, rows: list[Row], tables: str, figures: Mapping[str, bytes]) -> None:
        """Writes what is made of the rows: `rows.jsonl`, `table.md`, and figures by file name."""
        write_rows(self.path / "rows.jsonl", rows)
        write_bytes(self.path / "table.md", tables.encode())
        for name, picture in figures.items():
            write_bytes(self.path / name, picture)

    def __enter__(self) -> "StudyFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._tried and isinstance(error, InputError):
                with suppress(OSError):
                    for name in ("rows", "images"):
                        (self.path / name).rmdir()
                    self.config.unlink()
        finally:
            self._lock.release()
