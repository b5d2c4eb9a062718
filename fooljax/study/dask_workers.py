"""Dask's workers: the only file that imports Dask.

Dask brings each part to a worker that is free, and to another one where a worker dies with it. It pickles
what it sends in both directions, so whoever can connect to a cluster can run programs on it. To the processes
that are begun here nobody else can connect. The addresses of other clusters come from the user alone.
"""

import asyncio
import contextlib
import logging
import pickle
import queue
import re
import signal
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker
from typing import Any

import cryptography as _  # noqa: F401  distributed needs it for keys
import dask
import distributed
import distributed.comm.core

from fooljax.environment import graphics_cards
from fooljax.errors import FaultError, InputError, first_line, shown
from fooljax.identity import GENERATOR, USUAL_GENERATOR
from fooljax.own_settings import with_own_settings
from fooljax.runs.evolution_run import keep_compiled_programs
from fooljax.study.parts import Executor, Part, PartContext, Say
from fooljax.study.task import random_versions

ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
CONNECT_SECONDS = 10.0
POLL_SECONDS = 2.0
"""After so long it is asked again how many workers there are."""
SETTINGS = {
    "distributed.scheduler.allowed-failures": 3,
    # No web pages of theirs, which anybody on this machine could read.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical",
    # Dask's own value sends memory back to the system so often that a search takes half as long again.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}
"""Of the workers of this machine."""
ONE_THREAD = {"PJRT_NPROC": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of a process in which XLA and the libraries beneath NumPy compute in one thread."""


@contextlib.contextmanager
def local(workers: int, say: Say) -> Iterator[Executor]:
    """Processes on this machine, for the time of a `with` block.

    Args:
      workers: how many.
      say: prints a line.
    Yields:
      What does parts.
    Raises:
      FaultError: they cannot be started.
    """
    security = distributed.Security.temporary()
    place = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    place |= {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    options, cards = {**place, "nthreads": 1, "memory_limit": None}, graphics_cards()
    with _silence(), dask.config.set(SETTINGS), contextlib.ExitStack() as stack:
        try:
            with _deaf_to_ctrl_c():
                cluster = distributed.SpecCluster(
                    scheduler={"cls": distributed.Scheduler, "options": {**place, "port": 0}},
                    workers={
                        number: {
                            "cls": distributed.Nanny,
                            "options": {**options, "env": environment(number, workers, cards)},
                        }
                        for number in range(workers)
                    },
                    security=security,
                    silence_logs=logging.CRITICAL,
                )
            stack.enter_context(cluster)
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
        except (OSError, RuntimeError) as error:
            hint = 'a script needs the line if __name__ == "__main__":'
            raise FaultError(f"workers: cannot be started ({first_line(error)}); {hint}") from error
        yield _Workers(client, "workers", say)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Threads and processes that are begun inside never hear Ctrl-C: it is for this process, which ends them.

    What is begun has those signals blocked that were blocked where it was begun, and hands that on.
    """
    resource_tracker.ensure_running()  # beginning it later, as the first process would, unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment(number: int, workers: int, cards: Sequence[str]) -> dict[str, str]:
    """What a worker of this machine finds in its environment: one thread, and a GPU where there are any.

    Args:
      number: of the worker, from 0.
      workers: how many there are.
      cards: the names of the GPUs. They are dealt in turn.
    """
    if not cards:
        return dict(ONE_THREAD)
    found = {**ONE_THREAD, "CUDA_VISIBLE_DEVICES": cards[number % len(cards)]}
    if workers > len(cards):
        found["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the first on a card would take the memory of all
    return found


@contextlib.contextmanager
def connected(address: str, say: Say) -> Iterator[Executor]:
    """The workers of a running cluster, for the time of a `with` block.

    Args:
      address: of its scheduler.
      say: prints a line.
    Yields:
      What does parts.
    Raises:
      InputError: it is no address, or a worker has other versions.
      FaultError: nobody listens there.
    """
    if not ADDRESS.fullmatch(address):
        raise InputError(f"scheduler: expected an address as tcp://10.0.0.5:8786, got {shown(repr(address))}")
    with _silence(), contextlib.ExitStack() as stack:
        try:
            with ThreadPoolExecutor(1) as thread:  # in a notebook this one has an event loop already
                thread.submit(asyncio.run, _greet(address)).result()
            client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except Exception as error:  # whatever answers there may be no scheduler at all
            reason = first_line(error)
            raise FaultError(
                f"scheduler: no Dask scheduler answers at {shown(address)} ({reason})"
            ) from error
        stack.enter_context(client)
        yield _Workers(client, "scheduler", say)


async def _greet(address: str) -> None:
    """Tries the address. A client that could not connect would try again when it is thrown away."""
    security = distributed.Security().get_connection_args("client")
    comm = await distributed.comm.core.connect(address, timeout=CONNECT_SECONDS, **security)
    await comm.close()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What there is to be told of a cluster is told in one line."""
    names = logging.root.manager.loggerDict
    known = [name for name in names if name.split(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in known}
    for name in known:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


class _Workers:
    """What does parts by a connected client.

    Args:
      client: of Dask.
      name: of the argument that said which workers, for messages.
      say: prints a line.
    """

    def __init__(self, client: Any, name: str, say: Say) -> None:
        self._client, self._name, self._say = client, name, say
        self._workers: set[str] = set()
        self._topic = f"fooljax-{uuid.uuid4().hex}"
        client.subscribe_topic(self._topic, lambda event: say(str(event[1])))
        if not client.nthreads():
            say("there are no workers yet; they are waited for")
            client.wait_for_workers(1)
        try:
            found = client.run(random_versions)
        except ModuleNotFoundError as error:
            raise InputError(f"{name}: expected workers with fooljax, found one without ({error})") from error
        for worker, versions in found.items():
            check_versions(versions, random_versions(), worker)

    def __call__(self, parts: Sequence[Part], /) -> Iterator[tuple[int, Iterable[Any]]]:
        """Does every part once, see `fooljax.study.parts.Executor`.

        No more parts are with the cluster than it can do at once. So none waits behind one with which its
        worker dies, and is blamed for it too.
        """
        left, at_work = deque(enumerate(parts)), dict[Any, int]()
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        try:
            while left or at_work:
                room = self._room()
                while left and len(at_work) < room:
                    number, part = left.popleft()
                    future = self._submit(part)
                    at_work[future] = number
                    future.add_done_callback(ended.put)
                try:
                    future = ended.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    continue
                number = at_work.pop(future)
                results = self._result(future, parts[number].name)
                future.release()  # otherwise it would be done again where its worker dies later
                yield number, results
        finally:
            for future in at_work:
                future.release()

    def _room(self) -> int:
        """Parts that can be done at once."""
        with self._connection():
            workers: dict[str, int] = self._client.nthreads()
        if self._workers - set(workers):
            self._say("a worker is gone; what it had begun is done again")
        self._workers = set(workers)
        return max(1, sum(workers.values()))

    def _submit(self, part: Part) -> Any:
        with self._connection():
            payload = (self._topic, random_versions(), part.do, part.arguments)
            try:
                return self._client.submit(_done, *payload, key=_key(part), pure=False)
            except (TypeError, AttributeError, pickle.PicklingError) as error:
                reason = first_line(error.__cause__ or error)
                raise InputError(
                    f"{self._name}: {part.name} cannot be sent to a worker ({reason})"
                ) from error

    def _result(self, future: Any, part: str) -> Iterable[Any]:
        try:
            with self._connection():
                results: list[Any] = future.result()
        except distributed.KilledWorker as error:
            deaths = error.allowed_failures + 1
            many = f"{deaths} workers" if deaths > 1 else "its worker"
            raise FaultError(
                f"{part}: given up after {many} died with it; has each enough memory?"
            ) from error
        except ModuleNotFoundError as error:
            raise InputError(f"{self._name}: a worker cannot do {part}: {shown(error)}") from error
        return results

    @contextlib.contextmanager
    def _connection(self) -> Iterator[None]:
        try:
            yield
        except (distributed.CancelledError, distributed.comm.core.CommClosedError) as error:
            raise FaultError(f"{self._name}: the connection was lost; give the same command again") from error


def _key(part: Part) -> str:
    """A name for Dask, as it stands on its dashboard."""
    return f"{part.name}-{uuid.uuid4().hex}"


def _done(topic: str, versions: Mapping[str, Any], do: Any, arguments: tuple[Any, ...]) -> list[Any]:
    """What a worker does: a whole part."""
    worker = distributed.get_worker()
    check_versions(random_versions(), versions, worker.address)
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    keep_compiled_programs()
    here = PartContext(lambda line: worker.log_event(topic, line), wanted)
    return with_own_settings(lambda: list(do(here, *arguments)))()


def check_versions(found: Mapping[str, Any], expected: Mapping[str, Any], worker: str) -> None:
    """Makes sure that one seed means one run on a worker and here.

    Args:
      found: the versions that the worker has, see `random_versions`.
      expected: those of the process that the user started.
      worker: its address.
    Raises:
      InputError: one of them differs.
    """
    usual = {GENERATOR: USUAL_GENERATOR}
    found, expected = {**usual, **found}, {**usual, **expected}
    for name, value in expected.items():
        if found.get(name) != value:
            other = shown(found.get(name))
            raise InputError(f"worker {shown(worker)}: expected {name} {value}, as here, found {other}")
