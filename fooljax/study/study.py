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

    def network(self, name: str) -> Target:
        """A network by its name, which is loaded or trained once."""
        if name not in self._networks:
            self._networks[name] = self.study.network(self._config, name, self.say)
        return self._networks[name]

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
    with StudyFolder(Path(outdir), study.name) as folder:
        workspace = Workspace(study, folder, say, config)
        folder.save_config(dataclasses.asdict(config), command)
        while planned := [task for task in study.tasks(config, list(rows.values())) if task.name not in rows]:
            if len({task.name for task in planned}) < len(planned):
                raise InputError(f"tasks: expected a name of its own for every task of {study.name}")
            groups = in_groups(planned)
            for number, group in enumerate(groups, start=1):
                found = _measured(workspace, group, f"{number} of {len(groups)}")
                rows |= zip((task.name for task in group), found, strict=True)
            kept = list(rows.values())
            folder.report(kept, study.tables(kept), study.figures(kept))
    return list(rows.values())


def _measured(workspace: Workspace, group: Sequence[Task], place: str) -> list[Row]:
    """The rows of tasks that are measured in one call; those that are there are read."""
    names = dict.fromkeys(name for task in group for name in task.networks)
    digests = {name: network_digest(name, workspace.network(name)) for name in names}
    rows: dict[str, Row] = {}
    facts = {task.name: deciding(workspace.study.name, task, group, digests) for task in group}
    for task in group:
        if (path := workspace.folder.row(task)).exists():
            rows[task.name] = read_row(path, facts[task.name])
    if len(rows) < len(group):
        begun = time.perf_counter()
        device = f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}"
        for task, figures in zip(group, workspace.study.measure(workspace, group), strict=True):
            if task.name not in rows:
                rows[task.name] = write_row(workspace.folder.row(task), facts[task.name], figures, device)
        many = f" and {len(group) - 1} more" if len(group) > 1 else ""
        workspace.say(f"{place}: {group[0].name}{many}, {time.perf_counter() - begun:.1f} s")
    return [rows[task.name] for task in group]


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
