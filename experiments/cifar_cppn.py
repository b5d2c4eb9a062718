"""CIFAR-10, CPPN encoding: images drawn by small networks. The paper has no such experiment.

Run as `python -m experiments.cifar_cppn --weights FILE`; `--help` lists the settings with their sources. The
search is that of `experiments.mnist_cppn`, and `--size paper` is that of Nguyen et al. 2015, section 3.2 and
figure 5, on small photographs instead of digits.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.evolve import experiment_main
from fooljax.runs.recipe import experiment

EXPERIMENT = experiment(
    "cifar_cppn",
    data="cifar10",
    encoding="cppn",
    generations=200,
    children=100,
    strategy="focused",
    lineage=True,
    sizes={
        "smoke": {"runs": 1, "generations": 10, "children": 20},
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
