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
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import Perturbed, perturb, study
from fooljax.cli.study import run_study
from fooljax.data.image_folders import sample_photographs
from fooljax.data.labelled_photographs import HELP as PHOTOGRAPHS_HELP
from fooljax.data.photographs import read_photograph
from fooljax.engine.types import Target, checked_shape
from fooljax.perturbation import NOISES, noise_of_length
from fooljax.perturbation.sizes import grey_levels, peak_signal_to_noise
from fooljax.report.hidden import figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, clean_images, measured_sets
from fooljax.study.images import sheet_of
from fooljax.targets import cifar10
from fooljax.targets.choice import CLASSES_HELP, read_classes
from fooljax.targets.class_named import class_index
from fooljax.targets.image_sizes import fitted

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
OSTRICH = "ostrich"
"""What the example photographs become, as in Szegedy's figure 5."""


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
        **{"networks": "lenet-0,lenet-1", "targets": "lenet-0,lenet-1", "kinds": "l2,linf"},
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
    targets = SHOWN_TO[config.data_set] if config.targets == "all" else tuple(config.targets.split(","))
    told = {"rounds": config.rounds, "steps": config.steps, "targets": list(targets)}
    told |= {"data": "photographs"} if config.imagefolder else measured_sets.told_of(config)
    if config.classes != "all":
        told["classes"] = config.classes
    names = measured_sets.names_of(config)
    for name in names:
        for kind in config.kinds.split(","):
            for run in range(config.lbfgs_runs if kind == "lbfgs" else config.runs):
                settings = {"network": name, "kind": kind, "run": run, **told}
                networks = tuple(dict.fromkeys((name, *targets)))
                yield Task(f"{name},{kind},run={run}", settings, networks, f"{name},{kind}")
    if config.data_set == "mnist" or config.imagefolder:
        told = {"network": names[0], "kind": "example", "rounds": config.rounds, "steps": config.steps}
        yield Task(f"{names[0]},example", told, (names[0],))


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The smallest changes of all sets of one kind, side by side, and what other networks say of them."""
    told, target = tasks[0].settings, workspace.network(tasks[0].settings["network"])
    if told["kind"] == "example":
        yield _examples(target, told)
        return
    settings = KINDS[told["kind"]]
    sets = [_clean(workspace, target, task.settings["run"]) for task in tasks]
    aims = [_aims(one.classes, len(target.class_names), task) for one, task in zip(sets, tasks, strict=True)]
    originals, ends = np.concatenate([one.images for one in sets]), np.cumsum([len(one) for one in aims])[:-1]
    search = functools.partial(
        perturb,
        target,
        originals,
        np.concatenate(aims),
        rounds=told["rounds"],
        steps=told["steps"],
        check_target=False,
    )
    found = search(**settings)
    exact = None if told["kind"] not in WITHOUT_ROUNDING else search(**settings, rounded=False)
    parts = [np.split(part, ends) for part in (found.found, found.length, found.pixels())]
    for place, (task, clean, aim, done, length, pixels) in enumerate(
        zip(tasks, sets, aims, *parts, strict=True)
    ):
        changed = workspace.save_images(task, pixels) if workspace.config.imagefolder is None else pixels
        odds = score(target, changed)[range(len(aim)), aim]
        noisy = {
            noise: noise_of_length(
                clean.images, np.nan_to_num(length), settings.get("norm", "l2"), noise, told["run"]
            )
            for noise in NOISES
        }
        yield {
            "images": len(aim),
            "labels": clean.classes.tolist(),
            "aims": aim.tolist(),
            "found": int(done.sum()),
            "length": _rounded(length),
            "log_odds": _rounded(odds),
            "decibels": _rounded(peak_signal_to_noise(changed, clean.images)),
            "grey_levels": grey_levels(changed, clean.images).tolist(),
            **({} if exact is None else _exactly(exact, ends, place)),
            "passes": found.passes // len(tasks),
            "seen": {
                name: _seen(
                    workspace.network(name), {"changed": changed, "clean": clean.images, **noisy}, clean, aim
                )
                for name in told["targets"]
            },
        }


def _exactly(exact: Perturbed, ends: npt.NDArray[np.integer], place: int) -> dict[str, Any]:
    """What was found for one of the sets without rounding, and how much of it rounding leaves."""
    named, length, survives = (
        np.split(part, ends)[place] for part in (exact.found, exact.length, exact.found & exact.survives)
    )
    return {
        "exact_found": int(named.sum()),
        "exact_length": _rounded(length),
        "survive_rounding": int(survives.sum()),
    }


def _clean(workspace: Workspace, target: Target, run: int) -> clean_images.Clean:
    config = workspace.config
    cells = read_classes(config.classes, len(target.class_names))
    if config.imagefolder is not None:
        return clean_images.from_photographs(target, Path(config.imagefolder), cells)
    return clean_images.from_data(target, measured_sets.dataset_of(config.data), cells)(run)


def _aims(labels: npt.NDArray[np.integer], classes: int, task: Task) -> npt.NDArray[np.integer]:
    """For each image a class other than its own, drawn at random."""
    further = np.random.default_rng(task.settings["run"]).integers(1, classes, len(labels))
    return (labels + further) % classes


def _seen(
    target: Target,
    images: dict[str, npt.NDArray[np.uint8]],
    clean: clean_images.Clean,
    aims: npt.NDArray[np.integer],
) -> dict[str, list[int]]:
    """Of each kind of images, how many a network names as the class aimed at, and how many rightly."""
    found = {}
    for kind, some in images.items():
        named = score(target, fitted(some, target)).argmax(axis=1)
        found[kind] = [int(np.sum(named == aims)), int(np.sum(named == clean.classes))]
    return found


def _examples(target: Target, told: Mapping[str, Any]) -> dict[str, Any]:
    """Images that may be published, changed: embedded digits, or photographs of installed packages."""
    height, _, channels = checked_shape(target.image_shape)
    if channels == 1:
        clean = clean_images.from_data(target, measured_sets.dataset_of("embedded"), range(0, 10, 2))(0)
        images, names = clean.images, [target.class_names[one] for one in clean.classes]
        aims = (clean.classes + 3) % len(target.class_names)
    else:
        paths = sample_photographs()
        images, names = (
            np.stack([read_photograph(path, height) for path in paths]),
            [path.name for path in paths],
        )
        ostrich = class_index(OSTRICH, dict(enumerate(target.class_names)), argument="to", whose=target.name)
        aims = np.full(len(paths), ostrich)
    settings = {"rounds": told["rounds"], "steps": told["steps"], "confidence": 0.9999}
    changed = perturb(target, images, aims, check_target=False, **settings).pixels()
    said = []
    for some in (images, changed):
        odds = score(target, some)
        best = odds.argmax(axis=1)
        top = odds[range(len(best)), best]
        said.append(
            [[target.class_names[one], round(float(own), 3)] for one, own in zip(best, top, strict=True)]
        )
    return {
        "files": names,
        "shape": list(images.shape),
        "originals": b64encode(sheet_of(images)).decode(),
        "changed": b64encode(sheet_of(changed)).decode(),
        "before": said[0],
        "after": said[1],
        "decibels": _rounded(peak_signal_to_noise(changed, images)),
        "grey_levels": grey_levels(changed, images).tolist(),
    }


def _rounded(values: npt.NDArray[Any]) -> list[float | None]:
    return [round(float(one), 4) if np.isfinite(one) else None for one in values]


STUDY = study.Study(
    "hidden",
    "Looks for the smallest changes of normal pictures that turn one class into another.",
    Config,
    tasks,
    measured_sets.network,
    measure,
    tables,
    figures,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
