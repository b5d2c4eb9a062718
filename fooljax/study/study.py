"""A study is many searches or other measurements: tasks, a row for each, and tables and figures of the rows.

    run(STUDY, STUDY.config(), Path("runs/transfer"))

does every task that has no row yet. After a process was killed, at any moment, the next one goes on where it
was: rows are whole or absent, and each carries a digest of all that decided it. A row of other settings,
networks or versions is refused in one line, and never mixed with new ones.
"""

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.storage.trees import digest_tree
from fooljax.study.folder import StudyFolder
from fooljax.study.images import saved_and_reloaded
from fooljax.study.rows import read_row, write_row
from fooljax.study.task import Row, Task, deciding, digest_of, in_groups

Say = Callable[[str], None]


def no_figures(rows: Sequence[Row]) -> Mapping[str, bytes]:
    """For a study without figures."""
    del rows
    return {}


@dataclass(frozen=True)
class Study:
    """What tells one study from another. `docs/extending.md` has a small one whole.

    Attributes:
      name: of the study, which its folder is known by.
      title: one line for `--help`.
      config: the frozen dataclass of its settings, each made by `fooljax.settings.option`.
      tasks: `(config, rows) -> tasks`, those that can be named when `rows` are there. It is asked again after
        they are done, with their rows, until it names no new ones. So a later stage can choose by an earlier
        one.
      network: `(config, name, say) -> Target`, for the names in `Task.networks`. It is called once for each.
        `say` prints a line about work that takes long.
      measure: `(workspace, tasks) -> figures of each`, in order. It is given the tasks of one group; each of
        its results becomes a row when it comes, so a generator loses the least when it is killed.
      tables: `rows -> text`, the content of `table.md`.
      figures: `rows -> PNG by file name`.
    """

    name: str
    title: str
    config: type[Any]
    tasks: Callable[[Any, Sequence[Row]], Iterable[Task]]
    network: Callable[[Any, str, Say], Target]
    measure: Callable[["Workspace", Sequence[Task]], Iterable[Mapping[str, Any]]]
    tables: Callable[[Sequence[Row]], str]
    figures: Callable[[Sequence[Row]], Mapping[str, bytes]] = no_figures


@dataclass
class Workspace:
    """What a measurement may use: the networks that its tasks name, and a place for images.

    Attributes:
      study: the study.
      folder: where rows and images are kept.
      say: prints a line.
    """

    study: Study
    folder: StudyFolder
    say: Say
    _config: Any
    _networks: dict[str, Target] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def network(self, name: str) -> Target:
        """A network by its name, which is loaded or trained once."""
        if name not in self._networks:
            self._networks[name] = self.study.network(self._config, name, self.say)
        return self._networks[name]

    def digest(self, name: str) -> str:
        """The digest of a network, see `network_digest`."""
        if name not in self._digests:
            self._digests[name] = network_digest(name, self.network(name))
        return self._digests[name]

    def save_images(self, task: Task, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Saves a task's images `[N, H, W, K]` beside its row and gives back what the file holds.

        Figures about saved images are measured on what is given back.

        Raises:
          InputError: they are not 8-bit images.
          FaultError: the file cannot be written.
        """
        return saved_and_reloaded(self.folder.sheet(task), images)


def run(
    study: Study, config: Any, outdir: Path | str, *, say: Say = print, command: str | None = None
) -> list[Row]:
    """Does every task of a study that has no row yet, and writes tables and figures of all rows.

    Args:
      study: what is done.
      config: its settings.
      outdir: a new or empty folder, or one in which this study was begun.
      say: prints a line of progress.
      command: the command that does the same again, for `config.json`.
    Returns:
      The rows, in the order in which their tasks are planned.
    Raises:
      InputError: the folder holds something else or is in use by another process, a row that is there was
        made with other settings, networks or versions, or a task is not what was expected.
      FaultError: the folder cannot be written.
    """
    rows: dict[str, Row] = {}
    settings = dataclasses.asdict(config)
    with StudyFolder(Path(outdir), study.name) as folder:
        if not folder.config.exists():
            folder.save_config(settings, command)
        workspace = Workspace(study, folder, say, config)
        while planned := [task for task in study.tasks(config, list(rows.values())) if task.name not in rows]:
            if len({task.name for task in planned}) < len(planned):
                raise InputError(f"tasks: expected a name of its own for every task of {study.name}")
            found = _Round(workspace, in_groups(planned)).done()
            rows |= {task.name: found[task.name] for task in planned}
            # Only now is it known that all rows that were there belong to these settings.
            folder.save_config(settings, command)
            kept = list(rows.values())
            folder.report(kept, study.tables(kept), study.figures(kept))
    return list(rows.values())


@dataclass
class _Round:
    """Tasks that are planned together, in groups."""

    workspace: Workspace
    groups: Sequence[Sequence[Task]]
    rows: dict[str, Row] = field(default_factory=dict)

    def done(self) -> dict[str, Row]:
        """The row of every task. All rows that are there are read before anything is measured."""
        for group in self.groups:
            there = [task for task in group if self.workspace.folder.row(task).exists()]
            facts = self._facts(group) if there else {}
            for task in there:
                self.rows[task.name] = read_row(self.workspace.folder.row(task), facts[task.name])
        if self.rows:
            self.workspace.say(f"{len(self.rows)} of {sum(map(len, self.groups))} rows are there")
        left = [group for group in self.groups if any(task.name not in self.rows for task in group)]
        for number, group in enumerate(left, start=1):
            begun = time.perf_counter()
            self._measure(group)
            many = f" and {len(group) - 1} more" if len(group) > 1 else ""
            taken = time.perf_counter() - begun
            self.workspace.say(f"{number} of {len(left)}: {group[0].name}{many}, {taken:.1f} s")
        return self.rows

    def _measure(self, group: Sequence[Task]) -> None:
        workspace, facts = self.workspace, self._facts(group)
        device = f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}"
        for task, figures in zip(group, workspace.study.measure(workspace, group), strict=True):
            if task.name not in self.rows:
                path = workspace.folder.row(task)
                self.rows[task.name] = write_row(path, facts[task.name], figures, device)

    def _facts(self, group: Sequence[Task]) -> dict[str, dict[str, Any]]:
        """What decides the figures of each task of a group."""
        names = dict.fromkeys(name for task in group for name in task.networks)
        digests = {name: self.workspace.digest(name) for name in names}
        name = self.workspace.study.name
        return {task.name: deciding(name, task, group, digests) for task in group}


def network_digest(name: str, target: Target) -> str:
    """SHA-256 (hex) that tells networks apart: of their parameters, and of a user's own also of its program.

    What the code of a built-in network is, the version of fooljax says.

    Args:
      name: of the network, for errors.
      target: the network. One that says where its parameters came from is a built-in one.
    Raises:
      InputError: it is a user's own and has no image shape, so that its program cannot be made.
    """
    params = digest_tree(target.params)
    if target.provenance.get("params_sha256") == params:
        return params
    if target.image_shape is None:
        raise InputError(f"network {shown(name)}: expected a target with its image_shape, got one without")
    images = jax.ShapeDtypeStruct((1, *target.image_shape), np.float32)
    program = jax.jit(target.apply).lower(target.params, images).as_text()
    return digest_of({"params": params, "program": program})
