"""Who does the parts of a work: this process, further ones on this machine, or a running Dask cluster."""

import contextlib
from collections.abc import Iterator

from fooljax.errors import FaultError, InputError, shown
from fooljax.study.parts import Executor, Say, serial_executor

MOST_WORKERS = 1024
"""Processes on one machine; more are a slip of the keyboard."""
PACKAGES = "expected the packages of the extra cluster, as by pip install 'fooljax[cluster]'"


@contextlib.contextmanager
def start_workers(workers: int | None, scheduler: str | None, say: Say) -> Iterator[Executor]:
    """Starts what does the parts of a work, for the time of a `with` block.

    Args:
      workers: processes that are begun on this machine and end with the block. Each has one thread, and one
        GPU where there are any.
      scheduler: the address of a running Dask cluster, as "tcp://10.0.0.5:8786".
      say: prints a line.
    Yields:
      The executor: this process where neither is given.
    Raises:
      InputError: both are given, one of them is not what was expected, or a worker has other versions of what
        decides random numbers.
      FaultError: a package is missing, nobody listens at the address, the connection was lost, or several
        workers died with one part.
    """
    if workers is not None and scheduler is not None:
        raise InputError("workers: not together with scheduler, whose cluster has workers of its own")
    if workers is not None and not (isinstance(workers, int) and 1 <= workers <= MOST_WORKERS):
        raise InputError(f"workers: expected a whole number from 1 to {MOST_WORKERS}, got {shown(workers)}")
    if workers is None and scheduler is None:
        yield serial_executor(say)
        return
    try:
        from fooljax.study.dask_workers import connected, local
    except ImportError as error:
        flag = "workers" if scheduler is None else "scheduler"
        raise FaultError(f"{flag}: {PACKAGES}; {shown(error)}") from error
    with local(workers, say) if workers is not None else connected(str(scheduler), say) as each:
        yield each
