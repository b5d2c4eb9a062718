"""CIFAR-10, direct encoding: a gene for each pixel and channel. The paper has no such experiment.

Run as `python -m experiments.cifar_direct --weights FILE`; `--help` lists the settings with their sources.
The search is that of Nguyen et al. 2015, section 3.1 and figure 4, on small photographs instead of digits.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.evolve import experiment_main
from fooljax.runs.recipe import experiment

EXPERIMENT = experiment(
    "cifar_direct",
    data="cifar10",
    encoding="direct",
    sizes={
        "smoke": {"runs": 1, "generations": 10, "children": 20},
        "paper": {"generations": 200, "until": None},
    },
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return experiment_main(EXPERIMENT, argv)


if __name__ == "__main__":
    sys.exit(main())
