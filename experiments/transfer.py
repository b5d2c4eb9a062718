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

from fooljax import study
from fooljax.analysis.transfer import network_answers
from fooljax.cli.study import run_study
from fooljax.report.transfer import findings, tables
from fooljax.report.transfer_figures import figures
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace
from fooljax.study.generators import NOISE
from fooljax.study.measured_sets import (
    ARCHIVE,
    CLEAN,
    SMOKE,
    SetSettings,
    check_network,
    measured,
    network,
    parse_choices,
    parse_networks,
    parse_numbers,
)
from fooljax.study.measured_sets import tasks as tasks_of_sets
from fooljax.study.network_thresholds import clean_for, thresholds_of
from fooljax.targets.collection import BLACK_BOXES, KNN, NETWORKS_OF
from fooljax.targets.image_sizes import fitted

__all__ = ["STUDY", "findings", "main"]

SOURCES = {
    "mnist": (*(f"lenet-{seed}" for seed in range(5)), "mlp-0", "alexnet-small-0"),
    "cifar10": tuple(name for name in NETWORKS_OF["cifar10"] if name != KNN),
    "imagenet": tuple(name for name in NETWORKS_OF["imagenet"] if name not in BLACK_BOXES),
}
MORE_TARGETS = {"mnist": (KNN,), "cifar10": (KNN,), "imagenet": tuple(BLACK_BOXES)}
"""Classifiers that images are shown to, and not made for."""
MADE = ("direct", "cppn", "gradient")
RANDOM = ("random_search_direct", "random_search_cppn")
"""Controls with as many passes as the largest budget."""
SHOWN = ("random_cppn", *NOISE, CLEAN)
"""Controls that see no network."""


@dataclass(frozen=True)
class Config(SetSettings):
    """Settings; the defaults are those of the published matrix of digits."""

    networks: str = option("all", "Networks that images are made for, with commas; all: those of --data-set.")
    targets: str = option("all", "Networks that images are shown to, with commas; all: those of --data-set.")
    data_set: str = option("mnist", "Whose networks all are.", choices=tuple(SOURCES))
    fewer_passes: str = option(
        "2000", "Further budgets of evolution and gradient ascent, with commas, or none."
    )
    generators: str = option(
        ",".join((*MADE, *SHOWN, *RANDOM)), "Kinds of images that are shown, with commas between."
    )
    gradient_passes: str = option(
        "200,400,600",
        "Further budgets of gradient ascent, with commas, or none. They make images of which their own "
        "network is as sure as of evolved ones.",
    )


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **SMOKE,
        **{"targets": "lenet-0,lenet-1,knn", "fewer_passes": "none", "gradient_passes": "200"},
    },
    "paper": {"runs": 5, "passes": 20_000},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """The thresholds of each target, then each set of images."""
    del rows
    sources, more = SOURCES[config.data_set], MORE_TARGETS[config.data_set]
    targets = [*sources, *more] if config.targets == "all" else parse_networks(config.targets, "--targets")
    common = {"targets": targets, "clean": clean_for(config, config.data_set)}
    for target in targets:
        yield Task(f"clean,{target}", {"kind": "clean", "target": target, **common}, (target,))
    chosen = replace(config, networks=",".join(sources)) if config.networks == "all" else config
    wanted = set(parse_choices(config.generators, (*MADE, *SHOWN, *RANDOM, ARCHIVE)))
    wanted -= {CLEAN} if common["clean"] is None else set()
    gradient_passes = _numbers(config.gradient_passes, "--gradient-passes")
    budgets: list[tuple[int, Sequence[str]]]
    budgets = [(passes, MADE) for passes in (*_numbers(config.fewer_passes, "--fewer-passes"), config.passes)]
    budgets += [(passes, ("gradient",)) for passes in gradient_passes]
    budgets += [(config.passes, (*SHOWN, *RANDOM, ARCHIVE))]
    for passes, generators in budgets:
        kept = [generator for generator in generators if generator in wanted]
        for task in tasks_of_sets(replace(chosen, passes=passes), kept):
            settings = {"kind": "images", **task.settings, **common}
            name, networks = f"passes={passes},{task.name}", tuple(dict.fromkeys((*task.networks, *targets)))
            yield Task(name, settings, networks, f"passes={passes},{task.together}")


def _numbers(text: str, flag: str) -> list[int]:
    return [] if text == "none" else parse_numbers(text, flag)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The thresholds of a target, or the sets of all runs under every target."""
    settings = tasks[0].settings
    if settings["kind"] == "clean":
        target = workspace.network(settings["target"])
        levels = thresholds_of(workspace, settings["target"], settings["clean"])
        yield {"thresholds": levels.row(), "clean_accuracy": target.clean_accuracy}
        return
    for _, one in measured(workspace, tasks):
        seen = {}
        for name in settings["targets"]:
            target = workspace.network(name)
            odds = score(target, fitted(one.images, target))
            seen[name] = network_answers(odds, one.classes, thresholds_of(workspace, name, settings["clean"]))
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
    check_network,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
