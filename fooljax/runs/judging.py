"""Shows the saved images of a run to held-out judges, and says what came of it: `panel` in `summary.json`.

A run does it when it ends, `fooljax report RUN --judges NAMES` for any finished run, from its folder alone.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fooljax.analysis.panel import Found, Panel, assemble
from fooljax.analysis.panel_numbers import of_panel
from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.runs.folder import MARK
from fooljax.runs.judge_names import AUTO, NONE
from fooljax.runs.panel_table import FILE, Distance, JudgeSays, PanelRow, save_panel_rows
from fooljax.runs.plan import RunPlan
from fooljax.runs.record import Kind, RunRecord
from fooljax.runs.scored import cut_off
from fooljax.runs.summary import NOT_MEASURED
from fooljax.runs.tables import EliteRow
from fooljax.storage.json_files import plain, write_json
from fooljax.storage.locks import lock_folder

logger = logging.getLogger("fooljax")


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
    record: RunRecord, plan: RunPlan, target: Target, judges: Mapping[str, Target], second: Target | None
) -> dict[str, Any] | str:
    """Judges the images of a run that ends, and writes `panel.csv`. What fails here does not cost the run.

    Args:
      record: of the run, whose summary is not written yet.
      plan: what was done.
      target: the network that was fooled.
      judges: those that were named.
      second: the second network.
    Returns:
      What `summary.json` says of it.
    """
    judged = None
    try:
        if plan.judges != NONE and record.is_log_odds:
            data = plan.choice.clean()
            if plan.judges == AUTO and data is not None:
                judges = plan.choice.judges(second, data)
            judged = judge_run(record, target, judges, data)
    except (InputError, FaultError) as error:
        logger.warning("no judges were asked: %s", error)
    if judged is None:
        (record.path / FILE).unlink(missing_ok=True)
        return NOT_MEASURED
    judged.save_rows(record.path)
    facts: dict[str, Any] = plain(judged.facts)
    return facts


def add_panel(record: RunRecord, judged: Judged) -> None:
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
    record: RunRecord, target: Target, judges: Mapping[str, Target], data: Dataset | None
) -> Judged | None:
    """Shows the saved images of a run to judges, and images whose answer is known beside them.

    Args:
      record: of the run; its images are read from their files, or drawn where they were not kept.
      target: the network that was fooled.
      judges: by name.
      data: clean images, see `fooljax.analysis.panel.assemble`.
    Returns:
      None where there is no judge, or the run maximised something else than log-odds.
    Raises:
      InputError: a judge knows other classes, every judge is refused, or an image cannot be had.
    """
    if not judges or not record.is_log_odds:
        return None
    panel = assemble(target, judges, data)
    sets, rows = dict(panel.controls), []
    kinds: tuple[Kind, ...] = ("elites", "first")
    for kind in kinds:
        kept = record.elites if kind == "elites" else record.first_rows
        if kept:
            images = record.images(kind)
            shown_images = np.stack([images[row.run, record.cells.index(row.class_index)] for row in kept])
            odds = np.asarray([row.log_odds for row in kept])
            found = panel.look(shown_images, np.asarray([row.class_index for row in kept]), log_odds=odds)
            sets[kind] = found
            rows += _rows(kind, kept, found, panel, record.class_names)
    facts = of_panel(panel, sets)
    for kind in set(kinds) & set(sets):
        runs_of = [row.run for row in rows if row.kind == kind and row.fools]
        counts = np.bincount(runs_of, minlength=record.runs) if runs_of else np.zeros(record.runs, int)
        facts["sets"][kind]["no_judge_agrees_of_each_run"] = counts.tolist()
    return Judged(facts, rows)


def _rows(
    kind: str, kept: Sequence[EliteRow], found: Found, panel: Panel, class_names: Sequence[str]
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
