"""Finished runs on ImageNet in a study: the saved image of each class, and its log-odds."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.data.imagenet import NUM_CLASSES
from fooljax.errors import InputError, shown
from fooljax.runs.opened import open_folder
from fooljax.runs.tables import DAMAGE, MAX_TABLE, read_rows, read_summary
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


def passes_of(folder: Path) -> int:
    """The network passes of one run of a finished search, those included of the run that it began from."""
    summary = read_summary(folder / "summary.json")
    return int(summary.get("evaluations_before", 0) + summary["evaluations"] // summary["runs"])


def images(
    folder: Path, classes: Collection[int] | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.integer]]:
    """The images of a finished run, and their classes.

    Args:
      folder: of the run, the first run of which is read.
      classes: those that are wanted; None for all.
    Returns:
      `[N, H, W, K]` and `[N]`, the classes rising.
    Raises:
      InputError: it is no finished run, a file is damaged, or it has no image of these classes.
    """
    record = open_folder(folder)
    known = {row.class_index for row in record.elites if row.run == 0}
    chosen = np.array(sorted(known if classes is None else known & set(classes)), np.int32)
    if not chosen.size:
        raise InputError(f"{name_of(folder)}: expected images of the classes asked for, found none")
    return record.images()[0][[record.cells.index(index) for index in chosen]], chosen


def agreements(folder: Path) -> dict[str, Any]:
    """How often networks that had no part in a search see in an image the class that it is for.

    Args:
      folder: of a finished run whose images judges were shown.
    Returns:
      For each judge whether it is of the `same_family` as the network that was searched. For each set of
      images, the controls included, the images on which it `agrees`, see `fooljax.analysis.judges`, and all
      images. Judges that were refused are left out.
    Raises:
      InputError: it is none, no judge was shown its images, or a file is damaged.
    """
    panel = read_summary(folder / "summary.json").get("panel")
    if not panel:
        raise InputError(f"{name_of(folder)}: expected a run whose images judges were shown, found none")
    try:
        return {
            name: {
                "same_family": facts["same_family"],
                "agrees": {
                    kind: [found["judges"][name]["agrees"], found["images"]]
                    for kind, found in panel["sets"].items()
                },
            }
            for name, facts in panel["judges"].items()
            if not facts["refused"]
        }
    except (*DAMAGE, AttributeError) as error:
        what = f"what judges said of its images, found something else ({shown(error)})"
        raise InputError(f"{name_of(folder)}: expected {what}") from error


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
        "passes_in_all": passes_of(folder),
        "log_odds": [odds.get(index) for index in range(NUM_CLASSES)],
    }
