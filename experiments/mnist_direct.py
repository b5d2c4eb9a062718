"""MNIST, direct encoding: one gene a pixel. Source: Nguyen et al. 2015, section 3.1 and figure 4.

Run as `python -m experiments.mnist_direct`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.evolve import experiment_main
from fooljax.runs.recipe import experiment
from fooljax.study.findings import of_searches

findings = of_searches
EXPERIMENT = experiment(
    "mnist_direct",
    data="mnist",
    encoding="direct",
    sizes={"smoke": {"runs": 2, "generations": 20}, "paper": {"generations": 200, "until": None}},
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return experiment_main(EXPERIMENT, argv)


if __name__ == "__main__":
    sys.exit(main())
