"""What a network says of clean images, class by class, and of random pictures, as a row of a study."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from fooljax.analysis.difficulty import clean_figures
from fooljax.scoring import score
from fooljax.study.measured_sets import dataset_of
from fooljax.study.network_thresholds import PHOTOGRAPHS, clean_answers
from fooljax.study.retraining_lessons import first_generation
from fooljax.study.study import Workspace
from fooljax.study.task import Task

RANDOM_IMAGES = 500
"""Random CPPN images on which a network's leaning to some classes is measured."""


def rows(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The measurements of each task.

    Args:
      workspace: of the study; it has the networks.
      tasks: with `network` and `data`, the name of a data set or `PHOTOGRAPHS`.
    Yields:
      `target_sha256`, `clean_data`, `clean_images` and `random_images` (counts), `thresholds`, what
      `fooljax.analysis.difficulty.clean_figures` gives, and `random_log_odds`: for each class the median over
      the random pictures.
    """
    for task in tasks:
        name, spec = task.settings["network"], task.settings["data"]
        target = workspace.network(name)
        odds, labels, thresholds = clean_answers(workspace, name, spec)
        random = first_generation(target, RANDOM_IMAGES, jax.random.key(0))
        yield {
            "target_sha256": target.provenance.get("params_sha256"),
            "clean_data": spec if spec == PHOTOGRAPHS else dataset_of(spec).name,
            "clean_images": len(labels),
            "thresholds": thresholds.row(),
            "random_images": RANDOM_IMAGES,
            **clean_figures(odds, labels),
            "random_log_odds": np.median(score(target, random), axis=0).tolist(),
        }
