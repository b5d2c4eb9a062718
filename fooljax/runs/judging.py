"""Shows the saved images of a run to held-out judges, and says what came of it: `panel` in `summary.json`.

A run does it when it ends, `fooljax report RUN --judges NAMES` for any finished run, from its folder alone.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fooljax.analysis.panel import Found, Panel, assemble
from fooljax.data.dataset import Dataset
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.runs.folder import MARK
from fooljax.runs.judge_names import AUTO, NONE
from fooljax.runs.panel_table import FILE, Distance, JudgeSays, PanelRow, save_panel_rows
from fooljax.runs.plan import RunPlan
from fooljax.runs.record import Kind, RunRecord
from fooljax.runs.scored import cut_off
from fooljax.runs.summary import NOT_MEASURED, confidence_below_1, finite
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
    return Judged(_facts(panel, sets), rows)


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


def _facts(panel: Panel, sets: Mapping[str, Found]) -> dict[str, Any]:
    """The entry `panel` of `summary.json`."""
    judges = {}
    for name, judge in panel.judges.items():
        one = panel.calibrations[name]
        judges[name] = {
            "name": judge.name,
            "sha256": judge.provenance.get("params_sha256"),
            "same_family": name in panel.relatives,
            "names_clean_images_rightly": one.right,
            "threshold_log_odds": finite(one.threshold),
            "threshold_confidence": confidence_below_1(one.threshold) if one.clean_images else None,
            "noise_above_threshold": one.noise_accepted,
            "refused": one.fault or None,
        }
    return {
        "judges": judges,
        "clean_images": None
        if panel.data is None
        else {
            "dataset": panel.data.name,
            "source": panel.data.source,
            "calibrated_on": max(one.clean_images for one in panel.calibrations.values()),
            "distances_to": len(panel.data.train_labels) if panel.controls["clean"].apart else None,
            "held_out_from_all_networks": panel.held_out,
        },
        "features_of": panel.features_of or None,
        "sets": {name: _of_set(found) for name, found in sets.items()},
    }


def _of_set(found: Found) -> dict[str, Any]:
    """What came out for one set of images.

    Counts of what no judge, or every one, agrees with are of the images that fool the network; all others are
    of all images.
    """
    told = found.fooling
    others = told.none_of_others
    return {
        "images": len(found.classes),
        "fooled": int(np.sum(told.fooled)),
        "no_judge_agrees": int(np.sum(told.none)),
        "no_judge_of_another_family_agrees": None if others is None else int(np.sum(others)),
        "every_judge_agrees": int(np.sum(told.every)),
        "judges": {
            name: {
                "agrees": int(np.sum(told.agrees[name])) if name in told.agrees else None,
                "names_the_class": int(np.sum(verdict.top == found.classes)),
                "median_log_odds": finite(np.median(verdict.own)),
            }
            for name, verdict in found.verdicts.items()
        },
        "distances": {
            name: {
                "median": float(np.median(one.distances)),
                "median_percentile": float(np.median(one.percentiles)),
                "nearest_is_of_the_class": int(np.sum(one.classes == found.classes)),
            }
            for name, one in found.apart.items()
        },
        "after": {
            name: {
                "still_named": int(np.sum(one.named)),
                "still_fooled": int(np.sum(told.fooled & (one.log_odds >= FOOLED))),
                "median_log_odds": finite(np.median(one.log_odds)),
            }
            for name, one in found.survival.items()
        },
    }
