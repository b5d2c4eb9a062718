"""ImageNet, gradient ascent: the comparison for evolution. Source: Nguyen et al. 2015, 3.9, figure 13.

Run as `python -m experiments.imagenet_gradient`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.cli.command_line import run_command
from fooljax.engine.types import Target
from fooljax.runs import ascent_run as climbing
from fooljax.runs.ascent_run import ClimbConfig
from fooljax.settings import option
from fooljax.targets import imagenet
from fooljax.targets.imagenet_choice import NamedImageNetSettings, choose_named
from fooljax.terminal import Host

CLASSES = "200,207,215,279,366,367,390,414,445,500,509,580,643,657,704,713,782,805,826,906"
"""The twenty of the authors' supplement. Source: the shell scripts of their code."""


@dataclass(frozen=True)
class Config(NamedImageNetSettings, ClimbConfig):
    """Settings; the defaults are the paper's where it has one."""

    classes: str = option(CLASSES, "all, or indices and ranges, as 0-999:10; the default: authors' code")


def mean_image(config: Config, target: Target) -> npt.NDArray[Any] | None:
    """The mean that the network subtracts, as a colour in [0, 1], red first."""
    how = imagenet.preprocessing(config.target)
    colour = np.mean(np.asarray(target.params["mean"]).reshape(-1, 3), axis=0) / 255.0
    return np.broadcast_to(colour[::-1] if how.order == "bgr" else colour, (how.size, how.size, 3))


EXPERIMENT = climbing.Experiment(
    name="imagenet_gradient",
    title="Climbing a photograph network's gradient",
    introduction=(
        "Changes an image step by step in the direction in which a network trained on photographs becomes "
        "surer of a class.",
        "This is the comparison for evolution of Nguyen, Yosinski and Clune 2015, section 3.9. Evolution "
        "only asks the network for its opinion; gradient ascent looks inside, and computes for every pixel "
        "how the opinion would change with it. Four ways are the authors', with the settings that they "
        "published for another network, CaffeNet; two use Adam, a common optimiser.",
    ),
    notes=(
        "The four published settings were chosen for CaffeNet. That they do better or worse here says "
        "nothing of the paper's results.",
        "Whether a person recognises a class in these images was not measured.",
    ),
    config=Config,
    subject=choose_named,
    mean=mean_image,
)


def run(config: Config, outdir: Path, host: Host | None = None) -> dict[str, Any]:
    """Runs the experiment into a new or empty folder; returns what `summary.json` says."""
    return climbing.run(EXPERIMENT, config, outdir, host)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: climbing.main(EXPERIMENT, argv), Config)


if __name__ == "__main__":
    sys.exit(main())
