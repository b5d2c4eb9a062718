"""What the processes of one search decide together. In a process that is alone it costs nothing.

All processes run the same program. Process 0, the writer, has the folder of the run; the others write nothing
and say nothing. Each function here that asks the others must be called by all, in the same order.
"""

import atexit
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import jax

from fooljax.engine.placement import this_process
from fooljax.errors import FaultError, InputError, first_line, shown
from fooljax.processes.link import Link, Lost
from fooljax.processes.opening import open_link
from fooljax.processes.waiting import patience

Value = TypeVar("Value")
DEVICES_WAITING = 90
"""Seconds within which each process must have found its devices; JAX itself would wait for minutes."""
_links: list[Link] = []
"""The link to the other processes, if this process is not alone."""


def connect(coordinator: str | None = None) -> None:
    """Opens the line to the other processes that JAX has connected, if there are any.

    Args:
      coordinator: HOST:PORT of JAX's coordinator, where it is known.
    Raises:
      FaultError: they cannot reach each other.
    """
    if _links or not jax.distributed.is_initialized():
        return
    index, count = _own_index()
    if count > 1:
        _links.append(open_link(index, count, coordinator))


def _own_index() -> tuple[int, int]:
    """See `this_process`. JAX then looks for devices, and waits for those of the others."""
    awaited, in_vain = "the devices of the other processes", "not all processes found their devices"
    try:
        with patience(awaited, in_vain, DEVICES_WAITING):
            return this_process()
    except Exception:
        # At the end of the program JAX would wait for the others, and they wait for devices of this process.
        atexit.register(_end_at_once, 1)
        raise


def part() -> None:
    """Waits until all processes have done their part, and closes the line."""
    if _links:
        gathered("end", None)
        _links.pop().close()


@contextmanager
def together() -> Iterator[None]:
    """Inside, the processes that JAX has connected work as one: an error in one of them is raised in all."""
    if _links:  # inside another one
        yield
        return
    connect()
    try:
        yield
        part()
    except BaseException as error:
        reason = reason_of(error)
        status = 2 if isinstance(reason, InputError) else 1
        # The caller may go on after an error, but not without a process.
        ended(status, str(reason) or first_line(reason), for_good=isinstance(reason, Lost))
        _links.clear()
        if reason is error:
            raise
        raise reason from error


def is_writer() -> bool:
    """Whether this process has the run's folder, and speaks to the user."""
    return not _links or _links[0].index == 0


def is_alone() -> bool:
    """Whether there are no other processes."""
    return not _links


def gathered(step: str, value: Any) -> list[Any]:
    """The values of all processes, in their order.

    Args:
      step: what this is about: all processes must be at the same.
      value: as JSON has it.
    Raises:
      InputError: another process is at another step.
      InputError, FaultError: another process ended with this error, or is gone.
    """
    if not _links:
        return [value]
    found = [json.loads(one) for one in _links[0].exchange(json.dumps([step, value]).encode())]
    for index, (other, _) in enumerate(found):
        if other != found[0][0]:
            raise InputError(
                f"process {index} is at the step {other!r}, process 0 at {found[0][0]!r}; expected the same "
                "command on all processes"
            )
    return [one for _, one in found]


def agree(step: str, facts: Mapping[str, Any]) -> None:
    """Makes sure that all processes have the same facts.

    Raises:
      InputError: they differ in one of them.
    """
    found = gathered(step, dict(facts))
    for index, other in enumerate(found):
        for name in sorted({*found[0], *other}):
            ours, theirs = (shown(each.get(name, "none"), 60) for each in (found[0], other))
            if ours != theirs:
                raise InputError(
                    f"{name}: expected the same on all processes, got {ours} on process 0 and {theirs} on "
                    f"process {index}"
                )


def any_of(step: str, flag: bool) -> bool:
    """Whether the flag is set in any process."""
    return any(gathered(step, bool(flag)))


def from_writer(step: str, make: Callable[[], Any]) -> Any:
    """In all processes what `make()` gives in the writer, as JSON has it; the others do not call it."""
    if not _links:
        return make()
    return gathered(step, make() if is_writer() else None)[0]


def after_writer(step: str, make: Callable[[], Value]) -> Value:
    """`make()` in each process: in the writer first, so that the others find what it leaves in a cache."""
    value = make() if is_writer() else None
    gathered(step, None)
    return value if value is not None else make()


@contextmanager
def file_of_writer(step: str, path: Path | None) -> Iterator[Path | None]:
    """A file of the writer's as a file that every process can read; None where the writer has none.

    Args:
      step: see `gathered`.
      path: of the file; it matters in the writer alone.
    """
    if not _links:
        yield path
        return
    content = path.read_bytes() if path is not None and is_writer() else None
    is_there = gathered(step, content is not None)[0]
    if not is_there:
        yield None
        return
    sent = _links[0].exchange(content or b"")[0]
    if is_writer():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="fooljax-") as folder:
        copy = Path(folder) / "of-process-0.npz"
        copy.write_bytes(sent)
        yield copy


def reason_of(error: BaseException) -> BaseException:
    """The error, or how another process ended, if an operation between devices failed because of that."""
    if not _links or isinstance(error, InputError | FaultError) or not isinstance(error, Exception):
        return error
    return _links[0].failure(2.0) or error


def ended(status: int, message: str, for_good: bool = True) -> bool:
    """Ends what the other processes do, because this one has met an error.

    Args:
      status: the exit status.
      message: what the user is told.
      for_good: whether the program ends too.
    Returns:
      Whether it is this process that must tell it.
    """
    if not _links:
        return True
    if for_good:
        atexit.register(_end_at_once, status)
    return _links[0].fail(status, message)


def _end_at_once(status: int) -> None:
    """Ends a program without JAX, which would wait for processes that are gone, and then abort this one."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(status)
