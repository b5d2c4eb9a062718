r"""Why are some classes hard? Passes and confidence of each class against what networks say of clean images.

    python -m experiments.class_difficulty --outdir runs/class_difficulty --size paper --data idx:DIR \
        --imagefolder DIR

On MNIST, the paper's search evolves all ten digits against each LeNet, and the passes until each is fooled
are ranked against the network's clean images. Finished runs on ImageNet (`--archives`) bring the confidence
of each class, which is ranked against photographs (`--imagefolder`, one folder a class). Networks of `--anew`
are fooled anew. Fitness is log-odds; searches see logits only. Paper: section 3.3 and figure 7 (dogs, cats).
"""

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fooljax import encodings, strategies, study
from fooljax.cli.study import run_study
from fooljax.data.imagenet import NUM_CLASSES
from fooljax.data.labelled_photographs import HELP
from fooljax.engine.log_odds import rounded
from fooljax.engine.types import Encoding, Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.evolution import search
from fooljax.report.class_difficulty import figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, archives, class_answers, measured_sets
from fooljax.study.image_sets import ImageSettings
from fooljax.study.network_thresholds import PHOTOGRAPHS, thresholds_of
from fooljax.targets.choice import CLASSES_HELP
from fooljax.targets.collection import NETWORKS_OF, find

SEARCHES: dict[str, tuple[str, Callable[[tuple[int, int, int]], Encoding]]] = {
    "cppn": ("map_elites", functools.partial(encodings.cppn, coordinates="scaled")),
    "direct": ("map_elites", encodings.direct),
    "random": ("random_search", functools.partial(encodings.cppn, coordinates="scaled")),
}
"""By family: the strategy and the encoding. Random search draws CPPNs without selection: the control."""
ROOT = Path(__file__).parent.parent
ARCHIVES = (
    *("imagenet_cppn", "imagenet_cppn_fine"),
    *(f"imagenet_controls/{name}" for name in ("direct", "refined", "random_search")),
)
"""Published runs of all 1,000 classes, below `docs/results`."""
CHILDREN = 100


ANEW = ("cppn", "random_cppn")
"""Generators whose images networks for ImageNet are given; the second is the control."""


@dataclass(frozen=True)
class Config(ImageSettings):
    """Settings; the defaults are those of the published table."""

    data: str = option("embedded", "Digits whose test images are the clean ones: embedded, idx:DIR, tfds.")
    networks: int = option(5, "Number of LeNets, out of the five that come with fooljax.", least=0, most=5)
    seeds: int = option(5, "Number of searches against each.", least=1)
    families: str = option(
        ",".join(SEARCHES), f"Searches, out of {', '.join(SEARCHES)}, with commas between them."
    )
    passes: int = option(40_000, "Network passes of a search, at most.", least=200)
    archives: str | None = option(
        ",".join(f"docs/results/{name}" for name in ARCHIVES),
        "Folders of finished runs on ImageNet, with commas; those that are published by default.",
        kind=str,
        off=True,
    )
    anew: str | None = option(
        None, "Networks for ImageNet, with commas between, that CPPNs are evolved against.", kind=str
    )
    anew_passes: int = option(10_000, "Network passes of each of these searches.", least=400)
    classes: str = option("subset100", CLASSES_HELP)
    imagefolder: str | None = option(None, HELP, kind=str)
    weights: str | None = option(None, "Folder of weights, for networks that have them there.", kind=str)


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {"networks": 2, "seeds": 2, "passes": 2000, "families": "direct"},
    "paper": {},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """Clean images and searches for each LeNet; archives and new sets, and photographs for their networks."""
    del rows
    for network in (f"lenet-{seed}" for seed in range(config.networks)):
        yield Task(f"clean,{network}", _settings("clean", network, data=config.data), (network,))
        for family in config.families.split(","):
            if family not in SEARCHES:
                raise InputError(f"--families: expected some of {', '.join(SEARCHES)}, got {shown(family)}")
            together = f"search,{family},{network}"
            for run in range(config.seeds):
                settings = _settings("search", network, family=family, run=run, budget=config.passes)
                yield Task(f"{together},run={run}", settings, (network,), together)
    networks: dict[str, None] = {}
    for name in filter(None, (config.archives or "").split(",")):
        archive = archives.identity(_at(name))
        yield Task(f"archive,{_at(name).resolve().name}", {"kind": "archive", "folder": name, **archive})
        networks[archive["network"]] = None
    for network in filter(None, (config.anew or "").split(",")):
        if network not in NETWORKS_OF["imagenet"]:
            known = ", ".join(NETWORKS_OF["imagenet"])
            raise InputError(f"--anew: expected networks for ImageNet ({known}), got {shown(network)}")
        for generator in ANEW:
            common = {"generator": generator, "classes": config.classes, "budget": config.anew_passes}
            together = f"set,{generator},{network}"
            for run in range(config.seeds):
                settings = _settings("set", network, **common, run=run)
                yield Task(f"{together},run={run}", settings, (network,), together)
        networks[network] = None
    for network in networks if config.imagefolder else ():
        yield Task(f"clean,{network}", _settings("clean", network, data=PHOTOGRAPHS), (network,))


def _at(folder: str) -> Path:
    """Where a folder is: below the current one, or else in this tree, as those that are published."""
    return Path(folder) if Path(folder).exists() else ROOT / folder


def _settings(kind: str, network: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "network": network, **more}


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """The network of a name."""
    return find(name, weights=Path(config.weights) if config.weights else None, say=say)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The measurements of one group of tasks, which are all of one kind."""
    kinds = {"clean": class_answers.rows, "search": _searched, "archive": _archive, "set": _fooled_anew}
    yield from kinds[tasks[0].settings["kind"]](workspace, tasks)


def _searched(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """Passes until each class is fooled, and the log-odds of its saved image at the end."""
    settings, target = tasks[0].settings, workspace.network(tasks[0].networks[0])
    strategy, encoding_of = SEARCHES[settings["family"]]
    encoding = encoding_of(checked_shape(target.image_shape))
    thresholds = thresholds_of(workspace, settings["network"], workspace.config.data)
    evolution = search(
        target,
        encoding,
        strategies.build(strategy, encoding, CHILDREN, {}),
        key=jax.random.key(list(SEARCHES).index(settings["family"])),
        generations=settings["budget"] // CHILDREN - 1,
        runs=len(tasks),
    )
    for task, images, ids in zip(tasks, evolution.images(), evolution.first.ids, strict=True):
        odds, cells = score(target, workspace.save_images(task, images)), np.asarray(evolution.cells)
        yield {
            "log_odds": odds[range(len(cells)), cells].tolist(),
            "passes": [int(one) + 1 if one >= 0 else None for one in ids],
            "shares": thresholds.shares(odds, cells),
        }


def _archive(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The log-odds of the saved images of a finished run."""
    del workspace
    yield archives.figures(_at(tasks[0].settings["folder"]))


def _fooled_anew(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The log-odds of the images of each run that were made against a network."""
    for _, one in measured_sets.measured(workspace, tasks):
        odds = dict(zip(one.classes.tolist(), rounded(one.log_odds), strict=True))
        yield {**one.facts, "log_odds": [odds.get(index) for index in range(NUM_CLASSES)]}


__all__ = ["STUDY", "Config", "findings", "main"]
STUDY = study.Study(
    "class_difficulty",
    "Ranks classes by how hard they are, against what networks say of clean images.",
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
