r"""Why does fooling work? How sure networks are of random pictures, and of images far from all data.

    python -m experiments.random_pictures --outdir runs/random_pictures --size paper --data idx:DIR

Random pictures from noise to mixtures of clean images are shown to networks: the share of which a network is
sure, of whatever class. Images are then scaled, far outside the box of possible images (Hein et al. 2019).
The paper's reading, section 4: a network splits all of image space into its classes, and little of that space
has ever been seen.
"""

import functools
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fooljax import study
from fooljax.cli.study import run_study
from fooljax.data.dataset import Dataset
from fooljax.data.embedded import embedded_digits
from fooljax.engine.types import Target
from fooljax.report.random_pictures import figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, measured_sets
from fooljax.study.images import sheet_of
from fooljax.study.network_thresholds import thresholds_of
from fooljax.study.random_pictures import SOURCES, pictures
from fooljax.study.rays import ray_figures
from fooljax.targets.fitting import check_data

SHOWN = 10
"""Pictures of each source in the figure."""
FACTORS = tuple(float(factor) for factor in np.geomspace(1.0, 1000.0, 25).round(3))
RAYS = ("uniform_noise", "clean")
"""Sources whose pictures are scaled."""


@dataclass(frozen=True)
class Config(measured_sets.NetworkSettings):
    """Settings; the defaults are those of the published table."""

    draws: int = option(5, "How often pictures of each source are drawn.", least=1)
    count: int = option(400, "Pictures of a draw.", least=2)


SIZES = {"smoke": {"networks": "lenet-0,lenet-1", "draws": 1, "count": 50}, "paper": {}}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """Pictures to look at; then shares and rays for each network and draw."""
    del rows
    data = measured_sets.data_settings(config)
    yield Task("pictures", {"kind": "pictures", **data})
    for name in measured_sets.network_names(config):
        for run in range(config.draws):
            settings = {"network": name, "run": run, "count": config.count, **data}
            yield Task(f"shares,{name},run={run}", {"kind": "shares", **settings}, (name,))
            for source in RAYS:
                yield Task(
                    f"rays,{source},{name},run={run}", {"kind": "rays", "source": source, **settings}, (name,)
                )


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The measurements of one task."""
    (task,) = tasks
    kinds = {"pictures": _pictures, "shares": _shares, "rays": _rays}
    yield kinds[task.settings["kind"]](workspace, task)


def _pictures(workspace: Workspace, task: Task) -> dict[str, Any]:
    """Some pictures of every source. Those of digits come of digits that come with the package."""
    dataset = measured_sets.dataset_of(workspace.config.data)
    if dataset.image_shape == (28, 28, 1):
        dataset = embedded_digits()
    shown = {source: pictures(source, dataset, SHOWN, 0) for source in SOURCES}
    sheet = b64encode(sheet_of(np.concatenate(list(shown.values())))).decode()
    return {"shape": dataset.image_shape, "each": SHOWN, "png": sheet}


def _shares(workspace: Workspace, task: Task) -> dict[str, Any]:
    """The share of each source's pictures above every threshold, for any class."""
    settings, target, dataset = _asked(workspace, task)
    levels = thresholds_of(workspace, settings["network"], workspace.config.data)
    found = {}
    for source in SOURCES:
        odds = score(target, pictures(source, dataset, settings["count"], settings["run"]))
        sure = odds.max(axis=1)
        found[source] = {
            **levels.shares(odds),
            "median_log_odds": round(float(np.median(sure)), 3),
            "classes": np.bincount(odds.argmax(axis=1), minlength=odds.shape[1]).tolist(),
        }
    return {"thresholds": levels.row(), "sources": found}


def _rays(workspace: Workspace, task: Task) -> dict[str, Any]:
    """Log-odds along rays, and the factor that 99.9 % takes; the same after clipping back into the box."""
    settings, target, dataset = _asked(workspace, task)
    images = pictures(settings["source"], dataset, min(settings["count"], 200), settings["run"])
    return ray_figures(target, images, FACTORS)


def _asked(workspace: Workspace, task: Task) -> tuple[Mapping[str, Any], Target, Dataset]:
    """What a task is told, its network, and the data, whose images the network must take."""
    target = workspace.network(task.settings["network"])
    dataset = measured_sets.dataset_of(workspace.config.data)
    check_data(target, dataset)
    return task.settings, target, dataset


STUDY = study.Study(
    "random_pictures",
    "Shows random pictures to networks, and images that are scaled far from all data.",
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
