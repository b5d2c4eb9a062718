"""`--distributed`: a command that several processes do together, usually one on each machine."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import jax

from fooljax.cli.command_line import Parser
from fooljax.engine.placement import ask_for_determinism
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


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds `--distributed` and what goes with it."""
    parser.add_argument(
        "--distributed",
        action="store_true",
        default=False,
        help="The same command runs on several machines, and they do one search together. SLURM, Open MPI "
        "and cloud TPUs say where the others are; elsewhere the next three flags do.",
    )
    for name, (word, text) in HELP.items():
        parser.add_argument(f"--{name}", metavar=word, default=None, help=text)


@contextmanager
def joined(argv: Sequence[str] | None) -> Iterator[list[str]]:
    """Connects this process with the others, if the command line says so; gives the flags that are left.

    Raises:
      InputError: a flag is not what was expected.
      FaultError: the others cannot be reached.
    """
    parser = Parser(add_help=False, allow_abbrev=False)
    add_flags(parser)
    found, rest = parser.parse_known_args(argv)
    given = [f"--{name}" for name in HELP if getattr(found, name.replace("-", "_")) is not None]
    if given and not found.distributed:
        raise InputError(f"{given[0]}: expected --distributed beside it, got none")
    if not found.distributed or {"-h", "--help"} & set(rest):
        yield rest
        return
    if "--deterministic" in rest:
        ask_for_determinism()  # before there are devices
    _keep_stdout()
    address = found.coordinator_address
    start_distributed(
        address, _number("--num-processes", found.num_processes), _number("--process-id", found.process_id)
    )
    connect(address or os.environ.get("JAX_COORDINATOR_ADDRESS"))
    if not is_writer():
        logging.getLogger("fooljax").setLevel(logging.ERROR)
    yield rest
    part()
    jax.distributed.shutdown()


def _number(flag: str, text: str | None) -> int | None:
    if text is not None and not (text.isdecimal() and text.isascii() and len(text) < 10):
        raise InputError(f"{flag}: expected a whole number, got {shown(text)}")
    return None if text is None else int(text)


def _keep_stdout() -> None:
    """Sends what libraries below Python print to stdout nowhere: one of them tells every connection."""
    try:
        kept = os.dup(sys.stdout.fileno())
    except (AttributeError, OSError, ValueError):  # there is none, or a test takes it down
        return
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    sys.stdout = os.fdopen(kept, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
