"""ImageNet, CPPN encoding: images drawn by small networks. Source: Nguyen et al. 2015, 3.4, figures 7 and 8.

Run as `python -m experiments.imagenet_cppn`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooljax.cli.command_line import run_command
from fooljax.runs import evolution_run as fooling
from fooljax.runs import recipe as job
from fooljax.runs.cppn_settings import CppnSettings, encoding
from fooljax.settings import option
from fooljax.targets.imagenet_choice import NamedImageNetSettings, choose_named


@dataclass(frozen=True)
class Config(CppnSettings, NamedImageNetSettings, job.FoolingConfig):
    """Settings; the paper's search: `--strategy map_elites --children 400 --crops 10`."""

    runs: int = option(1, "independent runs, side by side; paper: 5", least=1)
    generations: int = option(3000, "generations; paper: 5,000; authors' code: 5,001", least=0)
    children: int = option(
        100, "children per generation, and random images to begin with; authors' code: 400", least=1
    )
    strategy: str = option(
        "focused", "search strategy, see python -m fooljax.cli.strategies; paper: map_elites"
    )


EXPERIMENT = job.Experiment(
    name="imagenet_cppn",
    title="Fooling a photograph network with drawn patterns",
    introduction=(
        "Evolves small pattern-drawing networks whose images a network trained on photographs names with "
        "near certainty, one image for each of 1,000 kinds of things.",
        "Each image is drawn by a small network of its own (a CPPN, the indirect encoding of Nguyen, "
        "Yosinski and Clune 2015, section 3.4), which is given a pixel's place and answers with a colour. "
        "Evolution changes these drawing networks at random: weights, functions, nodes and connections. "
        "A child whose image the network finds more like some class than the best so far takes that "
        "class's place. No photograph is used in the search.",
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
