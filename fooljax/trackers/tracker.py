"""What all trackers share: which numbers are told, once each, and that a failure ends no search."""

import contextlib
import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fooljax.errors import first_line
from fooljax.evolution import Progress
from fooljax.processes import is_writer

logger = logging.getLogger("fooljax")

Row = tuple[int, dict[str, float]]
"""A generation, and its metrics by name."""


class Sink(Protocol):
    """Where a tracker writes: the record of one search."""

    def write(self, rows: Iterable[Row]) -> None:
        """Writes generations that it does not hold yet, so that they can be seen."""

    def close(self) -> None:
        """Ends the record."""


class Tracker:
    """An `on_chunk` for `fooljax.evolve` that tells a tracker of every generation.

    A search that is gone on with tells its whole past first. What the record holds already is not written
    again.

    Attributes:
      name: of the tracker, for the warning that it has failed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._sink: Sink | None = None
        self._failed = False

    def open(self, first: Mapping[str, float]) -> Sink:
        """The record of a search: one that was begun before, or a new one.

        Args:
          first: the metrics of generation 0, which tell one search from another.
        """
        raise NotImplementedError

    def __call__(self, progress: Progress) -> None:
        """Tells of the generations of a chunk."""
        if self._failed or not is_writer():
            return
        try:
            rows = list(rows_of(progress.metrics))
            if rows[0][0] == 0:  # a search begins, or is gone on with
                self.close()
                self._sink = self.open(rows[0][1])
            if self._sink is not None:
                self._sink.write(rows)
            if progress.generation >= progress.generations:
                self.close()
        except Exception as error:  # a tracker raises what it likes
            self._failed, self._sink = True, None
            logger.warning("%s: %s; the search goes on without it", self.name, first_line(error))

    def close(self) -> None:
        """Ends the record. `fooljax.evolve` does so itself, however it ends."""
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.close()
            except Exception as error:
                logger.warning("%s: %s", self.name, first_line(error))


@contextlib.contextmanager
def closed(on_chunk: object) -> Iterator[None]:
    """Ends the record of a tracker when the search inside ends, however it does."""
    try:
        yield
    finally:
        if isinstance(on_chunk, Tracker):
            on_chunk.close()


def rows_of(metrics: Mapping[str, npt.NDArray[Any]]) -> Iterator[Row]:
    """The generations of a chunk.

    Args:
      metrics: `[R, n]` by name, as `Progress` has them.
    Yields:
      Of each generation its number and its finite metrics. Where there are several runs, their names end in
      `/run0`, `/run1` and so on.
    """
    generations = np.asarray(metrics["generation"])
    for place in range(generations.shape[1]):
        told = {}
        for name, values in metrics.items():
            for run, value in enumerate(np.asarray(values)[:, place].tolist()):
                if name != "generation" and math.isfinite(value):
                    told[name if len(generations) == 1 else f"{name}/run{run}"] = float(value)
        yield int(generations[0, place]), told


def is_same(known: Mapping[str, float], first: Mapping[str, float]) -> bool:
    """Whether a record is that of a search, by what both say of generation 0, to the digits of float32."""
    shared = known.keys() & first.keys()
    return bool(shared) and all(math.isclose(known[name], first[name], rel_tol=1e-5) for name in shared)
