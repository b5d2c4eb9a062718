"""Waiting for other processes in the midst of JAX: what is waited for is told, and there is an end to it."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SILENCE = 20.0
"""Seconds after which it is told what is waited for."""


@contextmanager
def patience(awaited: str, in_vain: str, seconds: float) -> Iterator[None]:
    """Inside, JAX may wait for others, and cannot be interrupted. The program ends where it takes too long.

    Args:
      awaited: what is waited for, which is told after a while.
      in_vain: what the user is told where it did not come.
      seconds: within which it must come.
    """
    timers = [
        threading.Timer(SILENCE, _tell, (f"note: waiting for {awaited}",)),
        threading.Timer(seconds, _give_up, (f"error: {in_vain} within {seconds:g} s",)),
    ]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _give_up(line: str) -> None:
    _tell(line)
    os._exit(1)
