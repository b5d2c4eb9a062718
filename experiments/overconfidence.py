r"""Are networks sure of what lies far from all data, and does it help to train them not to be?

    python -m experiments.overconfidence --size smoke --outdir runs/overconfidence
    python -m experiments.overconfidence --size paper --data idx:DIR --outdir runs/overconfidence

Networks are trained plainly, with a uniform target on noise (in the manner of CEDA), and with a uniform
target on noise that is made to fool them (in the manner of ACET). Temperature scaling is the fourth way. Each
is shown noise, rays far out of the box, and images that fresh evolution and gradient ascent make against it.
Source: Hein et al. 2019 (arXiv 1812.05720). Threat model: evolution sees the defended network's logits,
gradient ascent its gradients. All images but those along rays are 8-bit images in the box.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import study
from fooljax.analysis.overconfidence import overconfidence_metrics
from fooljax.analysis.thresholds import clean_thresholds
from fooljax.cli.study import run_study
from fooljax.data.dataset import Dataset
from fooljax.data.loading import HELP
from fooljax.engine.types import Target
from fooljax.report.overconfidence import RAYS, figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import ImageSets, ImageSettings, Row, SetSpec, Task, Workspace, attacks, measured_sets
from fooljax.study.far_noise import NOISES, noise_images
from fooljax.study.random_pictures import pictures
from fooljax.study.rays import ray_figures
from fooljax.study.trainings import (
    ADVERSARIAL,
    EXPOSED,
    PLAIN_KIND,
    Training,
    clean_of,
    drawn_from,
    network,
    training_of,
)
from fooljax.targets.networks.trainable import NETWORKS

__all__ = ["STUDY", "findings", "main"]

TRAININGS = (PLAIN_KIND, EXPOSED, ADVERSARIAL)
GENERATORS = (*attacks.FRESH, "random_search_direct", "random_search_cppn")
FACTORS = tuple(float(factor) for factor in np.geomspace(1.0, 1e6, 37).round(3))


@dataclass(frozen=True)
class Config(ImageSettings):
    """Settings; the defaults are those of the published table."""

    data: str = option("embedded", HELP)
    network: str = option("mlp", "The architecture of all networks.", choices=tuple(NETWORKS))
    trainings: str = option(",".join(TRAININGS), "Ways to train, with commas between them.")
    learnt: int = option(4000, "Images that each network learns from.", least=64)
    steps: int = option(1000, "Gradient steps of every training.", least=1)
    seeds: int = option(3, "Networks for each way to train.", least=1)
    count: int = option(400, "Images of noise of each kind.", least=2)
    generators: str = option(",".join(GENERATORS), "Kinds of images that are made, with commas between.")
    runs: int = option(1, "Sets of images of each kind against each network.", least=1)
    passes: str = option("2500,5000", "Network passes that a set may cost, with commas between budgets.")


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"learnt": 1000, "steps": 60, "seeds": 2, "count": 40},
        **{"trainings": "exposed", "generators": "direct", "passes": "400"},
    },
    "paper": {},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """For each network: clean images, noise, rays, and the sets that are made against it."""
    del rows
    kinds = measured_sets.parse_choices(config.trainings, TRAININGS, "--trainings")
    generators = measured_sets.parse_choices(config.generators, GENERATORS)
    dataset = measured_sets.dataset_of(config.data)
    for kind in kinds:
        for seed in range(config.seeds):
            training = Training(config.network, kind, config.learnt, config.steps, seed)
            settings = {"network": training.name, "training": kind, "learnt": config.learnt, "seed": seed}
            settings |= {"steps": config.steps, "data": dataset.name, "data_sha256": dataset.digest}
            for name, more in _of_network(config, generators):
                yield Task(f"{training.name},{name}", settings | more, (training.name,), training.name)


def _of_network(config: Config, generators: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tasks of each network, in order: a name and what only this task is told."""
    yield "network", {"kind": "network"}
    for noise in NOISES:
        yield noise, {"kind": "noise", "noise": noise, "count": config.count}
    for source in RAYS:
        yield f"rays,{source}", {"kind": "rays", "source": source, "count": config.count}
    for generator in generators:
        for budget in sorted(measured_sets.parse_numbers(config.passes, "--passes", least=400)):
            for run in range(config.runs):
                settings = {"generator": generator, "budget": budget, "run": run}
                yield f"{generator},passes={budget},run={run}", {"kind": "attack", **settings}


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The measurements of one network."""
    name = tasks[0].settings["network"]
    target, training = workspace.network(name), training_of(name)
    dataset = measured_sets.dataset_of(workspace.config.data)
    images, labels = clean_of(dataset, training)
    clean = score(target, images)
    thresholds = clean_thresholds(clean, labels)
    specs = [
        SetSpec(name, settings["generator"], settings["run"], settings["budget"])
        for settings in (task.settings for task in tasks)
        if settings["kind"] == "attack"
    ]
    made = attacks.make_and_measure(ImageSets(workspace.config.images), specs, target, thresholds)
    for task in tasks:
        settings = task.settings
        if settings["kind"] == "network":
            yield {
                "clean_images": len(images),
                "clean_accuracy": float(np.mean(clean.argmax(axis=1) == labels)),
                "thresholds": thresholds.row(),
                **attacks.symptoms(target, *_starts(target, dataset)),
                **overconfidence_metrics(clean, clean, thresholds),
            }
        elif settings["kind"] == "noise":
            noise = noise_images(settings["noise"], target, dataset, settings["count"], training.seed)
            yield overconfidence_metrics(score(target, noise), clean, thresholds)
        elif settings["kind"] == "rays":
            far = pictures(
                settings["source"], drawn_from(dataset, training), settings["count"], training.seed
            )
            yield ray_figures(target, far, FACTORS)
        else:
            found, figures_of = next(made)
            yield {**figures_of, **overconfidence_metrics(score(target, found.images), clean, thresholds)}


def _starts(target: Target, dataset: Dataset) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.integer]]:
    """Images that searches and ascents begin with, or come by, and a class to aim at for each."""
    kinds = ("uniform_noise", "smooth_noise")
    noise = np.concatenate([noise_images(kind, target, dataset, 100, 0) for kind in kinds])
    return noise, np.arange(len(noise)) % dataset.num_classes


STUDY = study.Study(
    "overconfidence",
    "Asks networks about noise and far from all data, and fools those that were trained against it.",
    Config,
    tasks,
    network,
    measure,
    tables,
    figures,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
