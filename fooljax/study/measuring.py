"""The parts of a study, as any process does them: to find out what a network is, and to measure."""

import functools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fooljax.engine.placement import device_in_words, is_cpu, place_of
from fooljax.engine.types import Target
from fooljax.environment import cpu_threads
from fooljax.errors import InputError, shown
from fooljax.study.parts import PartContext
from fooljax.study.study import Study, Workspace
from fooljax.study.task import Task


class StudyContext(NamedTuple):
    """What a process needs to do parts of a study.

    Attributes:
      study: the study.
      config: its settings.
      token: tells this call of `run` from all others.
    """

    study: Study
    config: Any
    token: str


class TaskResult(NamedTuple):
    """What the measurement of one task gave.

    Attributes:
      figures: JSON-ready.
      sheets: the PNG files that were saved since the measurements before, by the names of their tasks.
      device: where it was measured.
      seconds: that it took, after the task before it in its group. What a group does once, such as compiling
        its program, is in the seconds of its first task.
    """

    figures: dict[str, Any]
    sheets: dict[str, bytes]
    device: str
    seconds: float


def digest(here: PartContext, work: StudyContext, name: str) -> Iterator[str]:
    """Gives the digest of a network; its only result."""
    yield _workspace(here, work).digest(name)


def measure(
    here: PartContext, work: StudyContext, tasks: Sequence[Task], networks: Mapping[str, str]
) -> Iterator[TaskResult]:
    """Measures the tasks of a group; gives what came of each, in order.

    Args:
      here: what a part is given.
      work: the study.
      tasks: of one group.
      networks: by name, the digest that each network must have.
    Raises:
      InputError: a network is another one here, or measurements are not what JSON can hold.
    """
    workspace = _workspace(here, work)
    for name, expected in networks.items():
        if (found := workspace.digest(name)) != expected:
            raise InputError(
                f"network {shown(name)}: expected {expected[:12]} on every worker, found {found[:12]}; "
                "machines of different kinds train different networks"
            )
    device = _device()
    begun = time.perf_counter()
    for task, figures in zip(tasks, work.study.measure(workspace, tasks), strict=True):
        seconds = time.perf_counter() - begun
        sheets = dict(workspace.sheets)
        workspace.sheets.clear()
        yield TaskResult(_json_ready(task, figures), sheets, device, seconds)
        begun = time.perf_counter()


def _device() -> str:
    """Where this process measures, as "cpu: cpu, 2 threads". XLA splits long sums by their number."""
    place = place_of(())
    count = cpu_threads()
    threads = f", {count} thread{'s' if count > 1 else ''}" if is_cpu(place) else ""
    return f"{device_in_words(place)}{threads}"


def _workspace(here: PartContext, work: StudyContext) -> Workspace:
    return Workspace(work.study, work.config, here.say, _networks(work.token))


@functools.lru_cache(maxsize=1)
def _networks(token: str) -> dict[str, tuple[Target, str]]:
    """The networks that this process has loaded for a call of `run`; those of the call before are let go."""
    del token
    return {}


def _json_ready(task: Task, figures: Mapping[str, Any]) -> dict[str, Any]:
    """The measurements as they will stand in the row, where a tuple is a list."""
    try:
        ready: dict[str, Any] = json.loads(json.dumps(dict(figures), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{task.name}: expected measurements that JSON can hold, got {shown(error)}"
        ) from error
    return ready
