r"""How many dimensions do images have? Clean, evolved and random ones, by two estimators.

    python -m experiments.intrinsic_dimension --outdir runs/intrinsic_dimension --size paper --data idx:DIR

Natural images fill little of the space of all images, so that most of it was never seen by a network. The
dimension of a set says how little. It is estimated from the distances between nearest neighbours, by maximum
likelihood and by TwoNN (`fooljax.analysis.intrinsic_dimension`), always from equally many images.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import study
from fooljax.analysis.intrinsic_dimension import dimensions, distinct
from fooljax.cli.study import run_study
from fooljax.errors import InputError
from fooljax.report.intrinsic_dimension import figures, findings, tables
from fooljax.settings import option
from fooljax.study import ImageSets, Row, SetSpec, Task, Workspace, measured_sets
from fooljax.study.random_pictures import SOURCES, pictures

EVOLVED = ("cppn", "cppn_paper", "direct", "gradient", "random_search_cppn")
KNOWN = (5, 10, 20)
"""Dimensions of made sets, which tell how much is underestimated at so many points."""
KS = (5, 10, 20)
FEWEST = 2 * max(KS) + 2
"""Images of which each half still has as many neighbours as are asked for."""
MORE = 6
"""Random CPPNs that are drawn for each that is wanted."""


@dataclass(frozen=True)
class Config(measured_sets.SetSettings):
    """Settings; the defaults are those of the published table."""

    paper_passes: int = option(40_000, "Network passes of a set that the paper's search makes.", least=400)
    generators: str = option(
        ",".join(EVOLVED), "What makes the images against networks, with commas between; or none."
    )
    few: int = option(200, "Images of each source where evolved ones are among them.", least=50)
    many: int = option(2000, "Images of each source where there are so many.", least=50)
    draws: int = option(40, "Halves of the images, for the intervals.", least=2)


SIZES = {
    # Three networks: the 40 images of two would be too few for halves in which each has 20 neighbours.
    "smoke": {
        **measured_sets.SMOKE,
        **{"networks": "lenet-0,lenet-1,lenet-2", "paper_passes": 1000, "few": 50, "many": 50, "draws": 5},
    },
    "paper": {},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """A task for each source and number of images; evolved images only where few are asked for."""
    del rows
    common = {"ks": KS, "draws": config.draws, **measured_sets.data_settings(config)}
    images = len(measured_sets.dataset_of(config.data).test_labels)
    if images < FEWEST:
        raise InputError(f"--data: expected {FEWEST} test images or more, got {images}")
    if config.few > config.many:
        raise InputError(f"--few: expected at most --many {config.many}, got {config.few}")
    for count in dict.fromkeys((config.few, config.many)):
        for dimension in KNOWN:
            yield Task(
                f"known,{dimension},{count}", {"source": f"known_{dimension}", "count": count, **common}
            )
        for source in SOURCES:
            yield Task(f"random,{source},{count}", {"source": source, "count": count, **common})
    names = tuple(measured_sets.network_names(config))
    wanted = [] if config.generators == "none" else measured_sets.parse_choices(config.generators, EVOLVED)
    for generator in wanted:
        passes = config.paper_passes if generator == "cppn_paper" else config.passes
        settings = {"source": f"evolved_{generator}", "count": config.few, **common}
        settings |= {"runs": config.runs, "budget": passes}
        yield Task(f"evolved,{generator},{config.few}", settings, names)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The dimension of a set by every estimator, with its interval."""
    for task in tasks:
        settings = task.settings
        points = _points(workspace, task)
        different = len(distinct(points))
        count = min(settings["count"], different)
        chosen = np.random.default_rng(0).permutation(different)[:count]
        found = dimensions(distinct(points)[chosen], settings["ks"], draws=settings["draws"])
        yield {
            "images": len(points),
            "different": different,
            "points": count,
            "dimension": {name: [round(end, 4) for end in one.interval] for name, one in found.items()},
        }


def _points(workspace: Workspace, task: Task) -> npt.NDArray[Any]:
    """The images of a task's source, or points of a known dimension among as many numbers."""
    source, count = task.settings["source"], task.settings["count"]
    dataset = measured_sets.dataset_of(workspace.config.data)
    if source.startswith("known_"):
        rng = np.random.default_rng(0)
        dimension = int(source.removeprefix("known_"))
        axes = np.linalg.qr(rng.normal(size=(int(np.prod(dataset.image_shape)), dimension)))[0]
        return rng.normal(size=(count, dimension)) @ axes.T
    if source in SOURCES:
        # Random CPPNs are often of one colour, and equal ones count once: so more are drawn.
        return pictures(source, dataset, MORE * count if source.startswith("cppn") else count, 0)
    generator, sets = source.removeprefix("evolved_"), ImageSets(workspace.config.images)
    found = [
        one.images
        for name in task.networks
        for one in sets.get_many(
            [SetSpec(name, generator, run, task.settings["budget"]) for run in range(task.settings["runs"])],
            workspace.network(name),
        )
    ]
    return np.concatenate(found)


STUDY = study.Study(
    "intrinsic_dimension",
    "Estimates the intrinsic dimension of clean, evolved and random images.",
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
