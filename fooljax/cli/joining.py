"""`--distributed`: a command that several processes do together, usually one on each machine."""

import argparse
import itertools
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TextIO

import jax

from fooljax.cli.command_line import Parser, is_count
from fooljax.environment import ask_for_determinism
from fooljax.errors import InputError, shown
from fooljax.processes import connect, is_writer, part, start_distributed

HELP = {
    "coordinator-address": (
        "HOST:PORT",
        "With --distributed: the host of process 0, and a port that is free there. (default: "
        "JAX_COORDINATOR_ADDRESS, or what the cluster says)",
    ),
    "num-processes": (
        "N",
        "With --distributed: how many processes there are. (default: JAX_NUM_PROCESSES, or what the cluster "
        "says)",
    ),
    "process-id": (
        "N",
        "With --distributed: which of the processes this one is, from 0. (default: JAX_PROCESS_ID, or what "
        "the cluster says)",
    ),
}

OF_CONNECTIONS = re.compile(
    "coordination_?service|JAX distributed service|GRPC error information|Error received from peer|"
    r"Check failure stack trace|^ +@ +0x",
    re.IGNORECASE,
)
"""Lines of JAX and its libraries on a process that cannot be reached any more, of which we tell in one."""


class Joined(NamedTuple):
    """What a command line says of other processes, taken apart from the rest.

    Attributes:
      rest: the flags that are left.
      again: the flags by which this process joins the others, as they were given; none if it is alone.
    """

    rest: list[str]
    again: list[str]

    def in_words(self) -> str:
        """What is said after a command that holds `again`: what the other processes need."""
        if "--process-id" not in self.again:
            return ""
        return " (likewise in the other processes, each with its own --process-id)"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds `--distributed` and what goes with it."""
    parser.add_argument(
        "--distributed",
        action="store_true",
        default=False,
        help="The same command runs on several machines, whose devices do one search together. SLURM, Open "
        "MPI and cloud TPUs say where the others are; elsewhere the next three flags do.",
    )
    for name, (word, text) in HELP.items():
        parser.add_argument(f"--{name}", metavar=word, default=None, help=text)


@contextmanager
def joined(argv: Sequence[str] | None) -> Iterator[Joined]:
    """Connects this process with the others, if the command line says so.

    Raises:
      InputError: a flag is not what was expected.
      FaultError: the others cannot be reached.
    """
    parser = Parser(add_help=False, allow_abbrev=False)
    add_flags(parser)
    found, rest = parser.parse_known_args(argv)
    values = {f"--{name}": getattr(found, name.replace("-", "_")) for name in HELP}
    given = {flag: value for flag, value in values.items() if value is not None}
    if given and not found.distributed:
        raise InputError(f"{next(iter(given))}: expected --distributed beside it, got none")
    if not found.distributed or {"-h", "--help"} & set(rest):
        yield Joined(rest, [])
        return
    address = found.coordinator_address
    count, index = (
        _number(flag, text)
        for flag, text in (("--num-processes", found.num_processes), ("--process-id", found.process_id))
    )
    if "--deterministic" in rest:
        ask_for_determinism()  # before there are devices
    _keep_streams()
    start_distributed(address, count, index)
    connect(address or os.environ.get("JAX_COORDINATOR_ADDRESS"))
    if not is_writer():
        logging.getLogger("fooljax").setLevel(logging.ERROR)
    yield Joined(rest, ["--distributed", *itertools.chain(*given.items())])
    part()
    jax.distributed.shutdown()


def _number(flag: str, text: str | None) -> int | None:
    if text is not None and not is_count(text):
        raise InputError(f"{flag}: expected a whole number, got {shown(text)}")
    return None if text is None else int(text)


def _keep_streams() -> None:
    """Keeps stdout and stderr for this command, where libraries below Python would tell of connections.

    What they print to stdout goes nowhere; what they print to stderr goes on, but for pages on a connection
    that was lost.
    """
    try:
        kept = [os.dup(stream.fileno()) for stream in (sys.stdout, sys.stderr)]
    except (AttributeError, OSError, ValueError):  # there are none, or a test takes them down
        return
    sys.stdout.flush()
    sys.stderr.flush()
    below, above = os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno()
    os.dup2(below, sys.stdout.fileno())
    os.close(below)
    source, below = os.pipe()
    os.dup2(below, above)
    os.close(below)
    sys.stdout = _stream(kept[0], sys.stdout)
    sys.stderr = _stream(kept[1], sys.stderr)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)
    threading.Thread(target=_pass_on, args=(source, sys.stderr), daemon=True).start()


def _stream(number: int, like: TextIO) -> TextIO:
    return os.fdopen(number, "w", buffering=1, encoding=like.encoding, errors=like.errors)


def _pass_on(source: int, stream: TextIO) -> None:
    with os.fdopen(source, encoding="utf-8", errors="backslashreplace") as lines:
        for line in lines:
            if not OF_CONNECTIONS.search(line):
                stream.write(line)
