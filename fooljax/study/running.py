"""How a study is done: what is missing is measured, here or by workers, and written by this process alone.

    run(STUDY, STUDY.config(), Path("runs/transfer"))

does every task that has no row yet. After a process was killed, at any moment, the next one goes on where it
was: rows are whole or absent, and each carries a digest of all that decided it. A row of other settings,
networks or versions is refused in one line, and never mixed with new ones.
"""

import dataclasses
import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fooljax.engine.placement import own_device
from fooljax.errors import InputError, shown
from fooljax.own_settings import with_own_settings
from fooljax.storage.outputs import as_folder
from fooljax.study.folder import StudyFolder
from fooljax.study.image_sets import ImageSettings
from fooljax.study.measuring import StudyContext, TaskResult, digest, measure
from fooljax.study.parts import Executor, Part, Say
from fooljax.study.rows import read_row, write_row
from fooljax.study.study import Study, named_by_its_setting
from fooljax.study.task import Row, Task, group_tasks, task_facts
from fooljax.study.workers import start_workers


@with_own_settings
def run(
    study: Study,
    config: Any,
    outdir: Path | str,
    *,
    say: Say = print,
    command: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> list[Row]:
    """Does every task of a study that has no row yet, and writes tables and figures of all rows.

    A group of tasks that is measured in one call goes to one worker. It is done again by another one where
    the worker dies, and its rows are written when it has ended.

    Args:
      study: what is done.
      config: its settings. Where they have an image folder that is off, it is the one named images beside
        `outdir`.
      outdir: a new or empty folder, or one in which this study was begun.
      say: prints a line of progress.
      command: the command that does the same again, for `config.json`.
      workers: processes on this machine that measure, at least 1; by default this one does.
      scheduler: the address of a running Dask cluster whose workers measure, as "tcp://10.0.0.5:8786".
    Returns:
      The rows, in the order in which their tasks are planned.
    Raises:
      InputError: the folder holds something else or is in use by another process, a row that is there was
        made with other settings, networks or versions, a task is not what was expected, or workers or
        scheduler are not.
      FaultError: the folder cannot be written, or the workers cannot be had or died again and again.
    """
    rows: dict[str, Row] = {}
    outdir = as_folder("--outdir", outdir)
    if isinstance(config, ImageSettings):
        if config.images is None:
            config = dataclasses.replace(config, images=str(outdir.parent / "images"))
        as_folder("images", config.images)
    settings = dataclasses.asdict(config)
    if workers is None and scheduler is None:
        own_device()  # where JAX finds none, no folder is made
    planned = _planned(study, config, rows)  # nor where a task is refused
    if not planned:
        raise InputError(f"settings: expected some that leave {study.name} something to measure, got none")
    _check_networks(study, config, planned)
    with start_workers(workers, scheduler, say) as each, StudyFolder(outdir, study.name) as folder:
        folder.try_config(settings, command)
        accept = functools.partial(folder.save_config, settings, command)
        doing = _Doing(StudyContext(study, config, uuid.uuid4().hex), folder, each, say, accept)
        while planned:
            found = doing.rows_of(group_tasks(planned))
            rows |= {task.name: found[task.name] for task in planned}
            kept = list(rows.values())
            folder.report(kept, study.tables(kept), study.figures(kept))
            planned = _planned(study, config, rows)
        accept()
        if others := len(folder.names_of_rows() - rows.keys()):
            say(f"{others} rows of other settings stay in {shown(folder.path)}; the table is without them")
    return list(rows.values())


def _check_networks(study: Study, config: Any, planned: Sequence[Task]) -> None:
    """Refuses a name that there is no network of, before any network is loaded or trained."""
    for name in dict.fromkeys(name for task in planned for name in task.networks):
        with named_by_its_setting(config, name):
            study.check_network(config, name)


def _planned(study: Study, config: Any, rows: Mapping[str, Row]) -> list[Task]:
    """The tasks that the rows there are, by name, leave to be done."""
    planned = [task for task in study.tasks(config, list(rows.values())) if task.name not in rows]
    if len({task.name for task in planned}) < len(planned):
        raise InputError(f"tasks: expected a name of its own for every task of {study.name}")
    return planned


@dataclass
class _Doing:
    """A study that is being done, and what is known of its networks: their digests by name.

    `accept` saves the settings, once all rows that are there are known to belong to them.
    """

    work: StudyContext
    folder: StudyFolder
    each: Executor
    say: Say
    accept: Callable[[], None]
    networks: dict[str, str] = field(default_factory=dict)

    def rows_of(self, groups: Sequence[Sequence[Task]]) -> dict[str, Row]:
        """The row of every task. All rows that are there are read before anything is measured."""
        self._know(groups)
        rows: dict[str, Row] = {}
        for group in groups:
            for task in group:
                if self.folder.row(task).exists():
                    rows[task.name] = read_row(self.folder.row(task), self._facts(task, group))
        if rows:
            self.say(f"{len(rows)} of {sum(map(len, groups))} rows are there")
        left = [group for group in groups if any(task.name not in rows for task in group)]
        if left:
            self.accept()
        parts = [Part(group[0].name, measure, (self.work, group, self._networks_of(group))) for group in left]
        for done, (number, measured) in enumerate(self.each(parts), start=1):
            seconds, group = 0.0, left[number]
            for task, one in zip(group, measured, strict=True):
                seconds += one.seconds
                if task.name not in rows:
                    rows[task.name] = self._write(task, group, one)
            many = f" and {len(group) - 1} more" if len(group) > 1 else ""
            self.say(f"{done} of {len(left)}: {group[0].name}{many}, {seconds:.1f} s")
        return rows

    def _know(self, groups: Sequence[Sequence[Task]]) -> None:
        """Finds out the digests of networks that are not known yet. Workers load or train one each."""
        named = dict.fromkeys(name for group in groups for task in group for name in task.networks)
        names = [name for name in named if name not in self.networks]
        for number, found in self.each([Part(f"network {n}", digest, (self.work, n)) for n in names]):
            (self.networks[names[number]],) = found

    def _networks_of(self, group: Sequence[Task]) -> dict[str, str]:
        return {name: self.networks[name] for task in group for name in task.networks}

    def _facts(self, task: Task, group: Sequence[Task]) -> dict[str, Any]:
        """What decides the measurements of a task."""
        return task_facts(self.work.study.name, task, group, self.networks)

    def _write(self, task: Task, group: Sequence[Task], one: TaskResult) -> Row:
        for name, sheet in one.sheets.items():
            self.folder.save_sheet(name, sheet)
        return write_row(
            self.folder.row(task), self._facts(task, group), one.figures, one.device, one.seconds
        )
