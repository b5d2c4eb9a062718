"""Whether the files in the folder of a run are of one run, and which of them are missing."""

import numpy as np

from fooljax.errors import InputError, shown
from fooljax.runs.folder import MARK
from fooljax.runs.record import RunRecord


def check_summary(record: RunRecord) -> None:
    """Makes sure that `summary.json` is of the run whose archive, target and metrics stand beside it.

    Raises:
      InputError: it is of another run.
    """
    summary, cells = record.summary, record.runs * len(record.cells)
    last = record.metrics.get("generation")  # those in between may have been left out when it was published
    there = [
        ("runs", summary.get("runs"), record.runs, "archive.npz"),
        ("generations", summary.get("generations"), None if last is None else int(last.max()), "metrics.csv"),
        ("target_sha256", summary.get("target_sha256"), record.target_sha256, "target.json"),
        ("images", summary["rescored"].get("images"), cells, "archive.npz"),
    ]
    for name, found, expected, file in there:
        if None not in (found, expected) and found != expected:
            raise InputError(
                f"{record.path / MARK}: expected {name} {shown(expected)}, as in {file}, found {shown(found)}"
            )


def missing(record: RunRecord) -> list[str]:
    """A sentence for each kind of thing that the run once had and its folder lacks, with how many."""
    found = []
    occupied = int(np.sum(record.archive.occupied))
    if lacking := occupied - len(record.elites):
        found.append(f"elites.csv lacks {lacking:,} of {occupied:,} images of the archive.")
    first, rows = record.first, (record.path / "first.csv").is_file()
    fooled = record.summary.get("first_fooled")
    kept = fooled.get("images", 0) if isinstance(fooled, dict) else 0
    if first is not None and rows and (lacking := int(np.sum(first.occupied)) - len(record.first_rows)):
        found.append(f"first.csv lacks {lacking:,} of {int(np.sum(first.occupied)):,} images of first.npz.")
    for name, is_there in (("first.npz", first is not None), ("first.csv", rows)):
        if kept and not is_there:
            found.append(f"{name} is missing, with {kept:,} first images that fooled the network.")
    images = [*record.elites, *record.first_rows]
    if lacking := sum(record.file_of(row) is None for row in images):
        found.append(f"{lacking:,} of {len(images):,} image files are missing.")
    return found
