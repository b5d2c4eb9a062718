"""MNIST, direct encoding: one gene a pixel. Source: Nguyen et al. 2015, section 3.1 and figure 4.

Run as `python -m experiments.mnist_direct`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooljax.cli.command_line import run_command
from fooljax.runs import evolution_run as fooling
from fooljax.runs import recipe as job
from fooljax.runs.direct_settings import DirectSettings, encoding
from fooljax.targets.mnist_choice import NamedMnistSettings, choose_named


@dataclass(frozen=True)
class Config(DirectSettings, NamedMnistSettings, job.FoolingConfig):
    """Settings; the defaults are the paper's where it has one."""


EXPERIMENT = job.Experiment(
    name="mnist_direct",
    title="Fooling a digit network, pixel by pixel",
    introduction=(
        "Evolves images, starting from random noise, that a network trained on handwritten digits names with "
        "near certainty, though no person sees a digit in them.",
        "Each image is a list of pixel values (the direct encoding of Nguyen, Yosinski and Clune 2015, "
        "section 3.1). In every generation some of the best images so far are copied with a few pixels "
        "changed at random; a copy that the network finds more like some digit than the best so far takes "
        "that digit's place. The network is only asked for its opinion; it is not changed, and no image "
        "of a digit is used in the search.",
    ),
    config=Config,
    encoding=encoding,
    subject=choose_named,
)


def run(config: Config, outdir: Path) -> dict[str, Any]:
    """Runs the experiment into a new or empty folder; returns what `summary.json` says."""
    return fooling.run(EXPERIMENT, config, outdir)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: fooling.main(EXPERIMENT, argv), Config)


if __name__ == "__main__":
    sys.exit(main())
