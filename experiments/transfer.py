r"""Do images that were made for one network fool another? All sources against all targets.

    python -m experiments.transfer --size smoke --outdir runs/transfer
    python -m experiments.transfer --size paper --data idx:DIR --outdir runs/transfer-mnist

Evolved and gradient-made images of each source network are shown to every target, beside random images. The
talk about the paper says that gradient images are more network-specific than evolved ones; a paired test
says whether they are. Source: Nguyen et al. 2015, section 3.5. Threat model: evolution sees the source's
logits, gradient ascent its gradients, and none sees the target. All images are 8-bit images in the box.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fooljax import data, study
from fooljax.analysis.thresholds import CONFIDENCES, Thresholds, clean_thresholds
from fooljax.analysis.transfer import seen_by
from fooljax.cli.study import run_study
from fooljax.data.dataset import Dataset
from fooljax.engine.log_odds import to_log_odds
from fooljax.report.transfer import findings, tables
from fooljax.report.transfer_figures import figures
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace
from fooljax.study.generators import NOISE
from fooljax.study.measured_sets import CLEAN, SetSettings, measured, network
from fooljax.study.measured_sets import tasks as tasks_of_sets
from fooljax.targets.collection import BLACK_BOXES, KNN, NETWORKS_OF
from fooljax.targets.image_sizes import fitted

__all__ = ["STUDY", "findings", "main"]

SOURCES = {
    "mnist": (*(f"lenet-{seed}" for seed in range(5)), "mlp-0", "alexnet-small-0"),
    "cifar10": NETWORKS_OF["cifar10"],
    "imagenet": tuple(name for name in NETWORKS_OF["imagenet"] if name not in BLACK_BOXES),
}
MORE_TARGETS = {"mnist": (KNN,), "cifar10": (), "imagenet": tuple(BLACK_BOXES)}
"""Classifiers that images are shown to, and not made for."""
MADE = ("direct", "cppn", "gradient")
CONTROLS = ("random_search_direct", "random_search_cppn", "random_cppn", *NOISE)
CLEAN_IMAGES = 5000
"""Test images, at most, that give a network's thresholds."""
_THRESHOLDS: dict[tuple[str, str], Thresholds] = {}
"""By the digests of network and data."""


@dataclass(frozen=True)
class Config(SetSettings):
    """Settings; the defaults are those of the published matrix of digits."""

    networks: str = option("all", "Networks that images are made for, with commas; all: those of --data-set.")
    targets: str = option("all", "Networks that images are shown to, with commas; all: those of --data-set.")
    data_set: str = option("mnist", "Whose networks all are.", choices=tuple(SOURCES))
    fewer_passes: str = option(
        "200,400,600,2000", "Smaller budgets of evolution and gradient ascent, with commas, or none."
    )


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"networks": "lenet-0,lenet-1", "targets": "lenet-0,lenet-1,knn"},
        **{"runs": 2, "passes": 2000, "fewer_passes": "200"},
    },
    "paper": {"runs": 5, "passes": 20_000},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """The thresholds of each target, then each set of images."""
    del rows
    sources, more = SOURCES[config.data_set], MORE_TARGETS[config.data_set]
    targets = [*sources, *more] if config.targets == "all" else config.targets.split(",")
    common = {"targets": targets, "clean": config.data if clean_data(config) else None}
    for target in targets:
        yield Task(f"clean,{target}", {"kind": "clean", "target": target, **common}, (target,))
    chosen = replace(config, networks=",".join(sources)) if config.networks == "all" else config
    fewer = [] if config.fewer_passes == "none" else [int(one) for one in config.fewer_passes.split(",")]
    shown = (*MADE, *CONTROLS, *((CLEAN,) if common["clean"] or config.imagefolder else ()))
    for passes, generators in [*((passes, MADE) for passes in fewer), (config.passes, shown)]:
        for task in tasks_of_sets(replace(chosen, passes=passes), generators):
            told = {"kind": "images", **task.settings, **common}
            name, networks = f"passes={passes},{task.name}", tuple(dict.fromkeys((*task.networks, *targets)))
            yield Task(name, told, networks, f"passes={passes},{task.together}")


def clean_data(config: Config) -> Dataset | None:
    """Clean images for the thresholds; the embedded digits are none for networks that know no digits."""
    return None if config.data_set != "mnist" and config.data == "embedded" else _loaded(config.data)


@functools.lru_cache(maxsize=1)
def _loaded(text: str) -> Dataset:
    return data.load(text)


def thresholds(workspace: Workspace, name: str) -> Thresholds:
    """A network's thresholds, worked out once in a process; the fixed ones alone without clean images."""
    clean = clean_data(workspace.config)
    if clean is None:
        fixed = {f"{level}": to_log_odds(level) for level in CONFIDENCES}
        return Thresholds(fixed, fixed, temperature=1.0, fitted_on=0, taken_on=0)
    key = (workspace.digest(name), clean.digest)
    if key not in _THRESHOLDS:
        odds = score(workspace.network(name), clean.test_images[:CLEAN_IMAGES])
        _THRESHOLDS[key] = clean_thresholds(odds, clean.test_labels[:CLEAN_IMAGES])
    return _THRESHOLDS[key]


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The thresholds of a target, or the sets of all runs under every target."""
    told = tasks[0].settings
    if told["kind"] == "clean":
        target = workspace.network(told["target"])
        levels = thresholds(workspace, told["target"]).row()
        yield {"thresholds": levels, "clean_accuracy": target.clean_accuracy}
        return
    for _, one in measured(workspace, tasks):
        seen = {}
        for name in told["targets"]:
            target = workspace.network(name)
            odds = score(target, fitted(one.images, target))
            seen[name] = seen_by(odds, one.classes, thresholds(workspace, name))
        yield {**one.facts, "aims": one.classes.tolist(), "seen": seen}


STUDY = study.Study(
    "transfer",
    "Shows the images made for each network to every other.",
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
