"""What a command prints while it runs, and how signals stop it."""

import errno
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np
import rich.console
import rich.progress

from fooljax.engine.log_odds import format_confidence
from fooljax.engine.placement import Devices
from fooljax.errors import printable
from fooljax.evolution import CHECKPOINT_SECONDS, Progress

PLAIN_SECONDS = 5.0
"""Between progress lines where the output is not a terminal."""
COMPILING_CHUNKS = 3
"""So many chunks at the beginning are not timed for the estimate of what is left: they compile programs."""


HANGUP: int | None = getattr(signal, "SIGHUP", None)
"""The signal of a terminal that has closed; Windows has none."""
STOPPING = (signal.SIGINT, signal.SIGTERM, *(() if HANGUP is None else (HANGUP,)))
"""The signals that stop a command."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP: between chunks of a search they only ask it to stop; elsewhere they raise.

    A SIGHUP that is ignored, as by `nohup`, stays so.
    """

    def __init__(self, numbers: Sequence[int] = STOPPING) -> None:
        self._numbers = numbers
        self.received = 0
        self.deferred = False
        self._previous: dict[int, Any] = {}
        self._hook: Any = sys.unraisablehook

    def __enter__(self) -> "Signals":
        for number in self._numbers:
            if number == HANGUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._previous[number] = signal.signal(number, self._handle)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._raise_again
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._hook

    def _raise_again(self, lost: Any) -> None:
        """Raises a signal once more that came where Python drops exceptions, as while it frees an object."""
        if isinstance(lost.exc_value, Interrupted):
            threading.Timer(0.05, signal.raise_signal, (lost.exc_value.signal_number,)).start()
        else:
            self._hook(lost)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == HANGUP:
            # Shell and system both send it when a terminal closes; the second would break off the saving.
            signal.signal(number, signal.SIG_IGN)
            _silence_what_hung_up()
        if self.deferred and not self.received:
            self.received = number
            return
        raise Interrupted(number, "interrupted")

    @contextmanager
    def defer(self) -> Iterator[None]:
        """Inside, the first signal is only noted (in `received`)."""
        self.deferred = True
        try:
            yield
        finally:
            self.deferred = False


class _Console(rich.console.Console):
    """A console that falls silent where whoever read along has gone, as in `... | head -1`."""

    def on_broken_pipe(self) -> None:
        """The work goes on; Rich would end it."""
        self.quiet = True
        silence_stdout()


class Terminal:
    """What is said while an experiment runs, and how long its stages took."""

    def __init__(self, quiet: bool = False) -> None:
        self.console: rich.console.Console = _Console(quiet=quiet, highlight=False, soft_wrap=True)
        self.seconds: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Prints a line, flushed, without markup, and without anything that a terminal would obey."""
        try:
            self.console.print(printable(text), markup=False)
            self.console.file.flush()
        except BrokenPipeError:
            self.console.on_broken_pipe()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the wall time spent inside to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


@dataclass(frozen=True)
class Host:
    """Where an experiment runs; but for the last digits, none of it changes the result.

    Attributes:
      terminal: what is said, and to whom.
      signals: those that ask it to stop.
      checkpoint_seconds: at least so long between checkpoints.
      devices: those that share the work of a search, see `fooljax.evolution.search`; None for one alone.
      on_chunk: called with the progress of a search after each chunk of generations.
      stop: called before each chunk of a search; True ends it there.
    """

    terminal: Terminal = field(default_factory=lambda: Terminal(quiet=True))
    signals: Signals = field(default_factory=Signals)
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    devices: Devices | None = None
    on_chunk: Callable[[Progress], None] | None = None
    stop: Callable[[], bool] | None = None


@contextmanager
def progress_lines(terminal: Terminal) -> Iterator[Callable[[Progress], None]]:
    """Yields an `on_chunk` for `fooljax.evolution.search`: a live bar, or plain lines."""
    begun = last = time.perf_counter()
    first: int | None = None
    timed = chunks = 0
    live = terminal.console.is_terminal and not terminal.console.quiet
    bar = rich.progress.Progress(
        rich.progress.TextColumn("generation"),
        rich.progress.MofNCompleteColumn(),
        rich.progress.BarColumn(bar_width=16),
        rich.progress.TextColumn("{task.description}"),
        rich.progress.TimeRemainingColumn(),
        console=terminal.console,
        disable=not live,
    )
    task = bar.add_task("compiling", total=None)

    def on_chunk(progress: Progress) -> None:
        nonlocal last, first, begun, timed, chunks
        now = time.perf_counter()
        chunks += 1
        if first is None:
            first = progress.generation
        if chunks <= COMPILING_CHUNKS:
            timed, begun = progress.generation, now
        middle, least = _median_and_least(progress)
        text = f"median {middle}  lowest {least}"
        if progress.evaluations_per_second:  # none was measured where the search has only begun or is resumed
            text += f"  {progress.evaluations_per_second:,.0f} evaluations/s"
        bar.update(task, completed=progress.generation, total=progress.generations, description=text)
        ended = progress.generation >= progress.generations
        if not live and (now - last >= PLAIN_SECONDS or progress.generation == first or ended):
            last = now
            done = progress.generation - timed
            left = (now - begun) / done * (progress.generations - progress.generation) if done else math.nan
            terminal.say(
                f"generation {progress.generation:,}/{progress.generations:,}  {text}"
                + ("" if math.isnan(left) else f"  {left:.0f} s left")
            )

    with bar:
        yield on_chunk


def _median_and_least(progress: Progress) -> tuple[str, str]:
    """The median over cells, then runs, and the least: as confidences, or as values of another objective."""
    metrics = progress.metrics
    if "median_log_odds" in metrics:
        middle, least = metrics["median_log_odds"], metrics["min_log_odds"]
        return format_confidence(np.median(middle[:, -1])), format_confidence(np.min(least[:, -1]))
    middle, least = metrics["median_fitness"], metrics["min_fitness"]
    return f"{np.median(middle[:, -1]):.4g}", f"{np.min(least[:, -1]):.4g}"


class Interrupted(BaseException):
    """The user or the system asked this process to end (SIGINT, SIGTERM, SIGHUP).

    No `Exception`, so that nothing that copes with errors takes it for one.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number


@contextmanager
def again_after_interruption() -> Iterator[None]:
    """Inside, a signal that ends the command also tells that the same command goes on with it."""
    try:
        yield
    except Interrupted as stopped:
        said = f"{stopped}; give the same command again to go on"
        raise Interrupted(stopped.signal_number, said) from stopped


def silence_stdout() -> None:
    """Sends what is still to be printed nowhere: whoever read it has gone."""
    _silence(sys.stdout.fileno())


def _silence_what_hung_up() -> None:
    """Sends what is still to be printed nowhere, where its terminal has gone: printing would fail."""
    for stream in (1, 2):
        try:
            os.get_terminal_size(stream)
        except OSError as error:
            if error.errno in (errno.EIO, errno.ENXIO):
                _silence(stream)


def _silence(stream: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream)
    os.close(null)
