"""The step of an audit that makes images against the network, and the controls beside them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fooljax.analysis.thresholds import Thresholds
from fooljax.audits.audited import NAME, Audited
from fooljax.audits.counted_scores import CountedScores
from fooljax.audits.levels import shares
from fooljax.engine.log_odds import rounded
from fooljax.engine.types import Target
from fooljax.study import attacks
from fooljax.study.image_sets import ImageSet, ImageSets


def of_attack(
    audited: Audited,
    sets: ImageSets,
    target: Target,
    thresholds: Thresholds,
    *,
    generator: str,
    runs: Sequence[int],
    passes: int,
    cells: Sequence[int],
) -> Iterator[dict[str, Any]]:
    """Makes sets of images and says how sure the network is of them.

    Args:
      audited: what is audited.
      sets: the folder of sets.
      target: the network, with what it needs put around it.
      thresholds: of the network.
      generator: out of `fooljax.study.generators.GENERATORS`.
      runs: indices of the runs.
      passes: network passes of each, at most.
      cells: the classes that images are made for.
    Yields:
      For each run: `images_digest`; `classes` and `log_odds` of the images; `shares` that reach each level,
      see `fooljax.audits.levels.shares`; `reached`: for each class the passes of the run by which it had
      99.99 %, None where it never had; `course`: passes, and the log-odds of the median class by then;
      `attack_passes` of the run, and `passes` of all this.
    """
    for found in made(sets, target, generator, runs, passes, cells):
        # Its images were scored when they were saved.
        ask = CountedScores(found.passes + 2 * len(found.classes))
        odds = ask(target, found.images)
        yield {
            "images_digest": found.digest,
            "classes": found.classes.tolist(),
            "log_odds": rounded(odds[np.arange(len(odds)), found.classes]),
            "shares": shares(thresholds, odds, found.classes, audited.counted(odds)),
            "reached": None if found.reached is None else list(found.reached),
            "course": [list(point) for point in found.course],
            "attack_passes": found.passes,
            "passes": ask.passes,
        }


def made(
    sets: ImageSets,
    target: Target,
    generator: str,
    runs: Sequence[int],
    passes: int,
    cells: Sequence[int],
) -> list[ImageSet]:
    """The sets of one generator; arguments as of `of_attack`."""
    specs = attacks.specs(NAME, [generator], runs=runs, passes=passes, cells=cells)
    return sets.get_many(specs, target)
