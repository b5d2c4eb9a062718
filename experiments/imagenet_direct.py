"""ImageNet, direct encoding: a gene for each pixel and channel. Source: Nguyen et al. 2015, 3.3, figure 6.

Run as `python -m experiments.imagenet_direct`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooljax.cli.command_line import run_command
from fooljax.encodings._direct import STORAGES
from fooljax.runs import evolution_run as fooling
from fooljax.runs import recipe as job
from fooljax.runs.direct_settings import DirectSettings, encoding
from fooljax.settings import option
from fooljax.targets.imagenet_choice import NamedImageNetSettings, choose_named


@dataclass(frozen=True)
class Config(DirectSettings, NamedImageNetSettings, job.FoolingConfig):
    """Settings; the paper's search: `--strategy map_elites --children 200 --crops 10`."""

    runs: int = option(1, "independent runs, side by side; paper: 5", least=1)
    generations: int = option(3000, "generations; paper: 20,000; authors' code: 5,010", least=0)
    children: int = option(
        100, "children per generation, and random images to begin with; authors' code: 200", least=1
    )
    strategy: str = option(
        "map_elites", "search strategy, see python -m fooljax.cli.strategies; paper: map_elites"
    )
    storage: str = option(
        "uint8",
        "of genes: 1,000 images are 0.2 GB, as float32 0.8 GB; the paper's are integers",
        choices=STORAGES,
    )


EXPERIMENT = job.Experiment(
    name="imagenet_direct",
    title="Fooling a photograph network, pixel by pixel",
    introduction=(
        "Evolves images, starting from random noise, that a network trained on photographs takes for things.",
        "Each image is a list of pixel values (the direct encoding of Nguyen, Yosinski and Clune 2015, "
        "section 3.3). In every generation some of the best images so far are copied with a few values "
        "changed at random; a copy that the network finds more like some class than the best so far takes "
        "that class's place. No photograph is used in the search.",
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
