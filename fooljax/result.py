"""What a search gives: the same value from a search in memory and from the folder of a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fooljax.ascent_result import AscentResult, ascent_result_of
from fooljax.engine.archive import Archive
from fooljax.engine.log_odds import confidence, to_log_odds
from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.own_settings import with_own_settings
from fooljax.runs.ascent_record import open_ascent
from fooljax.runs.kinds import is_ascent_folder
from fooljax.runs.opened import open_folder
from fooljax.runs.record import RunRecord
from fooljax.storage.data_frames import data_frame
from fooljax.storage.outputs import as_folder

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Result:
    """The images that a search found, and how it came to them. `R` runs, `C` cells, one for each class.

    Attributes:
      cells: class index of each cell.
      class_names: of all classes of the network.
      archive: the best genome of each cell, leaves `[R, C, ...]`.
      metrics: `[R, T + 1]` by name, one value for each run and generation.
      generations: `T`, done in all.
      completed: False where the search was stopped before its end.
      strategy_state: the strategy's own state at the end; None where the result is from a folder.
      folder: of the run; None where the result is in memory alone.
      objective: name of what was maximised, "log_odds" by default.
      scores: `[R, C]`, the value of the objective for each image; -inf where a cell is empty.
      is_log_odds: whether the scores are log-odds, so that confidences can be given.
      draw: gives the images of one of the two kinds.
      write: writes a search in memory into a folder; None where there is one already.
    """

    cells: tuple[int, ...]
    class_names: tuple[str, ...]
    archive: Archive
    metrics: Mapping[str, npt.NDArray[Any]]
    generations: int
    completed: bool
    strategy_state: Any
    folder: Path | None
    objective: str
    scores: npt.NDArray[Any]
    is_log_odds: bool = field(repr=False)
    draw: Callable[[Literal["elites", "first"]], npt.NDArray[np.uint8]] = field(repr=False)
    write: Callable[[Path], object] | None = field(default=None, repr=False)

    @cached_property
    def images(self) -> npt.NDArray[np.uint8]:
        """`[R, C, H, W, K]` uint8, the best image of each cell."""
        return self.draw("elites")

    @cached_property
    def first_images(self) -> npt.NDArray[np.uint8]:
        """`[R, C, H, W, K]` uint8, the first image of each cell with 99.99 %; any image if there is none."""
        return self.draw("first")

    @property
    def log_odds(self) -> npt.NDArray[Any]:
        """`[R, C]` natural log-odds of each image for its class, of the saved file where there is one.

        Raises:
          InputError: the search maximised something else; see `scores`.
        """
        if not self.is_log_odds:
            raise InputError(
                f"result: the search maximised {self.objective}, which is no log-odds; see its scores"
            )
        return self.scores

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """`[R, C]`, the network's confidence in [0, 1] that each image is of its class.

        Raises:
          InputError: as `log_odds`.
        """
        return confidence(self.log_odds)

    def success(self, level: float = 0.9999) -> npt.NDArray[np.float64]:
        """The share of cells of each run whose image has a confidence or more.

        Args:
          level: the confidence, in (0, 1).
        Returns:
          `[R]`, in [0, 1].
        Raises:
          InputError: `level` is not inside (0, 1), or as `log_odds`.
        """
        if not isinstance(level, float) or not 0.0 < level < 1.0:
            raise InputError(f"level: expected a confidence inside (0, 1), got {shown(repr(level))}")
        return np.mean(self.log_odds >= to_log_odds(level), axis=1)

    def to_pandas(self) -> "pandas.DataFrame":
        """The images as rows of a data frame, run by run and class by class; empty cells have none.

        Returns:
          Columns: `run` and `class` (int64), `class_name` (text), `score` (float64; of what the search
          maximised), `log_odds` and `confidence` (float64; NaN where the search maximised something else),
          `generation` in which the image was made (int64), and `passes`, the network passes that its run had
          spent by then (int64).
        Raises:
          FaultError: pandas is not installed.
        """
        places = np.argwhere(np.isfinite(self.scores))
        runs, columns = places[:, 0], places[:, 1]
        scores = np.asarray(self.scores, np.float64)[runs, columns]
        odds = scores if self.is_log_odds else np.full(len(scores), np.nan)
        cells = np.asarray(self.cells, np.int64)[columns]
        return data_frame(
            {
                "run": runs.astype(np.int64),
                "class": cells,
                "class_name": [self.class_names[cell] if self.class_names else str(cell) for cell in cells],
                "score": scores,
                "log_odds": odds,
                "confidence": confidence(odds),
                "generation": np.asarray(self.archive.births, np.int64)[runs, columns],
                "passes": np.asarray(self.archive.ids, np.int64)[runs, columns] + 1,
            }
        )

    def metrics_to_pandas(self) -> "pandas.DataFrame":
        """The metrics as rows of a data frame, run by run and generation by generation.

        Returns:
          Columns: `run` and `generation` (int64), then each of `metrics` (int64 or float64).
        Raises:
          FaultError: pandas is not installed.
        """
        generations = np.asarray(self.metrics["generation"], np.int64)
        runs = np.broadcast_to(np.arange(len(generations))[:, None], generations.shape)
        columns = {"run": runs, "generation": generations, **self.metrics}
        return data_frame({name: _wide(np.ravel(values)) for name, values in columns.items()})

    @with_own_settings
    def save(self, folder: Path | str) -> Path:
        """Writes a search in memory into a new or empty folder, as the folder of a run with its page.

        Returns:
          The folder.
        Raises:
          InputError: there is something in the folder, the search was not completed, or the result is that of
            a folder already.
          FaultError: a file cannot be written.
        """
        if self.write is None:
            raise InputError(f"result: it stands in {shown(self.folder)} already; copy that folder")
        if not self.completed:
            raise InputError(
                "result: the search was stopped before its end, so there is no whole run to save"
            )
        path = as_folder("folder", folder)
        self.write(path)
        return path


@with_own_settings
def open_run(folder: Path | str, encoding: Encoding | None = None) -> Result | AscentResult:
    """Opens the folder of a finished run.

    Args:
      folder: made by `fooljax.evolve(..., outdir=...)`, by `fooljax.ascend`, by a command, or by
        `Result.save`.
      encoding: that of the run, where it does not come with fooljax.
    Returns:
      A `Result`; for a gradient ascent an `AscentResult`, in which the same words mean the same.
    Raises:
      InputError: it is not the folder of a finished run, or a file in it is damaged.
    """
    folder = as_folder("folder", folder)
    if encoding is not None and not isinstance(encoding, Encoding):
        raise InputError(f"encoding: expected an Encoding, got {shown(repr(encoding))}")
    if is_ascent_folder(folder):
        return ascent_result_of(open_ascent(folder))
    return result_of(open_folder(folder, encoding))


def result_of(record: RunRecord, strategy_state: Any = None) -> Result:
    """The result that stands in the folder of a run."""
    scores = np.full((record.runs, len(record.cells)), -np.inf)
    for row in record.elites:
        scores[row.run, record.cells.index(row.class_index)] = row.log_odds
    return Result(
        cells=record.cells,
        class_names=record.class_names,
        archive=record.archive,
        metrics=record.metrics,
        generations=int(record.metrics["generation"][0, -1]),
        completed=True,
        strategy_state=strategy_state,
        folder=record.path,
        objective=record.objective,
        scores=scores,
        is_log_odds=record.is_log_odds,
        draw=record.images,
    )


def _wide(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Whole numbers as int64 and others as float64, wherever a search kept them."""
    return values.astype(np.int64 if np.issubdtype(values.dtype, np.integer) else np.float64)
