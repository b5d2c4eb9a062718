"""What the driver and a worker tell each other, as files of one folder.

`task.json` goes in; `report.json` and `images.npy` come out. Needs only NumPy, as every environment has it.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SIDE = 28
CHUNK = 10
"""Generations that are timed at once; those that compile a loop compile this many."""


class Task(NamedTuple):
    """One run of one worker.

    Attributes:
      weights: `.npz` file of the network, for `lenet.load`.
      batch: children per generation.
      generations: to be timed, a multiple of `CHUNK`.
      variation: how children are made; a worker knows its own names.
      seed: of the search.
    """

    weights: str
    batch: int
    generations: int
    variation: str
    seed: int


class Clock:
    """Times the chunks of a search one by one, so that a disturbance spoils a chunk and not the run."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = self._last = time.perf_counter()
        self._cpu_began = time.process_time()

    def chunk_done(self) -> None:
        """To be called after each chunk, when its results are there."""
        now = time.perf_counter()
        self.seconds.append(now - self._last)
        self._last = now

    def total(self) -> float:
        """Wall time so far."""
        return time.perf_counter() - self._began

    def cpu_seconds(self) -> float:
        """CPU time of all threads so far."""
        return time.process_time() - self._cpu_began


class Report(NamedTuple):
    """What a worker measured.

    Attributes:
      evaluations: network passes of one chunk.
      seconds: of each chunk, compilation left out.
      cpu_seconds: of all chunks, over all cores.
      compile_seconds: to trace and compile all programs.
      cells: the digit that each image stands for.
      device: as JAX names it.
      versions: of the packages that matter.
    """

    evaluations: int
    seconds: list[float]
    cpu_seconds: float
    compile_seconds: float
    cells: list[int]
    device: str
    versions: dict[str, str]


def write_task(folder: Path, task: Task) -> None:
    """Makes the folder, empty but for the task."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("report.json", "images.npy"):
        (folder / name).unlink(missing_ok=True)
    (folder / "task.json").write_text(json.dumps(task._asdict(), indent=2) + "\n")


def read_task() -> tuple[Path, Task]:
    """The folder that a worker was started with, its one argument, and the task in it."""
    folder = Path(sys.argv[1])
    return folder, Task(**json.loads((folder / "task.json").read_text()))


def write_report(folder: Path, report: Report, images: npt.NDArray[np.uint8]) -> None:
    """Writes what was measured, and the final images, `[n, 28, 28, 1]`."""
    np.save(folder / "images.npy", images)
    (folder / "report.json").write_text(json.dumps(report._asdict(), indent=2) + "\n")


def read_report(folder: Path) -> tuple[Report, npt.NDArray[Any]]:
    """A worker's report and images."""
    return Report(**json.loads((folder / "report.json").read_text())), np.load(folder / "images.npy")


def to_bytes(genomes: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Genomes `[n, 784]` in [0, 1] as 8-bit images, rounded to the nearest."""
    levels = np.rint(np.clip(np.asarray(genomes, np.float64), 0.0, 1.0) * 255.0)
    return levels.astype(np.uint8).reshape(-1, SIDE, SIDE, 1)


def versions(*names: str) -> dict[str, str]:
    """Versions of installed packages."""
    return {name: version(name) for name in names}
