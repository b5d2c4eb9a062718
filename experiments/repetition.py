r"""Does repetition make a network surer? Copies of repeated elements are found, removed and added.

    python -m experiments.repetition --outdir runs/repetition --size paper --data idx:DIR

In every image a program looks for an element that is repeated (`fooljax.analysis.repetition`). Copies are
then removed, shown alone and added, and each change is paired with the same change to random windows of equal
area. Source: Nguyen et al. 2015, figure 9, where it was done by hand.
"""

import functools
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import study
from fooljax.analysis.copies_removed import changes, remove_one_by_one, windows_at_random
from fooljax.analysis.repetition import Repetition, find_repetition
from fooljax.analysis.windows import Image, shared_area
from fooljax.cli.study import run_study
from fooljax.engine.types import Target
from fooljax.report.repetition import figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, measured_sets
from fooljax.study.images import sheet_of, small

PAPER = ("cppn_paper", "random_search_cppn_paper", "random_cppn_paper")
GENERATORS = (
    *PAPER,
    "cppn",
    "direct",
    "gradient",
    "uniform_noise",
    "gaussian_noise",
    measured_sets.CLEAN,
)
ASKED_FOR = (measured_sets.ARCHIVE, "random_search_cppn", "random_cppn")
"""Kinds of images that are measured only where they are named: a finished run, and the controls of `cppn`."""


@dataclass(frozen=True)
class Config(measured_sets.SetSettings):
    """Settings; the defaults are those of the published table."""

    paper_passes: int = option(
        40_000,
        "Network passes of a set that the paper's search makes.",
        source="The paper's 200 x 200.",
        least=400,
    )
    generators: str = option(",".join(GENERATORS), "Kinds of images that are measured, with commas between.")
    draws: int = option(8, "How often copies and random windows are drawn for each image.", least=1)


SIZES = {
    "smoke": {
        **measured_sets.SMOKE,
        **{"generators": "cppn_paper,uniform_noise,clean", "paper_passes": 1000, "draws": 2},
    },
    "paper": {},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """A task for each network, generator and run."""
    del rows
    kinds = measured_sets.parse_choices(config.generators, (*GENERATORS, *ASKED_FOR))
    for task in measured_sets.tasks(config, kinds, dict.fromkeys(PAPER, config.paper_passes)):
        yield Task(task.name, {**task.settings, "draws": config.draws}, task.networks, task.together)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """Looks for repetition in every image of a set, and measures what the copies do."""
    for task, (target, one) in zip(tasks, measured_sets.measured(workspace, tasks), strict=True):
        rng = np.random.default_rng(task.settings["run"])
        found = [find_repetition(image) for image in one.images]
        effects, examples = [], []
        for image, cell, repetition in zip(one.images, one.classes, found, strict=True):
            if repetition is not None:
                effects.append(
                    {
                        "class": int(cell),
                        "copies": len(repetition.copies),
                        "size": repetition.size,
                        **_effect(target, image, int(cell), repetition, task.settings["draws"], rng),
                    }
                )
                if task.settings["generator"] != measured_sets.CLEAN:  # rows hold no picture of a data set
                    examples.append((len(repetition.copies), image, int(cell), repetition))
        figures = {**one.facts, "images": len(one.images), "repeating": len(effects), "effects": effects}
        if examples:
            _, image, cell, repetition = max(examples, key=lambda found: found[0])
            figures["example"] = _example(target, image, cell, repetition, rng)
        yield figures


def _effect(
    target: Target, image: Image, cell: int, found: Repetition, draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """The log-odds of the image and of each change to it, the mean over draws."""
    made: dict[str, list[Image]] = {}
    overlap = []
    for _ in range(draws):
        for name, changed in changes(image, found, rng).items():
            made.setdefault(name, []).append(changed)
        overlap.append(shared_area(windows_at_random(image, found, 1, rng), found.copies, found.size))
    odds = _odds(target, np.stack([image, *(one for some in made.values() for one in some)]), cell)
    ends = np.cumsum([1, *map(len, made.values())])
    means = {
        name: round(float(np.mean(odds[start:end])), 3)
        for name, start, end in zip(made, ends[:-1], ends[1:], strict=True)
    }
    return {"before": round(float(odds[0]), 3), "overlap": round(float(np.mean(overlap)), 3), **means}


def _example(
    target: Target, image: Image, cell: int, found: Repetition, rng: np.random.Generator
) -> dict[str, Any]:
    """An image, its copies in a random order, and the log-odds as they go; and as random windows go."""
    order = [found.copies[place] for place in rng.permutation(len(found.copies))]
    others = windows_at_random(image, found, len(order), rng)
    return {
        "png": b64encode(sheet_of(small(image[None]))).decode(),
        "shape": image.shape[:2],
        "class": target.class_names[cell] if target.class_names else cell,
        "size": found.size,
        "copies": order,
        "log_odds": _odds(target, np.stack(remove_one_by_one(image, order, found.size)), cell).tolist(),
        "random_log_odds": _odds(
            target, np.stack(remove_one_by_one(image, others, found.size)), cell
        ).tolist(),
    }


def _odds(target: Target, images: npt.NDArray[np.uint8], cell: int) -> npt.NDArray[np.float32]:
    return score(target, images)[:, cell]


STUDY = study.Study(
    "repetition",
    "Removes and adds copies of the elements that images repeat.",
    Config,
    tasks,
    measured_sets.network,
    measure,
    tables,
    figures,
    measured_sets.check_network,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)
__all__ = ["STUDY", "Config", "findings", "main"]

if __name__ == "__main__":
    sys.exit(main())
