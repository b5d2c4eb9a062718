"""ImageNet, gradient ascent: the comparison for evolution. Source: Nguyen et al. 2015, 3.9, figure 13.

Run as `python -m experiments.imagenet_gradient`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence

from fooljax.cli.ascend import experiment_main
from fooljax.runs.ascent_recipe import imagenet_experiment
from fooljax.study.findings import of_ascents

findings = of_ascents
EXPERIMENT = imagenet_experiment("imagenet_gradient")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return experiment_main(EXPERIMENT, argv)


if __name__ == "__main__":
    sys.exit(main())
