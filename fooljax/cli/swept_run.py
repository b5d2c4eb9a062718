"""One run of a sweep: a process, since compiled programs would pile up in one that did them all."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fooljax.errors import InputError, shown
from fooljax.runs.folder import is_finished
from fooljax.storage.locks import LOCK
from fooljax.study.parts import Here
from fooljax.terminal import Interrupted, Signals

POLL_SECONDS = 0.5


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


def do(here: Here, run: SweptRun) -> Iterator[int]:
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
    yield run_to_its_end(command, run.where, here.wanted)


def run_to_its_end(command: Sequence[str], where: str, wanted: Callable[[], bool]) -> int:
    """Runs a command; a signal is passed on to it, and it is waited for.

    Args:
      command: of a program that ends when its input does.
      where: the folder in which it runs.
      wanted: gives False once it is to be told to end.
    Returns:
      Its exit status.
    Raises:
      Interrupted: a signal came.
    """
    # Only a main thread can take signals; in a worker it is Dask's, and the end comes by `wanted`.
    is_main = threading.current_thread() is threading.main_thread()
    with Signals() if is_main else contextlib.nullcontext():
        process = subprocess.Popen(command, cwd=where, stdin=subprocess.PIPE)
        assert process.stdin is not None
        with process.stdin:
            try:
                while wanted():
                    if (status := _waited(process)) is not None:
                        return status
                process.terminate()
                return process.wait()
            except Interrupted as stopped:
                process.send_signal(stopped.signal_number)
                process.wait()
                raise


def _waited(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
