"""The host's side of the loop: checks what it is given, compiles, runs in chunks, saves, stops, goes on."""

from fooljax.evolution.arguments import CHECKPOINT_SECONDS, CHUNK, MAX_QUERIES
from fooljax.evolution.driver import search
from fooljax.evolution.results import Evolution, Progress, Replacements

__all__ = [
    "CHECKPOINT_SECONDS",
    "CHUNK",
    "MAX_QUERIES",
    "Evolution",
    "Progress",
    "Replacements",
    "search",
]
