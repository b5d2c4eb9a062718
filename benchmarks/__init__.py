"""Measurements: each prints what it measured, in one run on one machine, and writes it with `--json FILE`."""
