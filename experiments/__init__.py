"""One runnable file for each experiment of the paper; run from a clone, as `python -m experiments.NAME`."""
