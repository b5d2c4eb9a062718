"""MNIST, CPPN encoding: images drawn by small networks. Source: Nguyen et al. 2015, 3.2 and figure 5.

Run as `python -m experiments.mnist_cppn`; `--help` lists the settings with their sources. The search is the
quickest in `experiments.strategy_comparison`, and the generations are the paper's. `--size paper` is
the search of the paper.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.evolve import experiment_main
from fooljax.runs.recipe import experiment
from fooljax.study.findings import of_searches

findings = of_searches
EXPERIMENT = experiment(
    "mnist_cppn",
    data="mnist",
    encoding="cppn",
    generations=200,
    children=100,
    strategy="focused",
    lineage=True,
    sizes={
        "smoke": {"runs": 2, "generations": 20},
        "paper": {
            "strategy": "map_elites",
            "children": 200,
            "until": None,
            "coordinates": "raw",
            "functions": "paper",
        },
    },
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return experiment_main(EXPERIMENT, argv)


if __name__ == "__main__":
    sys.exit(main())
