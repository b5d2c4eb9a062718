"""ImageNet, CPPN encoding: images drawn by small networks. Source: Nguyen et al. 2015, 3.4, figures 7 and 8.

Run as `python -m experiments.imagenet_cppn`; `--help` lists the settings with their sources. The paper's
search: `--strategy map_elites --children 400 --crops 10 --generations 5000`.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.evolve import experiment_main
from fooljax.runs.recipe import experiment

EXPERIMENT = experiment(
    "imagenet_cppn",
    data="imagenet",
    encoding="cppn",
    generations=3000,
    children=100,
    strategy="focused",
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return experiment_main(EXPERIMENT, argv)


if __name__ == "__main__":
    sys.exit(main())
