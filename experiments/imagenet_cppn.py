"""ImageNet, CPPN encoding: images drawn by small networks. Source: Nguyen et al. 2015, 3.4, figures 7 and 8.

Run as `python -m experiments.imagenet_cppn`; `--help` lists the settings with their sources. `--size paper`
is the search of the paper, 2.0 million images a run; with `--crops 10` each is seen ten times, as there.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.evolve import experiment_main
from fooljax.runs.recipe import experiment
from fooljax.study.findings import of_searches

findings = of_searches
EXPERIMENT = experiment(
    "imagenet_cppn",
    data="imagenet",
    encoding="cppn",
    generations=3000,
    children=100,
    strategy="focused",
    sizes={
        "smoke": {"classes": "0-9", "generations": 20, "children": 20},
        "paper": {
            "strategy": "map_elites",
            "children": 400,
            "generations": 5000,
            "runs": 5,
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
