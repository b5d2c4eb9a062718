"""A campaign of damaged files against everything that reads a file.

`python tests/fuzz.py --cases 20000 --seed 0` damages valid files of every form, again and again, and reads
them. A reader may read what it finds, or raise `InputError` or `FaultError` in one printable line. Anything
else is a failure: another exception, more memory than four times the file (or 16 MiB), more than five
seconds, a crash. Each failure is printed with the command that repeats it. `READERS` lists all readers.
"""

import argparse
import logging
import multiprocessing
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple

from damage import damaged
from readers import READERS

from fooljax.errors import FaultError, InputError

SECONDS = 5.0
HANGS_AFTER = 60
"""Seconds after which a case is interrupted."""
SMALL = 16 * 2**20
MOST_SHOWN = 1000
"""Characters of a message, a path among them."""


class Case(NamedTuple):
    """A damaged file and how it was read.

    Attributes:
      reader: in `READERS`.
      seed: of the campaign.
      number: of the case.
      seconds: of processor time that reading took, while its memory was traced.
      memory: bytes that Python and NumPy had at most, in addition to those before.
      fault: what was wrong with how it ended; None where nothing was.
    """

    reader: str
    seed: int
    number: int
    seconds: float = 0.0
    memory: int = 0
    fault: str | None = None

    def __str__(self) -> str:
        return f"python tests/fuzz.py --reader {self.reader} --seed {self.seed} --only {self.number}"


def campaign(name: str, folder: Path, numbers: range, seed: int) -> Iterator[Case]:
    """Reads damaged files of one reader; every case can be repeated alone.

    Args:
      name: in `READERS`.
      folder: where the files are; a damaged one stands there until the next case is asked for.
      numbers: of the cases.
      seed: of the campaign.
    """
    reader = READERS[name]
    samples = [(path, path.read_bytes()) for path in reader.samples(folder)]
    for path, _ in samples:
        reader.read(path)
    path, content = samples[0]
    for number in numbers:
        path.write_bytes(content)  # what the last case damaged
        chance = Random(f"{name}/{seed}/{number}")
        path, content = chance.choice(samples)
        path.write_bytes(changed := damaged(content, chance))
        seconds, memory, fault = _read(reader.read, path, len(changed))
        yield Case(name, seed, number, seconds, memory, fault)


def _read(read: Callable[[Path], object], path: Path, size: int) -> tuple[float, int, str | None]:
    """Reads a file: seconds, bytes of memory, and what was wrong."""
    fault = None
    most = max(4 * size, SMALL)
    resident = _resident()
    tracemalloc.start()
    signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(HANGS_AFTER)
    begun = time.process_time()
    try:
        read(path)
    except (InputError, FaultError) as error:
        if not str(error).isprintable() or len(str(error)) > MOST_SHOWN:
            fault = f"a message that is no printable line: {str(error)[:MOST_SHOWN]!r}"
    except BaseException as error:
        fault = "".join(traceback.format_exception_only(error)).strip()[:400]
        fault += " at " + "; ".join(
            f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-3:]
        )
    finally:
        signal.alarm(0)
        seconds = time.process_time() - begun
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if fault is None and seconds > SECONDS:
        fault = f"{seconds:.1f} seconds for {size:,} bytes"
    # What libraries allocate by themselves is seen in the process alone, which has a use of its own for some.
    if fault is None and (peak > most or _resident() - resident > 4 * most):
        fault = f"{peak:,} bytes of memory, the process {_resident() - resident:,}, for a file of {size:,}"
    return seconds, peak, fault


def _resident() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class _Hangs(BaseException):
    pass


def _hangs(*_: object) -> None:
    raise _Hangs(f"still reading after {HANGS_AFTER} seconds")


# The long form.


def _in_child(told: Connection, name: str, folder: Path, numbers: range, seed: int) -> None:
    logging.disable()
    for case in campaign(name, folder, numbers, seed):
        told.send(case)


def _apart(name: str, folder: Path, numbers: range, seed: int) -> Iterator[Case]:
    """As `campaign`, in a process of its own, which may crash; it is then begun anew behind that case."""
    context = multiprocessing.get_context("spawn")
    while numbers:
        heard, told = context.Pipe(duplex=False)
        child = context.Process(target=_in_child, args=(told, name, folder, numbers, seed))
        child.start()
        told.close()
        try:
            while True:
                yield (case := heard.recv())
                numbers = numbers[numbers.index(case.number) + 1 :]
        except EOFError:
            child.join()
        if child.exitcode == 0:
            return
        yield Case(name, seed, numbers[0], fault=f"the process ended with status {child.exitcode}")
        numbers = numbers[1:]
        shutil.rmtree(folder)
        folder.mkdir()


def main() -> int:
    """The command; its exit status is 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000, help="damaged files, of all readers together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=READERS, action="append", help="all by default")
    parser.add_argument("--only", type=int, metavar="CASE", help="a single case, whose file is kept")
    flags = parser.parse_args()
    names = flags.reader or list(READERS)
    share = range(-(-flags.cases // len(names)))
    numbers = share if flags.only is None else range(flags.only, flags.only + 1)
    kinds: dict[tuple[str, str], int] = {}
    cases: list[Case] = []
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
        begun, before = time.perf_counter(), sum(kinds.values())
        for case in _apart(name, folder, numbers, flags.seed):
            cases.append(case)
            if case.fault:
                kind = (name, case.fault.split(":")[0] + case.fault.rpartition(" at ")[2])
                kinds[kind] = kinds.get(kind, 0) + 1
                if kinds[kind] <= 2:
                    print(f"{case}\n    {case.fault}", flush=True)
        failed, seconds = sum(kinds.values()) - before, time.perf_counter() - begun
        print(f"{name}: {failed} of {len(numbers):,} failed, {seconds:.0f} s", flush=True)
        if flags.only is None:
            shutil.rmtree(folder)
        else:
            print(f"its files are in {folder}")
    slowest, largest = max(cases, key=lambda one: one.seconds), max(cases, key=lambda one: one.memory)
    print(
        f"{len(cases):,} cases, {sum(kinds.values())} failures of {len(kinds)} kinds\n"
        f"slowest: {slowest.seconds:.2f} s, {slowest}\n"
        f"most memory: {largest.memory / 2**20:.1f} MiB, {largest}"
    )
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
