"""Scores the saved images of a finished run again, as on another machine, and compares."""

from pathlib import Path

import numpy as np

from fooljax.engine.placement import device_in_words, place_of
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.runs.images import read_image
from fooljax.runs.record import RunRecord
from fooljax.runs.scored import is_met
from fooljax.runs.tables import EliteRow
from fooljax.scoring import score


def kept_images(record: RunRecord) -> list[tuple[EliteRow, Path]]:
    """The best images of a run whose files are in its folder, each with what the run says of it.

    Raises:
      InputError: there is none, or the run maximised something else than log-odds.
    """
    if not record.is_log_odds:
        raise InputError(f"rescore: the run maximised {record.objective}, which is no confidence")
    kept = [(row, file) for row in record.elites if (file := record.file_of(row)) is not None]
    if not kept:
        raise InputError(f"rescore: {shown(record.path)}: expected images to score, found none")
    return kept


def rescored_in_words(record: RunRecord, target: Target) -> str:
    """Scores the best images of a run from their files, and says whether they are as in its tables.

    Args:
      record: of the run.
      target: the network that was fooled.
    Raises:
      InputError: as `kept_images`.
    """
    kept = kept_images(record)
    images = np.stack([read_image(file, record.image_shape) for _, file in kept])
    classes = [row.class_index for row, _ in kept]
    found = score(target, images)[np.arange(len(kept)), classes].astype(np.float64)
    told = np.asarray([row.log_odds for row, _ in kept])
    if not (wrong := sum(not is_met(*pair) for pair in zip(found, told, strict=True))):
        return f"scored again: all {len(kept):,} images have the log-odds of elites.csv, up to a thousandth"
    then = shown(record.summary.get("device", "an unknown device"))
    now = device_in_words(place_of(target.params))
    return (
        f"scored again: {wrong:,} of {len(kept):,} images have other log-odds than in elites.csv, by up to "
        f"{np.max(np.abs(found - told)):.2g}; they were scored on {then} then, and on {now} now"
    )
