"""fooljax: evolves images that a neural network names with near certainty and no person recognises.

A JAX-native re-implementation of "Deep Neural Networks are Easily Fooled" (Nguyen, Yosinski and Clune, CVPR
2015). `evolve` is the engine; encodings turn genomes into images, targets turn images into logits,
strategies propose genomes.
"""

import importlib
from typing import TYPE_CHECKING, Any

from fooljax import encodings, gradient_ascent, strategies
from fooljax.archive import Archive
from fooljax.base import Encoding, Offspring, Problem, Strategy, Target, TargetCard, as_target
from fooljax.encodings.cppn.serialise import from_json, to_json
from fooljax.errors import FaultError, InputError
from fooljax.evaluation import confidence, log_odds, score, to_log_odds
from fooljax.evolution import Evolution, EvolutionState, Progress, Replacements, Search, advance, evolve

if TYPE_CHECKING:
    from fooljax import datasets, report, statistics, storage, targets, testing, weights
    from fooljax.report import curves, gallery, save_png

__version__ = "0.1.0"

__all__ = [
    "Archive",
    "Encoding",
    "Evolution",
    "EvolutionState",
    "FaultError",
    "InputError",
    "Offspring",
    "Problem",
    "Progress",
    "Replacements",
    "Search",
    "Strategy",
    "Target",
    "TargetCard",
    "advance",
    "as_target",
    "confidence",
    "curves",
    "datasets",
    "encodings",
    "evolve",
    "from_json",
    "gallery",
    "gradient_ascent",
    "log_odds",
    "report",
    "save_png",
    "score",
    "statistics",
    "storage",
    "strategies",
    "targets",
    "testing",
    "to_json",
    "to_log_odds",
    "weights",
]


_FIGURES = ("curves", "gallery", "save_png")
_MODULES = ("datasets", "report", "statistics", "storage", "targets", "testing", "weights")


def __getattr__(name: str) -> Any:
    """What few programs need is loaded when it is asked for: figures, with matplotlib, and some modules."""
    if name in _FIGURES:
        return getattr(importlib.import_module("fooljax.report"), name)
    if name in _MODULES:
        return importlib.import_module(f"fooljax.{name}")
    raise AttributeError(f"module 'fooljax' has no attribute {name!r}")


def __dir__() -> list[str]:
    """All public names, those that are not loaded yet too."""
    return sorted({*globals(), *_FIGURES, *_MODULES})
