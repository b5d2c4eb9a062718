"""Search strategies: how new genomes are proposed.

`STRATEGIES` maps a name to a builder, `builder(encoding, batch_size=...) -> Strategy`; commands choose by
name, and the contract tests run over all of them.
"""

from fooljax.strategies.map_elites import map_elites
from fooljax.strategies.random_search import random_search

STRATEGIES = {"map_elites": map_elites, "random_search": random_search}

__all__ = ["STRATEGIES", "map_elites", "random_search"]
