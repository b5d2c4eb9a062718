"""How a command meets Ctrl-C and what is missing while it loads. It imports nothing that takes time."""

import importlib.util
import os
import signal
import sys
from types import FrameType, TracebackType

from fooljax.errors import FaultError


def _in_one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tells in a line what ends a command before it has begun: Ctrl-C, or what it lacks."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    elif isinstance(error, FaultError):
        print(f"error: {error}", file=sys.stderr)
    elif isinstance(error, ModuleNotFoundError) and (package := _missing(error)):
        print(
            f"error: the package {package} is missing; `pip install .` in the clone installs what is needed",
            file=sys.stderr,
        )
    else:
        sys.__excepthook__(kind, error, trace)


def _missing(error: ModuleNotFoundError) -> str | None:
    """The package that is not installed; None where it is, or where it is one of the clone's own."""
    package = (error.name or "").partition(".")[0]
    ours = package in ("", "benchmarks", "experiments", "fooljax")
    return None if ours or importlib.util.find_spec(package) else package


def stopped_while_loading(number: int, frame: FrameType | None) -> None:
    """Ctrl-C before a command has begun: an exception would break off the loading of some library halfway."""
    del frame
    print("interrupted", file=sys.stderr, flush=True)
    os._exit(128 + number)


def begin() -> None:
    """For the time that a command loads; a program that imports this is let alone."""
    sys.excepthook = _in_one_line
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stopped_while_loading)
