"""ImageNet, direct encoding: a gene for each pixel and channel. Source: Nguyen et al. 2015, 3.3, figure 6.

Run as `python -m experiments.imagenet_direct`; `--help` lists the settings with their sources. `--size paper`
is the search of the paper, 4.0 million images a run; with `--crops 10` each is seen ten times, as there.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.evolve import experiment_main
from fooljax.runs.recipe import experiment
from fooljax.study.findings import of_searches

findings = of_searches
EXPERIMENT = experiment(
    "imagenet_direct",
    data="imagenet",
    encoding="direct",
    generations=3000,
    children=100,
    storage="uint8",
    sizes={
        "smoke": {"classes": "0-9", "generations": 20, "children": 20},
        "paper": {"children": 200, "generations": 20000, "runs": 5, "until": None},
    },
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return experiment_main(EXPERIMENT, argv)


if __name__ == "__main__":
    sys.exit(main())
