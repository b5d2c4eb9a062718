"""One run of a sweep: a process, since compiled programs would pile up in one that did them all."""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from fooljax.errors import InputError, shown
from fooljax.runs.folder import is_finished
from fooljax.storage.locks import LOCK
from fooljax.study.parts import PartContext
from fooljax.terminal import Interrupted

POLL_SECONDS = 0.5
MOST_SAID = 100_000
"""Bytes of notes and errors of a run that are passed on."""


class SweptRun(NamedTuple):
    """What a process is told that does a run of a sweep.

    Attributes:
      title: of the run, for the user.
      words: after `python -m`.
      folder: of the run, which lies in that of the sweep.
      where: the folder that its relative paths start from.
    """

    title: str
    words: tuple[str, ...]
    folder: str
    where: str


def do(here: PartContext, run: SweptRun) -> Iterator[int]:
    """Begins the run or goes on with it, unless it has ended; gives its exit status.

    Raises:
      InputError: the folder of the sweep is not seen here.
      Interrupted: a signal came; the run was told, and had the time to save.
    """
    folder = Path(run.where) / run.folder
    if not (folder.parent / LOCK).exists():
        raise InputError(
            f"--outdir: expected a folder that all workers see, found none at {shown(folder.parent)}"
        )
    if is_finished(folder):
        return
    here.say(run.title)
    flag = "--resume" if (folder / "config.json").exists() else "--outdir"
    command = [sys.executable, "-m", "fooljax.cli.tended", *run.words, flag, run.folder, "--quiet"]
    if threading.current_thread() is threading.main_thread():
        yield run_to_its_end(command, run.where, here.wanted)
    else:  # a worker, whose terminal may be far away
        with tempfile.TemporaryFile() as said:
            yield run_to_its_end(command, run.where, here.wanted, said)
            said.seek(0)
            for line in said.read(MOST_SAID).decode(errors="replace").splitlines():
                here.say(line)


def run_to_its_end(
    command: Sequence[str], where: str, wanted: Callable[[], bool], said: IO[bytes] | None = None
) -> int:
    """Runs a command and waits for its end. A signal that raises `Interrupted` meanwhile is passed on to it.

    Args:
      command: of a program that ends when its input does.
      where: the folder in which it runs.
      wanted: gives False once it is to be told to end.
      said: the file that takes what it writes to stderr; by default that of this process.
    Returns:
      Its exit status.
    Raises:
      Interrupted: a signal came. Only a main thread takes signals.
    """
    with subprocess.Popen(command, cwd=where, stdin=subprocess.PIPE, stderr=said) as process:
        try:
            while wanted():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL_SECONDS)
            process.terminate()
            return process.wait()
        except Interrupted as stopped:
            process.send_signal(stopped.signal_number)
            process.wait()
            raise
