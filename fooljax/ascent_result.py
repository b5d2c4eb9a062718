"""What a gradient ascent gives: the same value from memory and from the folder of a run."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import confidence, to_log_odds
from fooljax.errors import InputError, shown
from fooljax.own_settings import with_own_settings
from fooljax.runs.ascent_record import AscentRecord
from fooljax.storage.data_frames import data_frame
from fooljax.storage.outputs import as_folder

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class AscentResult:
    """What a gradient ascent found: one row for each method and start image, method by method.

    Attributes:
      rows: the method and the index of the start image of each of the `R` rows.
      images: `[R, C, H, W, K]` uint8, as files hold them.
      log_odds: `[R, C]`, of these images, each for its own class.
      histories: by method, `[iterations, S, C]` log-odds before rounding to 8 bits.
      start_images: `[S, H, W, K]` uint8.
      cells: indices of the `C` classes.
      class_names: of all classes of the network.
      queries: network passes of all methods together; a gradient counts as two.
      folder: of the run; None where it was kept in memory.
    """

    rows: tuple[tuple[str, int], ...]
    images: npt.NDArray[np.uint8]
    log_odds: npt.NDArray[np.float64]
    histories: dict[str, npt.NDArray[np.float32]]
    start_images: npt.NDArray[np.uint8]
    cells: tuple[int, ...]
    class_names: tuple[str, ...]
    queries: int
    folder: Path | None = None
    write: Callable[[Path], object] | None = field(default=None, repr=False)

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods, in the order of the rows."""
        return tuple(self.histories)

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """`[R, C]`, of each image for its own class, in [0, 1]."""
        return confidence(self.log_odds)

    @property
    def completed(self) -> bool:
        """Always true: a gradient ascent that was stopped gives no result."""
        return True

    def success(self, level: float = 0.9999) -> npt.NDArray[np.float64]:
        """The share of classes with at least this confidence, `[R]`.

        Raises:
          InputError: `level` is not inside (0, 1).
        """
        return np.mean(self.log_odds >= to_log_odds(level), axis=1)

    def of_method(self, name: str) -> "AscentResult":
        """The rows of one method.

        Raises:
          InputError: there is no such method.
        """
        if name not in self.histories:
            raise InputError(f"name: expected one of {', '.join(self.histories)}, got {shown(name)}")
        own = [row for row, (method, _) in enumerate(self.rows) if method == name]
        return replace(
            self,
            rows=tuple(self.rows[row] for row in own),
            images=self.images[own],
            log_odds=self.log_odds[own],
            histories={name: self.histories[name]},
        )

    def to_pandas(self) -> "pandas.DataFrame":
        """The images as rows of a data frame, method by method, start by start and class by class.

        Returns:
          Columns: `method` (text), `start` and `class` (int64), `class_name` (text), `log_odds` and
          `confidence` (float64).
        Raises:
          FaultError: pandas is not installed.
        """
        count, cells = len(self.cells), np.asarray(self.cells, np.int64)
        names = [self.class_names[cell] if self.class_names else str(cell) for cell in self.cells]
        odds = np.ravel(np.asarray(self.log_odds, np.float64))
        return data_frame(
            {
                "method": [method for method, _ in self.rows for _ in range(count)],
                "start": np.repeat(np.asarray([start for _, start in self.rows], np.int64), count),
                "class": np.tile(cells, len(self.rows)),
                "class_name": names * len(self.rows),
                "log_odds": odds,
                "confidence": confidence(odds),
            }
        )

    @with_own_settings
    def save(self, folder: Path | str) -> Path:
        """Writes the run folder with its page, into a new or empty folder.

        Returns:
          The folder.
        Raises:
          InputError: the folder has something in it, or the result is that of a folder already.
          FaultError: it cannot be written.
        """
        if self.write is None:
            raise InputError(f"result: it stands in {shown(self.folder)} already; copy that folder")
        path = as_folder("folder", folder)
        self.write(path)
        return path


def ascent_result_of(record: AscentRecord) -> AscentResult:
    """The result that stands in the folder of a run."""
    shape = (record.starts, len(record.cells))

    return AscentResult(
        rows=tuple((name, start) for name in record.ascents for start in range(record.starts)),
        images=np.concatenate([record.images(name) for name in record.ascents]),
        log_odds=np.concatenate([record.log_odds[name] for name in record.ascents]),
        histories={name: np.asarray(one.history).reshape(-1, *shape) for name, one in record.ascents.items()},
        start_images=record.start_images,
        cells=record.cells,
        class_names=record.class_names,
        queries=sum(int(one.queries) for one in record.ascents.values()),
        folder=record.path,
    )
