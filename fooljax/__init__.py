"""fooljax: evolves images that a neural network names with near certainty and no person recognises.

A JAX-native re-implementation of "Deep Neural Networks are Easily Fooled" (Nguyen, Yosinski and Clune, CVPR
2015). `evolve` is the engine; encodings turn genomes into images, targets turn images into logits,
strategies propose genomes.
"""

from typing import TYPE_CHECKING, Any

from fooljax import encodings, gradient_ascent, strategies
from fooljax.archive import Archive
from fooljax.base import Encoding, Offspring, Problem, Strategy, Target, TargetCard, as_target
from fooljax.encodings.cppn.serialise import from_json, to_json
from fooljax.errors import FaultError, InputError
from fooljax.evaluation import confidence, log_odds, score, to_log_odds
from fooljax.evolution import Evolution, EvolutionState, Progress, Replacements, Search, advance, evolve

if TYPE_CHECKING:
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
    "encodings",
    "evolve",
    "from_json",
    "gallery",
    "gradient_ascent",
    "log_odds",
    "save_png",
    "score",
    "strategies",
    "to_json",
    "to_log_odds",
]


def __getattr__(name: str) -> Any:
    """Figures come with matplotlib, which is loaded only when one is asked for."""
    if name in ("curves", "gallery", "save_png"):
        from fooljax import report

        return getattr(report, name)
    raise AttributeError(f"module 'fooljax' has no attribute {name!r}")
