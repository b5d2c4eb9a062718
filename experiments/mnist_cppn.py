"""MNIST, CPPN encoding: images drawn by small networks. Source: Nguyen et al. 2015, section 3.2 and figure 5.

Run as `python -m experiments.mnist_cppn`; `--help` lists the settings with their sources.
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
from fooljax.targets.mnist_choice import NamedMnistSettings, choose_named


@dataclass(frozen=True)
class Config(CppnSettings, NamedMnistSettings, job.FoolingConfig):
    """Settings: the quickest search in `experiments.strategy_comparison`, rates as in the authors' code.

    The paper's search: `--strategy map_elites --children 200 --coordinates raw --functions paper`.
    """

    generations: int = option(200, "generations of each run; paper 3.2", least=0)
    children: int = option(
        100, "children per generation, and random images to begin with; authors' code: 200", least=1
    )
    strategy: str = option(
        "focused", "search strategy, see python -m fooljax.cli.strategies; paper: map_elites"
    )
    lineage: bool = option(True, "record every replacement, for fooljax.cli.lineage")


EXPERIMENT = job.Experiment(
    name="mnist_cppn",
    title="Fooling a digit network with drawn patterns",
    introduction=(
        "Evolves small pattern-drawing networks whose images a network trained on handwritten digits names "
        "with near certainty, though they are patterns, not digits.",
        "Each image is drawn by a small network of its own (a CPPN, the indirect encoding of Nguyen, "
        "Yosinski and Clune 2015, section 3.2), which is given a pixel's place and answers with a grey. "
        "Evolution changes these drawing networks at random: weights, functions, nodes and connections. "
        "A child whose image the digit network finds more like some digit than the best so far takes that "
        "digit's place. No image of a digit is used in the search.",
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
