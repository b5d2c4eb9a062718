"""What a search returns, and what it says while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.archive import Archive
from fooljax.engine.objective import Objective
from fooljax.engine.types import Encoding, Genome
from fooljax.rendering import draw

Metrics = dict[str, npt.NDArray[Any]]


class Replacements(NamedTuple):
    """Cells whose elite was replaced, one row each. Ancestries are drawn from them.

    Attributes:
      run, generation, cell, id: `[n]` int; `id` is the query number of the new elite.
      parents: `[n, P]` int, ids; -1 where there is none.
      genomes: leaves `[n, ...]`.
    """

    run: npt.NDArray[Any]
    generation: npt.NDArray[Any]
    cell: npt.NDArray[Any]
    id: npt.NDArray[Any]
    parents: npt.NDArray[Any]
    genomes: Genome


class Progress(NamedTuple):
    """How far a search is, after each chunk.

    Attributes:
      generation: generations done, of `generations`.
      generations: to do in all.
      metrics: of the generations of this chunk, `[R, n]` each.
      queries: network passes so far, over all runs.
      evaluations_per_second: of this chunk, over all runs.
    """

    generation: int
    generations: int
    metrics: Mapping[str, npt.NDArray[Any]]
    queries: int
    evaluations_per_second: float


@dataclass(frozen=True)
class Evolution:
    """What `search` returns.

    Attributes:
      encoding: the encoding that draws the genomes.
      cells: indices of the cells: class indices, with the default objective.
      objective: what was maximised.
      archive: `R` archives, leaves `[R, C, ...]`, on the host.
      first: the first elite of each cell that was fooled (99.99 %), as it was at that moment, before the
        search improved it. Cells that were never fooled are empty, and so are all where the objective's
        values are not log-odds.
      strategy_state: the strategy's own state at the end, leaves `[R, ...]`.
      metrics: arrays `[R, T + 1]` by name, generations 0 to T: queries, replacements, children whose logits
        were NaN; median, mean, min and max over cells of confidence and of log-odds, and the shares of cells
        at 90, 99 and 99.99 % or more (of `fitness` instead, where it is no log-odds); then the encoding's and
        the strategy's own.
      generations: `T`, done in all.
      completed: False where `stop` ended it early.
      seconds_search, seconds_compile: wall time, of the resumed parts too; compilation apart.
    """

    encoding: Encoding
    cells: tuple[int, ...]
    objective: Objective
    archive: Archive
    first: Archive
    strategy_state: Any
    metrics: Metrics
    generations: int
    completed: bool
    seconds_search: float
    seconds_compile: float

    @property
    def log_odds(self) -> npt.NDArray[np.float32]:
        """`[R, C]` fitness of the elites, log-odds with the default objective; -inf where a cell is empty."""
        return np.asarray(self.archive.fitness)

    def images(self) -> npt.NDArray[np.uint8]:
        """The elites as 8-bit images, `[R, C, H, W, K]`."""
        return self._drawn(self.archive)

    def first_images(self) -> npt.NDArray[np.uint8]:
        """The first fooled elites as 8-bit images, `[R, C, H, W, K]`; where there is none, any image."""
        return self._drawn(self.first)

    def _drawn(self, archive: Archive) -> npt.NDArray[np.uint8]:
        runs, cells = archive.fitness.shape
        flat = jax.tree.map(lambda leaf: leaf.reshape(runs * cells, *leaf.shape[2:]), archive.genomes)
        return draw(self.encoding, flat).reshape(runs, cells, *self.encoding.image_shape)
