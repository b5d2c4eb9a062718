r"""Do images that evolved against several networks fool a network that was left out more often?

    python -m experiments.several_networks --size smoke --outdir runs/several
    python -m experiments.several_networks --size paper --data idx:DIR --outdir runs/several-mnist
    python -m experiments.several_networks --data-set cifar10 --data npz:DIR --weights DIR \
        --outdir runs/several-cifar10

Each network is left out once. Images evolve against all the others together, for the least or the mean of
their log-odds, and against each of the others alone, with equally many network passes: an image that is shown
to four networks counts four. Then the network that was left out sees them. Nothing saw it before. Threat
model: evolution sees the logits of the networks that are fooled. All images are 8-bit images in the box.
"""

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fooljax import study
from fooljax.analysis.transfer import network_answers
from fooljax.cli.study import run_study
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.joint_targets import joint_target
from fooljax.report.several_networks import findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import ImageSets, Row, SetSpec, Task, Workspace
from fooljax.study.generators import SEARCHES
from fooljax.study.measured_sets import SetSettings, network_names, parse_choices
from fooljax.study.measured_sets import network as single
from fooljax.study.network_thresholds import clean_for, thresholds_of
from fooljax.targets.choice import read_classes
from fooljax.targets.collection import NETWORKS_OF

__all__ = ["STUDY", "findings", "main"]

NETWORKS = {
    "mnist": "lenet-0,lenet-1,lenet-2,lenet-3,lenet-4",
    "cifar10": "resnet20,resnet32,resnet44,resnet56",
    "imagenet": "efficientnet-lite0,squeezenet,tiny-darknet",
}
"""All of a data set take images of one size."""
AIMS = ("log_odds", "least", "mean")
"""Of one network, or the least or the mean over several."""


@dataclass(frozen=True)
class Config(SetSettings):
    """Settings; the defaults are those of the published table."""

    networks: str = option("all", "Three networks or more, with commas; all: those of --data-set.")
    data_set: str = option("mnist", "Whose networks all are.", choices=tuple(NETWORKS))
    generators: str = option(
        "cppn,direct,random_search_cppn", "What makes the images, with commas between; the last is a control."
    )


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {"networks": "lenet-0,lenet-1,lenet-2", "runs": 2, "passes": 2000, "generators": "direct"},
    "paper": {"runs": 5, "passes": 20_000},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """For each network that is left out, each generator and aim, all runs."""
    del rows
    all_of_them = replace(config, networks=NETWORKS[config.data_set])
    names = network_names(all_of_them if config.networks == "all" else config)
    if len(names) < 3 or any("+" in name for name in names):
        raise InputError(f"networks: expected three different ones or more, got {shown(config.networks)}")
    # Only known names are refused: of a network that is trained here, any seed may follow the architecture.
    elsewhere = {name for others in NETWORKS_OF.values() for name in others} - {*NETWORKS_OF[config.data_set]}
    if wrong := [name for name in names if name in elsewhere]:
        raise InputError(f"--networks: expected networks of {config.data_set}, got {shown(wrong[0])}")
    common: dict[str, Any] = {"budget": config.passes, "clean": clean_for(config, config.data_set)}
    if config.classes != "all":
        common["classes"] = config.classes
    for left_out in names:
        others = [name for name in names if name != left_out]
        for generator in parse_choices(config.generators, SEARCHES):
            for aim in AIMS:
                together = f"{left_out},{generator},{aim}"
                for run in range(config.runs):
                    settings: dict[str, Any] = {"left_out": left_out, "others": others}
                    settings |= {"generator": generator, "aim": aim}
                    settings |= {"run": run, **common}
                    joint = () if aim == "log_odds" else ("+".join(others),)
                    yield Task(f"{together},run={run}", settings, (left_out, *others, *joint), together)


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """A network by its name, or a joint target of several."""
    parts = [single(config, one, say) for one in name.split("+")]
    return parts[0] if len(parts) == 1 else joint_target(*parts)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """What the network that was left out says of the images of each run."""
    settings, config = tasks[0].settings, workspace.config
    left_out, others, sets = settings["left_out"], settings["others"], ImageSets(config.images)
    cells = read_classes(config.classes, len(workspace.network(left_out).class_names))
    levels = thresholds_of(workspace, left_out, settings["clean"])
    runs = [task.settings["run"] for task in tasks]
    fooled = others if settings["aim"] == "log_odds" else ["+".join(others)]
    found = [
        sets.get_many(
            [
                SetSpec(name, settings["generator"], run, settings["budget"], cells, settings["aim"])
                for run in runs
            ],
            workspace.network(name),
        )
        for name in fooled
    ]
    for of_run in zip(*found, strict=True):
        seen, share = [], []
        for name, one in zip(fooled, of_run, strict=True):
            seen.append(network_answers(score(workspace.network(left_out), one.images), one.classes, levels))
            each = [score(workspace.network(part), one.images) for part in name.split("+")]
            own = np.min([odds[np.arange(len(one.classes)), one.classes] for odds in each], axis=0)
            share.append(float(np.mean(own >= FOOLED)))
        digests, spent = [one.digest for one in of_run], [one.passes for one in of_run]
        yield {"images_digests": digests, "passes": spent, "fool_theirs": share, "seen": seen}


STUDY = study.Study(
    "several_networks",
    "Evolves images against several networks at once and shows them to one that was left out.",
    Config,
    tasks,
    network,
    measure,
    tables,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
