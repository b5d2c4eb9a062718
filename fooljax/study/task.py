"""A task is one unit of a study's work. It gives one row, and a digest says what that row was made by."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fooljax import __version__
from fooljax.errors import InputError, shown
from fooljax.identity import random_source

Row = dict[str, Any]
"""What a task gave: JSON-ready measurements by name, beside the task's own settings."""
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_,.=+-]{0,199}")
OWN = ("task", "digest", "sha256", "networks", "together", "versions", "device", "wall_seconds")
"""Entries that rows have of themselves, which are therefore no names of settings or of measurements."""


@dataclass(frozen=True)
class Task:
    """One unit of work.

    Attributes:
      name: of the row's file; no two tasks of a study share it. Letters, digits and `_,.=+-`.
      settings: all that the measurement is given. JSON-ready. It can see nothing else, so nothing else can
        change a row without changing its digest.
      networks: the networks that are asked, by the names that the study's `network` knows.
      together: tasks with the same text here are measured in one call, for example as runs side by side in
        one program. A task with an empty text is measured alone.

    Raises:
      InputError: the name is not safe in a path, or the settings are not JSON-ready.
    """

    name: str
    settings: Mapping[str, Any]
    networks: tuple[str, ...] = ()
    together: str = ""

    def __post_init__(self) -> None:
        if not SAFE_NAME.fullmatch(self.name):
            raise InputError(f"name: expected letters, digits and _,.=+- for a task, got {shown(self.name)}")
        if taken := sorted(set(OWN) & set(self.settings)):
            raise InputError(f"settings: expected none of {', '.join(OWN)}, got {taken[0]}")
        try:
            # As the settings stand in the row, where a tuple is a list.
            whole = json.loads(json.dumps(dict(self.settings), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise InputError(f"settings: expected what JSON can hold, got {shown(error)}") from error
        object.__setattr__(self, "settings", whole)


def group_tasks(tasks: Iterable[Task]) -> list[list[Task]]:
    """The tasks that are measured in one call, in the order in which they are planned."""
    groups: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        groups.setdefault((task.together, "" if task.together else task.name), []).append(task)
    return list(groups.values())


def task_facts(study: str, task: Task, group: Sequence[Task], networks: Mapping[str, str]) -> dict[str, Any]:
    """All that decides the measurements of a task, JSON-ready.

    Args:
      study: its name.
      task: the task.
      group: all tasks that are measured in one call with it, itself among them. A search goes on until the
        last of its runs has ended, so the company changes the measurements.
      networks: by name, the digest of each network.
    """
    return {
        "study": study,
        "task": task.name,
        "settings": task.settings,
        "networks": {name: networks[name] for name in task.networks},
        "together": [one.name for one in group],
        "versions": random_versions(),
    }


def digest_of(facts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of JSON-ready facts, whatever their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, allow_nan=False).encode()).hexdigest()


def random_versions() -> dict[str, Any]:
    """The versions and the settings that two machines must share for one seed to mean one run."""
    found: dict[str, Any] = {"fooljax": __version__}
    for name in ("jax", "evosax"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return {**found, **random_source()}
