"""Shows the saved images of a run to held-out judges, and says what came of it: `panel` in `summary.json`.

A run does it when it ends, `fooljax report RUN --judges NAMES` for any finished run, from its folder alone.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from fooljax.analysis.panel import Panel, PanelResult, assemble
from fooljax.analysis.panel_numbers import of_panel
from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.runs.ascent_record import AscentRecord
from fooljax.runs.folder import MARK
from fooljax.runs.judge_names import AUTO, NONE
from fooljax.runs.panel_table import FILE, Distance, JudgeSays, PanelRow, save_panel_rows
from fooljax.runs.record import Kind, RunRecord
from fooljax.runs.scored import cut_off
from fooljax.runs.summary import NOT_MEASURED
from fooljax.storage.json_files import plain, write_json
from fooljax.storage.locks import lock_folder
from fooljax.targets.choice import TargetChoice

logger = logging.getLogger("fooljax")


Record = RunRecord | AscentRecord
"""What stands in the folder of a search, or of a gradient ascent."""


class SavedImage(NamedTuple):
    """What is known of a saved image.

    Attributes:
      run: of a search its run, of a gradient ascent its start image.
      class_index, class_name: that it was made for.
      log_odds: of the network that was fooled, for this class.
    """

    run: int
    class_index: int
    class_name: str
    log_odds: float


class Shown(NamedTuple):
    """A set of saved images that judges are shown.

    Attributes:
      rows: what is known of each.
      images: `[N, H, W, K]`, the same images.
    """

    rows: Sequence[SavedImage]
    images: npt.NDArray[np.uint8]


class Judged(NamedTuple):
    """What a panel says of a run.

    Attributes:
      facts: for `summary.json`.
      rows: for `panel.csv`.
    """

    facts: dict[str, Any]
    rows: list[PanelRow]

    def save_rows(self, folder: Path) -> None:
        """Writes `panel.csv`."""
        save_panel_rows(folder / FILE, self.rows)


def save_panel(
    record: Record,
    choice: TargetChoice,
    names: str,
    target: Target,
    judges: Mapping[str, Target],
    second: Target | None,
) -> dict[str, Any] | str:
    """Judges the images of a run that ends, and writes `panel.csv`. What fails here does not cost the run.

    Args:
      record: of the run, whose summary is not written yet.
      choice: of the network that was fooled.
      names: of the judges, see `fooljax.runs.judge_names`.
      target: the network that was fooled.
      judges: those that were named.
      second: the second network.
    Returns:
      What `summary.json` says of it.
    """
    judged = None
    try:
        if names != NONE:
            data = choice.clean()
            if names == AUTO and data is not None:
                judges = choice.judges(second, data)
            judged = judge_run(record, target, judges, data)
    except (InputError, FaultError) as error:
        logger.warning("no judges were asked: %s", error)
    if judged is None:
        (record.path / FILE).unlink(missing_ok=True)
        return NOT_MEASURED
    judged.save_rows(record.path)
    facts: dict[str, Any] = plain(judged.facts)
    return facts


def add_panel(record: Record, judged: Judged) -> None:
    """Writes what judges say into the folder of a finished run: `panel.csv`, and `panel` in `summary.json`.

    Raises:
      InputError: another process is at work in the folder.
      FaultError: it cannot be written.
    """
    lock = lock_folder(record.path, "run folder")
    try:
        judged.save_rows(record.path)
        write_json(record.path / MARK, {**record.summary, "panel": plain(judged.facts)})
    finally:
        lock.release()


def judge_run(
    record: Record, target: Target, judges: Mapping[str, Target], data: Dataset | None
) -> Judged | None:
    """Shows the saved images of a run to judges, and images whose answer is known beside them.

    Args:
      record: of the run; the images of a search are read from their files, or drawn where they were not kept.
      target: the network that was fooled.
      judges: by name.
      data: clean images, see `fooljax.analysis.panel.assemble`.
    Returns:
      None where there is no judge, or the run maximised something else than log-odds.
    Raises:
      InputError: a judge knows other classes, every judge is refused, or an image cannot be had.
    """
    if not judges or (isinstance(record, RunRecord) and not record.is_log_odds):
        return None
    panel = assemble(target, judges, data)
    sets, rows = dict(panel.controls), []
    saved = _of_methods(record) if isinstance(record, AscentRecord) else _of_search(record)
    for kind, (kept, images) in saved.items():
        odds = np.asarray([row.log_odds for row in kept])
        found = panel.judge(images, np.asarray([row.class_index for row in kept]), log_odds=odds)
        sets[kind] = found
        rows += _rows(kind, kept, found, panel, record.class_names)
    facts = of_panel(panel, sets)
    runs = record.starts if isinstance(record, AscentRecord) else record.runs
    for kind in saved:
        runs_of = [row.run for row in rows if row.kind == kind and row.fools]
        counts = np.bincount(runs_of, minlength=runs) if runs_of else np.zeros(runs, int)
        facts["sets"][kind]["no_judge_agrees_of_each_run"] = counts.tolist()
    return Judged(facts, rows)


def _of_search(record: RunRecord) -> dict[str, Shown]:
    found: dict[str, Shown] = {}
    for kind in get_args(Kind):
        kept = record.elites if kind == "elites" else record.first_rows
        if kept:
            images = record.images(kind)
            places = [(row.run, record.cells.index(row.class_index)) for row in kept]
            rows = [SavedImage(row.run, row.class_index, row.class_name, row.log_odds) for row in kept]
            found[kind] = Shown(rows, np.stack([images[place] for place in places]))
    return found


def _of_methods(record: AscentRecord) -> dict[str, Shown]:
    found = {}
    for method in record.ascents:
        rows = [
            SavedImage(start, cell, record.class_names[cell], float(record.log_odds[method][start, place]))
            for start in range(record.starts)
            for place, cell in enumerate(record.cells)
        ]
        found[method] = Shown(rows, record.images(method).reshape(len(rows), *record.image_shape))
    return found


def _rows(
    kind: str, kept: Sequence[SavedImage], found: PanelResult, panel: Panel, class_names: Sequence[str]
) -> list[PanelRow]:
    rows = []
    for place, row in enumerate(kept):
        judges = {}
        for name, verdict in found.verdicts.items():
            top, votes = int(verdict.top[place]), found.fooling.agrees.get(name)
            judges[name] = JudgeSays(
                top,
                class_names[top],
                cut_off(verdict.top_odds[place]),
                bool(votes is not None and votes[place]),
            )
        distances = {
            name: Distance(
                float(one.distances[place]), float(one.percentiles[place]), int(one.classes[place])
            )
            for name, one in found.apart.items()
        }
        after = {name: float(one.log_odds[place]) for name, one in found.survival.items()}
        fools = bool(found.fooling.none[place])
        named = (kind, row.run, row.class_index, row.class_name, row.log_odds)
        rows.append(PanelRow(*named, fools, judges, distances, after))
    return rows
