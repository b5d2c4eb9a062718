r"""Is it unrecognisable? Held-out judges, distances to training images, likelihoods, and small changes.

    python -m experiments.recognisable --size smoke --outdir runs/recognisable
    python -m experiments.recognisable --size paper --data idx:DIR --outdir runs/recognisable

Confidence alone does not make a fooling image, since a well drawn digit has it too. So images that were made
for each network are shown to judges which had no part in it: another network of the same kind, which has the
same blind spots; an MLP; and the nearest training images. `fooljax.analysis.judges` says when an image counts
as fooling. A generative model of each class says how likely it finds the images. Source: Nguyen et al. 2015
call their images unrecognisable, but did not measure it.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fooljax import generative, study
from fooljax.analysis.likelihood import Likelihoods, of_clean
from fooljax.analysis.panel import Panel, assemble
from fooljax.analysis.panel_numbers import of_panel, of_set
from fooljax.cli.study import run_study
from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.imagenet import synsets
from fooljax.engine.log_odds import rounded
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.report.recognisable import findings, tables
from fooljax.report.recognisable_figures import figures
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, attacks, measured_sets
from fooljax.study.clean_images import photographs
from fooljax.study.network_thresholds import PHOTOGRAPHS
from fooljax.targets.choice import read_classes

__all__ = ["STUDY", "findings", "main"]

NONE = "none"
GENERATORS = (*attacks.FRESH, *attacks.CONTROLS, measured_sets.CLEAN)


@dataclass(frozen=True)
class Config(measured_sets.SetSettings):
    """Settings; the defaults are those of the published table."""

    judges: str = option(
        "mlp-0,knn",
        "Networks that are asked what they see, with commas. The next one of --networks is asked, too. none "
        "asks nobody.",
    )
    likelihood: str = option(
        "mixture-0",
        "The generative classifier whose model of a class says how likely the images are, as vae-0, or none.",
    )
    generators: str = option(",".join(GENERATORS), "What makes the images, with commas.")


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **measured_sets.SMOKE,
        **{"generators": "direct,cppn,gradient,uniform_noise,clean", "judges": "knn"},
    },
    "paper": {},
}


def judges_of(config: Config, network: str) -> list[str]:
    """The judges of the images that were made for a network."""
    names = measured_sets.network_names(config)
    following = names[(names.index(network) + 1) % len(names)]
    asked = dict.fromkeys((following, *measured_sets.parse_networks(config.judges, "--judges")))
    if not (judges := [name for name in asked if name != network]):
        raise InputError(
            f"--judges: expected another network than {network}, which is attacked, or two in --networks"
        )
    return judges


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """The judges of each network, each set of images for them, and each set for the generative model."""
    del rows
    if config.judges == config.likelihood == NONE:
        raise InputError("--judges, --likelihood: expected one of them, got none twice")
    if config.likelihood != NONE and not generative.is_generative(config.likelihood):
        known = ", ".join(generative.KINDS)
        raise InputError(
            f"--likelihood: expected {NONE}, or one of {known} with a seed as mixture-0, got "
            f"{shown(config.likelihood)}"
        )
    if config.likelihood != NONE and config.imagefolder is not None:
        raise InputError(f"--likelihood: expected {NONE} with --imagefolder, got {shown(config.likelihood)}")
    clean = config.data if config.imagefolder is None else PHOTOGRAPHS
    for name in measured_sets.network_names(config) if config.judges != NONE else ():
        judges = judges_of(config, name)
        settings = {"kind": "panel", "network": name, "judges": judges, "data": clean}
        yield Task(f"{name},judges", settings, (name, *judges))
    sets = list(measured_sets.tasks(config, config.generators.split(",")))
    for task in sets if config.judges != NONE else ():
        judges = judges_of(config, task.networks[0])
        settings = {"kind": "images", **task.settings, "judges": judges, "data": clean}
        yield Task(task.name, settings, (task.networks[0], *judges), task.together)
    for task in sets if config.likelihood != NONE else ():
        settings = {"kind": "likelihood", **task.settings, "model": config.likelihood}
        settings |= measured_sets.data_settings(config)
        networks = (task.networks[0], config.likelihood)
        yield Task(f"likelihood,{task.name}", settings, networks, f"likelihood,{task.together}")


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """What judges are, what they say of the sets of all runs, or how likely the images of these are."""
    settings = tasks[0].settings
    if settings["kind"] == "likelihood":
        yield from _likely(workspace, tasks)
        return
    panel = _panel(workspace, settings["network"], tuple(settings["judges"]))
    if settings["kind"] == "panel":
        yield {"panel": of_panel(panel, panel.controls)}
        return
    for task, (_, one) in zip(tasks, measured_sets.measured(workspace, tasks), strict=True):
        found = panel.judge(one.images, one.classes, task.settings["run"], one.log_odds)
        yield {**one.facts, "found": of_set(found)}


def _likely(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The percentiles of the images of each run, and of clean ones that are taken for another class, too."""
    likelihoods = _likelihoods(workspace, tasks[0].settings["model"])
    for _, one in measured_sets.measured(workspace, tasks):
        found = likelihoods.percentiles(one.images, one.classes)
        row = {**one.facts, "percentiles": rounded(found), "clean_of_a_class": likelihoods.fewest}
        if tasks[0].settings["generator"] == measured_sets.CLEAN:
            next_class = (one.classes + 1) % len(likelihoods.clean)
            row["percentiles_as_another"] = rounded(likelihoods.percentiles(one.images, next_class))
        yield row


_LIKELIHOODS: dict[str, Likelihoods] = {}
"""By the digest of the model, which says what it learnt from."""


def _likelihoods(workspace: Workspace, name: str) -> Likelihoods:
    key = workspace.digest(name)
    if key not in _LIKELIHOODS:
        data = measured_sets.dataset_of(workspace.config.data)
        _LIKELIHOODS[key] = of_clean(workspace.network(name), data.test_images, data.test_labels)
    return _LIKELIHOODS[key]


_PANELS: dict[tuple[str, ...], Panel] = {}
"""By the digests of the network and of its judges: a panel takes longer than a set."""


def _panel(workspace: Workspace, network: str, judges: tuple[str, ...]) -> Panel:
    key = tuple(workspace.digest(name) for name in (network, *judges))
    if key not in _PANELS:
        target, asked = workspace.network(network), {name: workspace.network(name) for name in judges}
        if workspace.config.imagefolder is None:
            _PANELS[key] = assemble(target, asked, measured_sets.dataset_of(workspace.config.data))
        else:
            _PANELS.clear()  # the photographs of one panel are some hundred megabytes
            clean = _photographs(workspace.config, target)
            spaces = ("features",) if workspace.config.classes != "all" else ()
            _PANELS[key] = assemble(target, asked, clean, spaces=spaces, least_a_class=0)
    return _PANELS[key]


def _photographs(config: Config, target: Target) -> Dataset:
    """The first photograph of each class; distances are measured to half of those that show other classes.

    So no clean image is at the distance 0 from itself.
    """
    images, labels = photographs(Path(str(config.imagefolder)), checked_shape(target.image_shape)[0], 1)
    order = np.argsort(labels, kind="stable")
    asked = read_classes(config.classes, len(synsets())) or ()
    near = order[~np.isin(labels[order], asked)][::2]
    other = np.setdiff1d(order, near)
    return from_arrays(
        images[near],
        labels[near],
        images[other],
        labels[other],
        class_names=synsets(),
        name=PHOTOGRAPHS,
        source="The first photograph of each class in the folder that was given.",
    )


STUDY = study.Study(
    "recognisable",
    "Shows the images made for each network to held-out judges.",
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
