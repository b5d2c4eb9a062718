"""MNIST, direct encoding: one gene a pixel. Source: Nguyen et al. 2015, section 3.1 and figure 4.

Run as `python -m experiments.mnist_direct`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import fooling, job
from experiments.command_line import option, run_command
from fooljax import encodings
from fooljax.base import Encoding
from fooljax.encodings.direct import (
    CROSSOVER_ETA,
    HALVING_GENERATIONS,
    MUTATION_ETA,
    MUTATION_RATE,
    RATE_FLOOR,
)


@dataclass(frozen=True)
class Config(job.FoolingConfig):
    """Settings; the defaults are the paper's where it has one."""

    mutation_rate: float = option(
        MUTATION_RATE, "share of genes changed per child at the start; paper 2.2", least=0.0, most=1.0
    )
    halving_generations: int = option(
        HALVING_GENERATIONS,
        "the rate halves every so many generations; paper 2.2 (authors' code: 0, never)",
        least=0,
    )
    rate_floor: float = option(RATE_FLOOR, "the rate falls no further; ours", least=0.0, most=1.0)
    eta: float = option(MUTATION_ETA, 'index of polynomial mutation ("strength"); paper 2.2', least=0.0)
    crossover_rate: float = option(
        0.0, "share of children made by SBX; authors' code: 0.5", least=0.0, most=1.0
    )
    crossover_eta: float = option(CROSSOVER_ETA, "index of SBX; authors' code", least=0.0)
    reset_equal_genes: bool = option(
        False, "with SBX, set genes equal in both parents to mid-grey, as the authors' code does unintended"
    )


def encoding(config: Config, image_shape: tuple[int, int, int]) -> Encoding:
    """The direct encoding that the settings describe."""
    return encodings.direct(
        image_shape,
        mutation_rate=config.mutation_rate,
        halving_generations=config.halving_generations,
        rate_floor=config.rate_floor,
        eta=config.eta,
        crossover_rate=config.crossover_rate,
        crossover_eta=config.crossover_eta,
        reset_equal_genes=config.reset_equal_genes,
    )


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
)


def run(config: Config, outdir: Path) -> dict[str, Any]:
    """Runs the experiment into a new or empty folder; returns what `summary.json` says."""
    return fooling.run(EXPERIMENT, config, outdir)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: fooling.main(EXPERIMENT, argv), Config)


if __name__ == "__main__":
    sys.exit(main())
