r"""Does the class more take images that people bred, or only those that evolved against networks?

    python -m experiments.picbreeder --size smoke --outdir runs/picbreeder
    python -m experiments.picbreeder --size imagenet --genomes DIR --imagefolder DIR --weights DIR \
        --outdir DIR

The networks are those of `experiments.retraining_large` with equal settings: its --images has them, or they
are made first. The images that people bred on Picbreeder are recognisable, and CPPNs drew them. Beside them
stand CPPNs that evolved against the network before and were not learnt from, random CPPNs and clean images.
Nothing is evolved against the retrained networks here. Source: Nguyen et al. 2015, section 3.8.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import study
from fooljax.cli.study import run_study
from fooljax.encodings.picbreeder import draw_genome, read_genome
from fooljax.engine.log_odds import rounded
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.report.picbreeder import BRED, EVOLVED, RANDOM, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.storage.trees import digest_tree
from fooljax.study import Row, Task, Workspace
from fooljax.study.measured_sets import CLEAN, clean_data_settings
from fooljax.study.retrained import (
    LEARNT_FROM,
    State,
    network,
    rates_of,
    retrainable_names,
    retrained_states,
)
from fooljax.study.retraining_lessons import RetrainingSettings, clean_of
from fooljax.study.retraining_measured import new_random, set_of_itself

__all__ = ["STUDY", "findings", "main"]

MADE = Path(__file__).parent / "made_genomes"


@dataclass(frozen=True)
class Config(RetrainingSettings):
    """Settings; equal ones of `experiments.retraining_large` make the same networks."""

    genomes: str | None = option(
        None, "A folder with networks of Picbreeder, .xml. off takes three that were made by hand.", kind=str
    )
    rates: str = option("1,5", "Percent of clean images that the defended networks reject, with commas.")


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {"networks": "lenet-0", "runs": 2, "chains": 2, "passes": 2000, "steps": 40, "rates": "5"},
    "cifar10": {"networks": "resnet20", "passes": 1000, "rounds": 2, "part": "all", "steps": 20},
    "imagenet": {
        **{"networks": "efficientnet-lite0,tiny-darknet", "passes": 2500},
        **{"classes": "40,42,46,153,207,236,281,283,761,779"},
        **{"archive": "docs/results/imagenet_cppn_fine"},
    },
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """Each kind of images, shown to the network before and to each retrained one."""
    del rows
    bred: dict[str, Any] = {"genomes": [path.name for path in _files(config)]}
    bred["genomes_sha256"] = digest_tree(
        {path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in _files(config)}
    )
    rates = rates_of(config, config.rates)
    for name in retrainable_names(config):
        for state in (State(name), *retrained_states(config, name, rates)):
            for kind, facts in (
                (BRED, bred),
                (EVOLVED, {}),
                (RANDOM, {}),
                (CLEAN, clean_data_settings(config)),
            ):
                settings = {**state._asdict(), "images": kind, **facts}
                yield Task(f"{state.label},{kind}", settings, (state.name(config), name))


def _files(config: Config) -> list[Path]:
    folder = Path(config.genomes or MADE)
    found = sorted(folder.glob("*.xml"))
    if not found:
        raise InputError(f"--genomes: expected a folder with .xml files, found none in {shown(folder)}")
    return found


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """What a network says of the images of a task."""
    (task,) = tasks
    target, before = (workspace.network(name) for name in task.networks)
    images = _images(workspace.config, task, before)
    odds, first = score(target, images), score(before, images)
    classes = len(before.class_names)
    named = odds.argmax(axis=1)
    yield {
        "images_shown": len(images),
        "taken": np.flatnonzero(named == classes).tolist(),
        "named": named.tolist(),
        "named_before": first.argmax(axis=1).tolist(),
        "named_log_odds": rounded(odds.max(axis=1)),
    }


def _images(config: Config, task: Task, before: Target) -> npt.NDArray[np.uint8]:
    """The images of a task at the size that the network takes."""
    height, width, channels = checked_shape(before.image_shape)
    kind = task.settings["images"]
    if kind == BRED:
        drawn = [draw_genome(read_genome(path), height, width) for path in _files(config)]
        return np.stack([with_channels(one, channels) for one in drawn])
    if kind == RANDOM:
        return new_random(before, task.settings["chain"])
    if kind == EVOLVED:
        return set_of_itself(config, task.settings, before, LEARNT_FROM, config.passes).images
    return clean_of(config, before).held_out


def with_channels(image: npt.NDArray[np.uint8], channels: int) -> npt.NDArray[np.uint8]:
    """A picture in grey or in colour, as a network takes it."""
    if channels == 3:
        return np.repeat(image, 3 // image.shape[2], axis=2)
    return image if image.shape[2] == 1 else np.rint(image.mean(axis=2, keepdims=True)).astype(np.uint8)


STUDY = study.Study(
    "picbreeder",
    "Shows images that people bred on Picbreeder to retrained networks.",
    Config,
    tasks,
    network,
    measure,
    tables,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
