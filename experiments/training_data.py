r"""Are networks harder to fool when they learnt from more and more diverse images?

    python -m experiments.training_data --size smoke --outdir runs/training_data
    python -m experiments.training_data --size paper --data idx:DIR --outdir runs/training_data
    python -m experiments.training_data --networks resnet20,resnet32,resnet44,resnet56 --data npz:DIR \
        --weights DIR --passes 2000 --runs 5 --outdir runs/training_data_cifar10

Networks are trained on a growing number of images, and on one number in several ways, all with equally many
gradient steps. Each is then met by fresh searches of equal budget. Networks that are trained already are
compared by depth. Threat model: the searches see logits. All images are 8-bit images in the box.
"""

import functools
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fooljax import study
from fooljax.analysis.statistics import lower_median
from fooljax.analysis.thresholds import clean_thresholds, scaled_log_odds
from fooljax.cli.study import run_study
from fooljax.errors import InputError
from fooljax.report.training_data import figures, tables
from fooljax.report.training_trends import findings
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import ImageSets, ImageSettings, Row, SetSpec, Task, Workspace, attacks, measured_sets
from fooljax.study.generators import NOISE
from fooljax.study.trainings import KINDS, PLAIN_KIND, Training, clean_of, network, parse_training
from fooljax.targets.networks.trainable import NETWORKS
from fooljax.targets.training import RECIPES

__all__ = ["STUDY", "findings", "main"]

GENERATORS = (*attacks.FRESH, *attacks.CONTROLS)
DIVERSE = ("few", "shifted", "rejecting", "exposed")


@dataclass(frozen=True)
class Config(measured_sets.NetworkSettings, ImageSettings):
    """Settings; the defaults are those of the published table of digits."""

    networks: str = option(
        "mlp",
        f"Architectures that are trained ({', '.join(NETWORKS)}), or networks that are trained already, with "
        "commas between them.",
    )
    sizes: str = option("250,1000,4000,15000,60000", "Numbers of training images, with commas between them.")
    trainings: str = option(
        ",".join(DIVERSE), "Further ways to train, with commas; or none.", source="Out of few to adversarial."
    )
    trainings_images: int = option(4000, "Training images of the further ways to train.", least=64)
    steps: int = option(1000, "Gradient steps of every training.", least=1)
    seeds: int = option(5, "Networks for each number of images and way to train.", least=1)
    generators: str = option(",".join(GENERATORS), "Kinds of images that are made, with commas between.")
    runs: int = option(1, "Sets of images of each kind against each network.", least=1)
    passes: int = option(5000, "Network passes that a set may cost.", least=400)


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"sizes": "250,500", "trainings": "none", "steps": 60, "seeds": 2},
        **{"generators": "direct,uniform_noise", "passes": 400},
    },
    "paper": {},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """For each network what it says of clean images, then the sets that are made against it."""
    del rows
    kinds = measured_sets.parse_choices(config.generators, GENERATORS)
    for name in measured_sets.network_names(config):
        for training in _trainings(config, name) if name in NETWORKS else [None]:
            common = _settings(name, training) | measured_sets.data_settings(config)
            yield Task(
                f"network,{common['network']}",
                {"kind": "network", **common},
                (common["network"],),
                common["network"],
            )
            for generator in kinds:
                for run in range(config.runs):
                    settings = {"kind": "attack", **common, "generator": generator, "run": run}
                    settings["budget"] = 0 if generator in NOISE else config.passes
                    task = f"{common['network']},{generator},run={run}"
                    yield Task(task, settings, (common["network"],), common["network"])


def _trainings(config: Config, architecture: str) -> list[Training]:
    """Plain networks of all sizes, then those of other trainings."""
    sizes = measured_sets.parse_numbers(config.sizes, "--sizes")
    if min(sizes) < (batch := RECIPES["paper"].batch_size):
        raise InputError(f"--sizes: expected {batch} or more, a step's images, got {min(sizes)}")
    points = [(PLAIN_KIND, size) for size in sorted(sizes)]
    if config.trainings != "none":
        kinds = measured_sets.parse_choices(config.trainings, KINDS, "--trainings")
        points += [(kind, config.trainings_images) for kind in (PLAIN_KIND, *kinds)]
    return [
        Training(architecture, kind, images, config.steps, seed)
        for kind, images in dict.fromkeys(points)
        for seed in range(config.seeds)
    ]


def _settings(name: str, training: Training | None) -> dict[str, Any]:
    """What a row says of its network; the depth of one that was trained already is the number in its name."""
    if training is None:
        depth = re.search(r"[0-9]+", name)
        return {"network": name, "architecture": "given", "depth": int(depth[0]) if depth else None}
    return {
        **{"network": training.name, "architecture": training.network, "training": training.kind},
        **{"learnt": training.images, "steps": training.steps, "seed": training.seed},
    }


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The measurements of one network, and of all sets that were made against it."""
    name = tasks[0].settings["network"]
    target, training = workspace.network(name), parse_training(name)
    images, labels = clean_of(measured_sets.dataset_of(workspace.config.data), training)
    odds = score(target, images)
    thresholds = clean_thresholds(odds, labels)
    named_first = odds.argmax(axis=1)
    rejects = training is not None and training.rejects
    yield {
        "clean_images": len(images),
        "clean_accuracy": float(np.mean(named_first == labels)),
        "clean_log_odds": round(lower_median(odds.max(axis=1)), 3),
        "clean_rejected": float(np.mean(named_first == odds.shape[1] - 1)) if rejects else None,
        "thresholds": thresholds.row(),
    }
    cells = tuple(range(odds.shape[1] - 1)) if rejects else None
    specs = [
        SetSpec(name, settings["generator"], settings["run"], settings["budget"], cells)
        for settings in (task.settings for task in tasks[1:])
    ]
    for made, found in attacks.make_and_measure(
        ImageSets(workspace.config.images), specs, target, thresholds
    ):
        scaled = scaled_log_odds(score(target, made.images), thresholds.temperature)
        own = scaled[range(len(scaled)), made.classes]
        yield {**found, "scaled_log_odds": own.round(3).tolist()}


STUDY = study.Study(
    "training_data",
    "Fools networks that learnt from more or more diverse images.",
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
