"""Bounds that hold as they stand on a CPU, and are a little wider on an accelerator.

There sums are in another order, functions such as `exp` have other last digits, and programs are given other
memory. What products are rounded to is no reason: on an accelerator the tests ask for exact ones, see
`conftest.py`.
"""

import jax


def by_platform(on_cpu, elsewhere):
    """The bound for the platform that the tests run on."""
    return on_cpu if jax.default_backend() == "cpu" else elsewhere
