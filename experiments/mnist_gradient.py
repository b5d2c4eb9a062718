"""MNIST, gradient ascent: the comparison for evolution. Source: Nguyen et al. 2015, section 3.9, figure 13.

Run as `python -m experiments.mnist_gradient`; `--help` lists the settings with their sources. The paper
climbs a network for ImageNet, with settings chosen for it; here it is the LeNet that other experiments fool.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import data as datasets
from fooljax.cli.command_line import run_command
from fooljax.engine.types import Target
from fooljax.runs import ascent_run as climbing
from fooljax.runs.ascent_run import ClimbConfig
from fooljax.settings import option
from fooljax.targets.mnist_choice import NamedMnistSettings, choose
from fooljax.terminal import Host


@dataclass(frozen=True)
class Config(NamedMnistSettings, ClimbConfig):
    """Settings; the defaults are the paper's where it has one."""

    mean: str = option(
        "none",
        "what noise is added to, and decay pulls towards: none is black (this network subtracts no mean), "
        "training the mean training image; authors' code: ImageNet's mean, which their network subtracts",
        choices=("none", "training"),
    )


def mean_image(config: Config, target: Target) -> npt.NDArray[Any] | None:
    """The mean training image, where the settings want it."""
    del target
    if config.mean == "none":
        return None
    return np.asarray(np.mean(datasets.load(config.data).train_images, axis=0) / 255.0)


EXPERIMENT = climbing.Experiment(
    name="mnist_gradient",
    title="Climbing a digit network's gradient",
    introduction=(
        "Changes an image step by step in the direction in which a network trained on handwritten digits "
        "becomes surer of a digit.",
        "This is the comparison for evolution of Nguyen, Yosinski and Clune 2015, section 3.9. Evolution "
        "only asks the network for its opinion; gradient ascent looks inside, and computes for every pixel "
        "how the opinion would change with it. Four ways are the authors', with the settings that they "
        "published and had chosen for another network, of photographs; two use Adam, a common optimiser.",
    ),
    notes=(
        "The four published settings were chosen for a network that names photographs, of 1,000 classes. "
        "That they do better or worse here says nothing of the paper's results.",
        "Whether a person recognises a class in these images was not measured; some look like the digit.",
    ),
    config=Config,
    subject=lambda config: choose(config.target_network, config, data_is_used=config.mean != "none"),
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
