"""Finished runs on ImageNet as rows of a study: the log-odds of the saved image of each class."""

import hashlib
from pathlib import Path
from typing import Any

from fooljax.data.imagenet import NUM_CLASSES
from fooljax.errors import InputError
from fooljax.runs.tables import MAX_TABLE, read_rows, read_summary
from fooljax.storage.reading import name_of, read_regular


def identity(folder: Path) -> dict[str, Any]:
    """What tells an archive from others: the network that it was made against, and its table of elites.

    Args:
      folder: of a finished run.
    Raises:
      InputError: it is none, or a file is damaged.
    """
    summary = read_summary(folder / "summary.json")
    elites = hashlib.sha256(read_regular(folder / "elites.csv", MAX_TABLE)).hexdigest()
    return {
        "network": summary["target"],
        "target_sha256": summary["target_sha256"],
        "elites_sha256": elites,
    }


def figures(folder: Path) -> dict[str, Any]:
    """What a row says of an archive.

    Args:
      folder: of a finished run, the first run of which is read.
    Returns:
      `search` and `passes_in_all`, and `log_odds`: of each of the 1,000 classes that of its saved image, None
      for a class that it lacks.
    Raises:
      InputError: it is no run on ImageNet, or a file is damaged.
    """
    summary = read_summary(folder / "summary.json")
    odds = {row.class_index: row.log_odds for row in read_rows(folder / "elites.csv") if row.run == 0}
    if not odds or max(odds) >= NUM_CLASSES:
        raise InputError(f"{name_of(folder)}: expected a run on ImageNet's {NUM_CLASSES:,} classes")
    return {
        "search": f"{summary['encoding']}, {summary['strategy']}",
        "passes_in_all": summary.get("evaluations_before", 0) + summary["evaluations"] // summary["runs"],
        "log_odds": [odds.get(index) for index in range(NUM_CLASSES)],
    }
