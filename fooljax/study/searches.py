"""The tasks of a group as the runs of one search, side by side in one program, and cells of tables."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.analysis.statistics import median_interval, ratio_interval
from fooljax.engine.log_odds import FOOLED, FOOLED_CONFIDENCE
from fooljax.engine.types import Encoding, Strategy, Target
from fooljax.evolution import Evolution, search
from fooljax.scoring import score
from fooljax.study import numbers
from fooljax.study.study import Workspace
from fooljax.study.tables import values_by_network
from fooljax.study.task import Row, Task

PASSES_UNIT = """\
Passes are all that the network was asked, forward and backward counted each, first images included. Medians
over runs; a unit is a run on an independently trained network. Brackets: 95 %, for further networks trained
alike, by a t-interval over the networks' own medians; where there is one network, for further runs against
it. Ratios: of the medians over all runs; their brackets by a t-interval over the networks' own ratios. "At
most": some runs of the paper's search had not done it when their budget ended; the end of the budget stands
for what they would have needed."""
"""What `passes_cells` speaks of, for a reader of a table."""


def search_side_by_side(
    workspace: Workspace,
    tasks: Sequence[Task],
    target: Target,
    encoding: Encoding,
    strategy: Strategy,
    *,
    key: jax.Array,
    passes: int,
    init_size: int | None = None,
) -> Iterator[tuple[npt.NDArray[np.uint8], dict[str, Any]]]:
    """Searches until every class of every run is fooled or the passes are spent.

    The elites of each run are saved, read back and scored: the measurements of images are those of the files.

    Args:
      workspace: where the images are kept.
      tasks: one for each run.
      target: the network.
      encoding: draws the images.
      strategy: proposes them.
      key: of the search. Run r uses `fold_in(key, r)`.
      passes: network passes of a run, at most.
      init_size: random genomes to begin with; by default as many as the strategy has children.
    Yields:
      For each run its saved images `[C, H, W, K]`, one for each class, and its measurements.
    """
    spent = [0]
    evolution = search(
        target,
        encoding,
        strategy,
        key=key,
        generations=passes // strategy.batch_size,
        runs=len(tasks),
        init_size=init_size,
        until=FOOLED_CONFIDENCE,
        on_chunk=lambda progress: spent.append(progress.queries),
        stop=lambda: spent[-1] >= passes * len(tasks),
    )
    for run, (task, images) in enumerate(zip(tasks, evolution.images(), strict=True)):
        images = workspace.save_images(task, images)
        odds = score(target, images)[range(len(images)), evolution.cells]
        figures = {
            "target_sha256": target.provenance.get("params_sha256"),
            **passes_needed(evolution, run, passes),
            "rescored_log_odds": odds.tolist(),
            "images_at_9999": int(np.sum(odds >= FOOLED)),
            "images": int(odds.size),
            "seconds_search_all_seeds": round(evolution.seconds_search, 2),
            "seconds_compile": round(evolution.seconds_compile, 2),
        }
        yield images, figures


def passes_needed(evolution: Evolution, run: int, passes: int) -> dict[str, int | None]:
    """Network passes until the median class and until all classes were fooled, and passes in all.

    Args:
      evolution: of one or more runs.
      run: index of the run.
      passes: what came after so many is not counted. None stands for a class that was not fooled by then.
    """
    queries = evolution.metrics["queries"][run]
    found: dict[str, int | None] = {}
    for name, metric in (("passes_to_median", "median_log_odds"), ("passes_to_all", "min_log_odds")):
        reached = (evolution.metrics[metric][run] >= FOOLED) & (queries <= passes)
        found[name] = int(queries[np.argmax(reached)]) if reached.any() else None
    return {**found, "passes": int(min(queries[-1], passes))}


def passes_cells(rows: Sequence[Row], paper: Sequence[Row]) -> dict[str, str]:
    """Writes what a line of a table says of runs of `search_side_by_side`.

    Args:
      rows: of one line of the table, with the entries `target_seed` and `budget` (the passes of a run).
      paper: of the paper's search. Runs of it that had not fooled all classes when their budget ended count
        as if they had then. The ratio to it is a bound where there are such, and says so.
    Returns:
      The cells by the head of their column.
    """
    median, every = (
        values_by_network(rows, name, network="target_seed", missing=np.inf)
        for name in ("passes_to_median", "passes_to_all")
    )
    images = sum(row["images_at_9999"] for row in rows) / sum(row["images"] for row in rows)
    return {
        "networks x runs": f"{len(every)} x {len(rows) / len(every):g}",
        "passes until the median class": numbers.needed(median_interval(median), rows[0]["budget"]),
        "passes until all classes": numbers.needed(median_interval(every), rows[0]["budget"]),
        "runs with all": f"{sum(row['passes_to_all'] is not None for row in rows)} of {len(rows)}",
        "images >= 99.99 %": numbers.percent(images),
        "ratio to the paper's": "1" if rows == paper else _ratio(every, paper),
    }


def _ratio(groups: Sequence[Sequence[float]], paper: Sequence[Row]) -> str:
    others = values_by_network(paper, _passes_or_budget, network="target_seed")
    if len(groups) != len(others):
        return numbers.NONE
    written = numbers.ratio(ratio_interval(groups, others))
    bound = any(row["passes_to_all"] is None for row in paper) and written != numbers.NONE
    return f"at most {written}" if bound else written


def _passes_or_budget(row: Row) -> float:
    return float(row["budget"] if row["passes_to_all"] is None else row["passes_to_all"])
