"""Search strategies: how new genomes are proposed.

`STRATEGIES` maps a name to its builder, a line and its paper; commands choose by name, and the contract tests
run over all of them.
"""

from fooljax.strategies._emitters import Emitter, emitters
from fooljax.strategies._focused import focused
from fooljax.strategies._map_elites import map_elites
from fooljax.strategies._random_search import random_search
from fooljax.strategies._rank_ea import rank_ea
from fooljax.strategies._refined import refined
from fooljax.strategies.from_evosax import evosax, evosax_emitter
from fooljax.strategies.registry import STRATEGIES, Entry, build, find, settings_of

__all__ = [
    "STRATEGIES",
    "Emitter",
    "Entry",
    "build",
    "emitters",
    "evosax",
    "evosax_emitter",
    "find",
    "focused",
    "map_elites",
    "random_search",
    "rank_ea",
    "refined",
    "settings_of",
]
