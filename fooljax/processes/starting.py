"""How a process is connected with the others of one search, usually one on each machine."""

import os
import re
from contextlib import suppress

import jax

from fooljax.errors import FaultError, InputError, first_line, shown
from fooljax.processes.link import listening
from fooljax.processes.waiting import patience

ADDRESS, COUNT, INDEX = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
"""Variables of the environment that are asked where the arguments do not say it."""
MOST_PORT = 65535
WAITING = 300
"""Seconds within which all processes must have come."""


def start_distributed(
    coordinator_address: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Connects this process with the others that do the same search; call it before anything else of JAX.

    It is `jax.distributed.initialize`, which may be called instead, and also asks `JAX_NUM_PROCESSES` and
    `JAX_PROCESS_ID`. What neither arguments nor variables say, JAX takes from SLURM, Open MPI, Kubernetes or
    a cloud TPU. Where JAX is connected already, nothing is done.

    Args:
      coordinator_address: HOST:PORT of process 0, with a port that is free there; as
        `JAX_COORDINATOR_ADDRESS`.
      num_processes: how many processes there are.
      process_id: which one this is, from 0 to `num_processes - 1`.
    Raises:
      InputError: one of them is not what was expected, or is neither given nor found.
      FaultError: the port is taken. If the others do not come within five minutes, the program ends.
    """
    if jax.distributed.is_initialized():
        return
    address = coordinator_address or os.environ.get(ADDRESS)
    port = re.fullmatch(r"\S+:([0-9]{1,5})", address if isinstance(address, str) else "")
    if address is not None and not (port and int(port[1]) <= MOST_PORT):
        where = "coordinator_address" if coordinator_address else ADDRESS
        raise InputError(f"{where}: expected HOST:PORT, with a port up to {MOST_PORT}, got {shown(address)}")
    count = _number("num_processes", num_processes, COUNT, 1)
    index = _number("process_id", process_id, INDEX, 0)
    if count is not None and index is not None and index >= count:
        raise InputError(f"process_id: expected 0 to {count - 1}, for {count} processes, got {index}")
    known = None not in (address, count, index)
    if address is not None and index == 0:
        _check_free(address)
    with suppress(AttributeError):  # a later JAX may have no such service
        # Where a process is gone it prints pages. A search is saved and ended by signals.
        jax.config.update("jax_enable_preemption_service", False)
    try:
        # JAX would end the program with a page of its own words.
        with patience(*_awaited(address, count, index), WAITING):
            jax.distributed.initialize(
                address,
                count,
                index,
                cluster_detection_method="deactivate" if known else None,
                initialization_timeout=WAITING + 60,
            )
    except ValueError as error:
        raise InputError(
            f"coordinator_address, num_processes, process_id: expected all three, as arguments or as "
            f"{ADDRESS}, {COUNT} and {INDEX}, or from SLURM, Open MPI or a cloud TPU ({first_line(error)})"
        ) from error
    except Exception as error:
        raise FaultError(f"the processes cannot be connected: {first_line(error)}") from error


def _check_free(address: str) -> None:
    """Makes sure that JAX can listen for the others here: it does not cope with a port that is taken."""
    port = int(address.rpartition(":")[2])
    try:
        listening(port).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FaultError(f"coordinator_address: process 0 cannot listen at port {port}: {reason}") from error


def _awaited(address: str | None, count: int | None, index: int | None) -> tuple[str, str]:
    """What a process waits for, and what is told where it waits in vain."""
    all_ = "all processes" if count is None else f"all {count} processes"
    each = "" if count is None else f", of which each has another number from 0 to {count - 1}"
    where = "" if address is None else f" at {shown(address)}"
    whom = f"not {all_} came" if index == 0 else f"process 0{where} does not answer, or not {all_} came"
    return f"{all_}{where}{each}", whom


def _number(name: str, given: int | None, variable: str, least: int) -> int | None:
    """An argument, or else the variable; None where neither is there."""
    said: object = os.environ.get(variable) if given is None else given
    if said is None:
        return None
    if isinstance(said, str) and re.fullmatch(r"[0-9]{1,9}", said):
        said = int(said)
    if not isinstance(said, int) or isinstance(said, bool) or said < least:
        where = variable if given is None else name
        raise InputError(f"{where}: expected a whole number, {least} or more, got {shown(repr(said))}")
    return said
