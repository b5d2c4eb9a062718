"""One runnable file for each experiment of the paper; run from a clone, as `python -m experiments.NAME`."""

import sys

from fooljax.cli import starting

# While `python -m experiments.NAME` looks for its file; a program that imports this is let alone.
if sys.argv[:1] == ["-m"]:
    starting.begin()
