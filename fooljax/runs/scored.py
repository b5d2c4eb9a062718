"""Saved images, read back from their files once and scored by networks."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import confidence
from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.runs.elites import Kept, Paths, save_elites, slug
from fooljax.runs.images import read_image
from fooljax.runs.tables import FITNESS, OTHER, SECOND_COLUMNS
from fooljax.scoring import score
from fooljax.storage.csv_files import csv_text
from fooljax.storage.files import write_bytes

RESCORE_TOLERANCE = 1e-3
"""How far a saved image's score may be from that of the search, relative or absolute."""


def is_met(found: float, expected: float) -> bool:
    """Whether a saved image's score is that of the search, up to `RESCORE_TOLERANCE`."""
    return math.isclose(found, expected, rel_tol=RESCORE_TOLERANCE, abs_tol=RESCORE_TOLERANCE)


class Scores(NamedTuple):
    """What a network says of saved images.

    Attributes:
      own: `[R, C]` score of each image for its own cell, log-odds by default; -inf where there is no image.
      top: `[R, C]` index of the class that the network names; -1 where there is no image.
      top_odds: `[R, C]` score of that class; -inf where there is no image.
    """

    own: npt.NDArray[np.float64]
    top: npt.NDArray[np.int64]
    top_odds: npt.NDArray[np.float64]


class Scored(NamedTuple):
    """Saved images, and what networks say of them.

    Attributes:
      kept: what they were saved from.
      paths: of the files.
      images: `[R, C, H, W, K]`, as read back from the files; black where there is none.
      rescored: the scores of the network that was fooled.
      others: log-odds `[R, C]` of other scores, as of ten crops, by name.
      second: the scores of a second network, trained independently; None where there is none.
    """

    kept: Kept
    paths: Paths
    images: npt.NDArray[np.uint8]
    rescored: Scores
    others: Mapping[str, npt.NDArray[np.float64]]
    second: Scores | None


def save_and_score(
    folder: Path,
    kept: Kept,
    target: Target,
    objective: Objective,
    others: Mapping[str, Target],
    second: Target | None,
    tile: int,
) -> Scored:
    """Saves images, reads them back and shows them to every network.

    Args:
      folder: of the images.
      kept: what is saved.
      target: the network that was fooled.
      objective: what the search maximised.
      others: networks that score the images too, by name.
      second: a second network.
      tile: images a call.
    Raises:
      InputError: the second network knows other classes.
      FaultError: an image is not what the search found.
    """
    if second and tuple(second.class_names) != tuple(target.class_names):
        raise InputError(
            f"second network: expected the {len(target.class_names)} classes of {target.name}, got "
            f"{len(second.class_names)} of {second.name}, not the same"
        )
    paths = save_elites(folder, kept, target)
    images = _read_back(paths, kept.encoding.image_shape)

    def scores(network: Target, objective: Objective = LOG_ODDS, full_precision: bool = True) -> Scores:
        there = np.isfinite(kept.log_odds)
        return _scores(images, there, kept.cells, network, objective, tile, full_precision)

    rescored = scores(target, objective)
    if first_apart(paths, kept, rescored):
        # A GPU or TPU searches with less precise products; in those the file and the search must agree.
        check_rescored(paths, kept, scores(target, objective, full_precision=False))
    by_others = {name: scores(other).own for name, other in others.items()}
    return Scored(kept, paths, images, rescored, by_others, scores(second) if second else None)


def _read_back(paths: Paths, image_shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    images = np.zeros((len(paths), len(paths[0]), *image_shape), np.uint8)
    for run, row in enumerate(paths):
        for cell, path in enumerate(row):
            if path:
                images[run, cell] = read_image(path, image_shape)
    return images


def _scores(
    images: npt.NDArray[np.uint8],
    there: npt.NDArray[np.bool_],
    cells: tuple[int, ...],
    network: Target,
    objective: Objective,
    tile: int,
    full_precision: bool,
) -> Scores:
    found = Scores(np.full(there.shape, -np.inf), np.full(there.shape, -1), np.full(there.shape, -np.inf))
    if not there.any():
        return found
    runs, columns = np.nonzero(there)
    shown = images[runs, columns]
    scored = score(network, shown, objective=objective, tile=tile, full_precision=full_precision)
    rows = np.arange(len(scored))
    found.own[runs, columns] = scored[rows, np.asarray(cells)[columns]]
    found.top[runs, columns] = top = np.argmax(scored, axis=1)
    found.top_odds[runs, columns] = scored[rows, top]
    return found


def check_rescored(paths: Paths, kept: Kept, rescored: Scores) -> None:
    """Makes sure that the files hold what the search found.

    Raises:
      FaultError: an image's score differs from that of the search by more than the tolerance.
    """
    if place := first_apart(paths, kept, rescored):
        run, cell = place
        raise FaultError(
            f"{paths[run][cell]}: a score of {float(rescored.own[run, cell]):.6f} when read back, "
            f"{float(kept.log_odds[run, cell]):.6f} in the search"
        )


def first_apart(paths: Paths, kept: Kept, rescored: Scores) -> tuple[int, int] | None:
    """Run and cell of the first image whose score differs by more than the tolerance; None if none does."""
    for run, row in enumerate(paths):
        for cell, path in enumerate(row):
            if path and not is_met(float(rescored.own[run, cell]), float(kept.log_odds[run, cell])):
                return run, cell
    return None


def save_table(path: Path, scored: Scored, target: Target, group: Callable[[int], str]) -> None:
    """Writes `elites.csv` or `first.csv`: a row for each image, what networks say of it, when it was made.

    Args:
      path: of the table.
      scored: the images; empty cells have no row.
      target: names the classes.
      group: of related classes, by class index; "" where there are none.
    """
    archive, second = scored.kept.archive, scored.second
    births, queries = np.asarray(archive.births), np.asarray(archive.ids)
    others = [f"{OTHER}{slug(name).replace('-', '_')}" for name in scored.others]
    values = ["confidence", "log_odds"] if scored.kept.is_log_odds else [FITNESS]
    columns = ["run", "class", "class_name", "group", *values, *others]
    rows: list[list[Any]] = [[*columns, "generation", "query", "file", *SECOND_COLUMNS]]
    for run, row in enumerate(scored.paths):
        for cell, file in enumerate(row):
            if file:
                index = scored.kept.cells[cell]
                odds = [scored.rescored.own[run, cell], *(each[run, cell] for each in scored.others.values())]
                verdict: list[Any] = ["", "", ""]
                if second:
                    top = int(second.top[run, cell])
                    verdict = [top, target.class_names[top], cut_off(second.top_odds[run, cell])]
                named = [run, index, target.class_names[index], group(index)]
                born = [births[run, cell], queries[run, cell], file.relative_to(path.parent).as_posix()]
                sure = [cut_off(odds[0])] if scored.kept.is_log_odds else []
                rows.append([*named, *sure, *odds, *born, *verdict])
    write_bytes(path, csv_text(rows).encode())


def cut_off(odds: Any) -> float:
    """A confidence of nine digits that are cut off: never more than the image reached, and never 1."""
    return min(math.floor(float(confidence(odds)) * 1e9), 10**9 - 1) / 1e9
