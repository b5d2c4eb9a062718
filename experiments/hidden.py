r"""Can a network be fooled by changes that nobody sees? Normal pictures that are turned into another class.

    python -m experiments.hidden --outdir runs/hidden --size paper --data idx:DIR
    python -m experiments.hidden --outdir runs/hidden-imagenet --size imagenet --imagefolder DIR

Of clean images that a network names right, the smallest change is looked for that makes it name a class drawn
at random (`fooljax.perturb`). The changed images are shown to other networks, beside clean ones and beside
noise of the same length. Source: Szegedy et al. 2014, "Intriguing properties of neural networks". Threat
model: the search sees the network's gradients and no other network; all images are 8-bit images in the box.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import Perturbed, perturb, study
from fooljax.cli.study import run_study
from fooljax.data.labelled_photographs import HELP as PHOTOGRAPHS_HELP
from fooljax.engine.types import Target
from fooljax.perturbation import NOISES, noise_of_length
from fooljax.report.hidden import figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, clean_images, measured_sets
from fooljax.study.perturbed_images import count_named, examples, other_classes, rounded, sizes
from fooljax.targets import cifar10
from fooljax.targets.choice import CLASSES_HELP, read_classes

__all__ = ["STUDY", "findings", "main"]

KINDS: dict[str, dict[str, Any]] = {
    "l2": {},
    "l2_9999": {"confidence": 0.9999},
    "linf": {"norm": "linf"},
    "lbfgs": {"method": "lbfgs"},
}
"""What is looked for and how, by name, as `fooljax.perturb` takes it."""
WITHOUT_ROUNDING = ("l2", "lbfgs")
"""Kinds whose images are looked for without rounding too: it says how much rounding costs."""
SHOWN_TO = {
    "mnist": tuple(f"lenet-{seed}" for seed in range(5)),
    "cifar10": cifar10.NAMES,
    "imagenet": ("efficientnet-lite0", "efficientnet-lite1", "squeezenet", "tiny-darknet"),
}


@dataclass(frozen=True)
class Config(measured_sets.NetworkSettings):
    """Settings; the defaults are those of the published table of digits."""

    targets: str = option("all", "Networks that images are shown to, with commas; all: those of --data-set.")
    data_set: str = option("mnist", "Whose networks all are.", choices=tuple(SHOWN_TO))
    kinds: str = option(",".join(KINDS), f"What is looked for, out of {', '.join(KINDS)}, with commas.")
    runs: int = option(3, "Number of sets of clean images, one image of each class in each.", least=1)
    lbfgs_runs: int = option(1, "The same for L-BFGS, which takes longer.", least=1)
    classes: str = option("all", CLASSES_HELP)
    rounds: int = option(10, "Attempts at each image, each with another limit to the change.", least=1)
    steps: int = option(10, "Steps of an attempt.", least=1)
    imagefolder: str | None = option(None, f"{PHOTOGRAPHS_HELP} In place of --data.", kind=str)


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"networks": "lenet-0,lenet-1", "targets": "lenet-0,lenet-1", "kinds": "l2,l2_9999"},
        **{"runs": 1, "rounds": 6, "steps": 5},
    },
    "paper": {},
    "cifar10": {
        **{"networks": "resnet20", "data_set": "cifar10", "kinds": "l2,l2_9999,linf"},
        **{"runs": 2, "rounds": 8, "steps": 8},
    },
    "imagenet": {
        **{"networks": "efficientnet-lite0", "data_set": "imagenet", "kinds": "l2,l2_9999,linf"},
        **{"runs": 1, "classes": "0-999:100", "rounds": 6, "steps": 6},
    },
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """A task for each network, kind of change and set of images; and the examples of a figure."""
    del rows
    targets = SHOWN_TO[config.data_set]
    if config.targets != "all":
        targets = tuple(measured_sets.parse_networks(config.targets, "--targets"))
    common = {"rounds": config.rounds, "steps": config.steps, "targets": list(targets)}
    common |= {"data": "photographs"} if config.imagefolder else measured_sets.data_settings(config)
    if config.classes != "all":
        common["classes"] = config.classes
    names = measured_sets.network_names(config)
    kinds = measured_sets.parse_choices(config.kinds, KINDS, "--kinds")
    for name in names:
        for kind in kinds:
            for run in range(config.lbfgs_runs if kind == "lbfgs" else config.runs):
                settings = {"network": name, "kind": kind, "run": run, **common}
                networks = tuple(dict.fromkeys((name, *targets)))
                yield Task(f"{name},{kind},run={run}", settings, networks, f"{name},{kind}")
    if "l2_9999" in kinds and config.data_set != "cifar10":
        settings = {"network": names[0], "kind": "example", "rounds": config.rounds, "steps": config.steps}
        yield Task(f"{names[0]},example", settings, (names[0],))


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The smallest changes of all sets of one kind, side by side, and what other networks say of them."""
    task_settings, target = tasks[0].settings, workspace.network(tasks[0].settings["network"])
    if task_settings["kind"] == "example":
        settings = {"rounds": task_settings["rounds"], "steps": task_settings["steps"], "confidence": 0.9999}
        yield examples(target, settings)
        return
    settings = KINDS[task_settings["kind"]]
    sets = [_clean(workspace, target, task.settings["run"]) for task in tasks]
    classes, runs = len(target.class_names), [task.settings["run"] for task in tasks]
    aims = [other_classes(one.classes, classes, run) for one, run in zip(sets, runs, strict=True)]
    originals, ends = np.concatenate([one.images for one in sets]), np.cumsum([len(one) for one in aims])[:-1]
    search = functools.partial(
        perturb,
        target,
        originals,
        np.concatenate(aims),
        rounds=task_settings["rounds"],
        steps=task_settings["steps"],
        check_target=False,
    )
    found = search(**settings)
    exact = None if task_settings["kind"] not in WITHOUT_ROUNDING else search(**settings, rounded=False)
    parts = [np.split(part, ends) for part in (found.found, found.length, found.pixels())]
    for place, (task, clean, aim, done, length, pixels) in enumerate(
        zip(tasks, sets, aims, *parts, strict=True)
    ):
        changed = workspace.save_images(task, pixels) if workspace.config.imagefolder is None else pixels
        odds = score(target, changed)[range(len(aim)), aim]
        shown = {"changed": changed, "clean": clean.images}
        for noise in NOISES:
            norm, lengths = settings.get("norm", "l2"), np.nan_to_num(length)
            shown[noise] = noise_of_length(clean.images, lengths, norm, noise, task.settings["run"])
        yield {
            "images": len(aim),
            "labels": clean.classes.tolist(),
            "aims": aim.tolist(),
            "found": int(done.sum()),
            "length": rounded(length),
            "log_odds": rounded(odds),
            **sizes(changed, clean.images),
            **({} if exact is None else _exactly(exact, ends, place)),
            "passes": found.passes // len(tasks),
            "seen": {
                name: count_named(workspace.network(name), shown, clean.classes, aim)
                for name in task_settings["targets"]
            },
        }


def _exactly(exact: Perturbed, ends: npt.NDArray[np.integer], place: int) -> dict[str, Any]:
    """What was found for one of the sets without rounding, and how much of it rounding leaves."""
    named, length, survives = (
        np.split(part, ends)[place] for part in (exact.found, exact.length, exact.found & exact.survives)
    )
    return {
        "exact_found": int(named.sum()),
        "exact_length": rounded(length),
        "survive_rounding": int(survives.sum()),
    }


def _clean(workspace: Workspace, target: Target, run: int) -> clean_images.Clean:
    config = workspace.config
    cells = read_classes(config.classes, len(target.class_names))
    if config.imagefolder is not None:
        return clean_images.from_photographs(target, Path(config.imagefolder), cells)
    return clean_images.from_data(target, measured_sets.dataset_of(config.data), cells)(run)


STUDY = study.Study(
    "hidden",
    "Looks for the smallest changes of normal pictures that turn one class into another.",
    Config,
    tasks,
    measured_sets.network,
    measure,
    tables,
    figures,
    measured_sets.check_network,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
