r"""How well do the networks of the experiments name clean images? It says that they are what they should be.

    python -m experiments.clean_accuracy --size smoke --outdir runs/accuracy
    python -m experiments.clean_accuracy --data idx:DIR --outdir runs/mnist
    python -m experiments.clean_accuracy --data-set cifar10 --data npz:DIR --weights DIR --outdir runs/cifar10
    python -m experiments.clean_accuracy --data-set imagenet --imagefolder DIR --weights DIR \
        --outdir runs/imagenet

A network with the wrong preprocessing or the wrong order of classes would still be fooled, and nothing would
look amiss. Digits and small photographs are the test images of `--data`; ImageNet's are those of a folder.
"""

import functools
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooljax import study
from fooljax.analysis.statistics import Interval
from fooljax.analysis.validation import measure as name_photographs
from fooljax.analysis.validation import naming
from fooljax.cli.study import run_study
from fooljax.data.image_folders import find_images
from fooljax.data.imagenet import synsets
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.report.data_titles import data_title
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, numbers
from fooljax.study.measured_sets import dataset_of, parse_networks
from fooljax.targets.collection import NETWORKS_OF, find
from fooljax.targets.fitting import check_data


@dataclass(frozen=True)
class Config:
    """Settings; the defaults are those for digits."""

    data_set: str = option("mnist", "Whose networks are measured.", choices=tuple(NETWORKS_OF))
    data: str = option("embedded", "Labelled images, as embedded or idx:DIR; of no use for imagenet.")
    imagefolder: str | None = option(
        None, "Folder that holds a folder of photographs for each class, for imagenet.", kind=str
    )
    weights: str | None = option(None, "Folder with the files of weights of networks.", kind=str)
    networks: str | None = option(None, "Names of networks, with commas; off: all of the data set.", kind=str)


SIZES = {"smoke": {"networks": "lenet-0,lenet-1"}, "paper": {}}


def photographs(config: Config) -> list[tuple[Path, int]]:
    """Paths and classes of the photographs."""
    if config.imagefolder is None:
        raise InputError("--imagefolder: expected a folder of photographs for imagenet, got none")
    return find_images(Path(config.imagefolder), synsets())


def images_of(config: Config) -> dict[str, str]:
    """What the images are: their name, and a digest that tells them from others."""
    if config.data_set != "imagenet":
        return {"data_name": dataset_of(config.data).name, "data_sha256": dataset_of(config.data).digest}
    listing = "\n".join(f"{path.name} {label} {path.stat().st_size}" for path, label in photographs(config))
    return {"data_name": "photographs", "data_sha256": hashlib.sha256(listing.encode()).hexdigest()}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """A task for each network."""
    del rows
    images = images_of(config)
    names = NETWORKS_OF[config.data_set]
    if config.networks:
        names = tuple(parse_networks(config.networks, "--networks"))
    for name in names:
        settings = {"data_set": config.data_set, "network": name, **images}
        yield Task(f"{config.data_set},{name}", settings, (name,))


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """The network of a name."""
    known = None if config.data_set == "imagenet" else dataset_of(config.data)
    return find(name, weights=config.weights, data=known, say=say)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[Mapping[str, Any]]:
    """Names all images."""
    config = workspace.config
    for task in tasks:
        target = workspace.network(task.networks[0])
        if config.data_set == "imagenet":
            *_, figures = name_photographs(target, photographs(config))
        else:
            known = dataset_of(config.data)
            check_data(target, known)
            figures = naming(score(target, known.test_images), known.test_labels)
        yield {"shape": list(checked_shape(target.image_shape)), **figures}


def tables(rows: Sequence[Row]) -> str:
    """A table for each data set."""
    written = []
    for (data_set, data_name), group in study.group_by(rows, "data_set", "data_name").items():
        lines = [
            {
                "network": row["network"],
                "images": f"{row['images']:,} of {' x '.join(map(str, row['shape'][:2]))}",
                "named first": numbers.shares(Interval(*row["top1"].values())),
                "in the first five": numbers.shares(Interval(*row["top5"].values())),
                "median confidence in the class named": numbers.percent(
                    row["median_confidence_of_the_first"]
                ),
                "parameters": f"`{row['networks'][row['network']][:8]}`",
            }
            for row in group
        ]
        networks, images = data_title(data_set), data_title(data_name)
        head = networks if networks == images else f"{networks} ({images})"
        written.append(f"### {head}\n\n{study.markdown(lines)}\n")
    return "\n".join(written)


STUDY = study.Study(
    "clean_accuracy",
    "Measures how well networks name clean images.",
    Config,
    tasks,
    network,
    measure,
    tables,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
