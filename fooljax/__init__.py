"""fooljax: evolves images that a neural network names with near certainty and no person recognises.

A JAX-native re-implementation of "Deep Neural Networks are Easily Fooled" (Nguyen, Yosinski and Clune, CVPR
2015). Encodings turn genomes into images, targets turn images into logits, strategies propose genomes, and
`evolve` does the rest. Whatever stands here is loaded when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fooljax import (
        analysis,
        data,
        encodings,
        engine,
        generative,
        gradient,
        objectives,
        perturbation,
        report,
        runs,
        storage,
        strategies,
        study,
        targets,
        testing,
        trackers,
    )
    from fooljax.api import evolve
    from fooljax.ascents import ascend
    from fooljax.audits.auditing import audit
    from fooljax.encodings.cppn.serialise import from_json, to_json
    from fooljax.engine.archive import Archive
    from fooljax.engine.fitness import evaluate
    from fooljax.engine.log_odds import confidence, log_odds, to_log_odds
    from fooljax.engine.loop import EvolutionState, Search, advance, ask, first_genomes, start, tell
    from fooljax.engine.objective import Objective
    from fooljax.engine.types import Encoding, Offspring, Outcome, Problem, Strategy, Target, as_target
    from fooljax.errors import FaultError, InputError
    from fooljax.evolution import Evolution, Progress, Replacements
    from fooljax.host_targets import host_target
    from fooljax.joint_targets import joint_target
    from fooljax.perturbation.driver import Perturbed, perturb
    from fooljax.processes import start_distributed
    from fooljax.report.course import curves
    from fooljax.report.grid import gallery
    from fooljax.report.png import save_png
    from fooljax.report.showing import show
    from fooljax.result import Result, open_run
    from fooljax.scoring import score

__version__ = "0.6.2"

_HOME = {
    "Archive": "engine.archive",
    "Encoding": "engine.types",
    "Evolution": "evolution",
    "EvolutionState": "engine.loop",
    "FaultError": "errors",
    "InputError": "errors",
    "Objective": "engine.objective",
    "Offspring": "engine.types",
    "Outcome": "engine.types",
    "Perturbed": "perturbation.driver",
    "Problem": "engine.types",
    "Progress": "evolution",
    "Replacements": "evolution",
    "Result": "result",
    "Search": "engine.loop",
    "Strategy": "engine.types",
    "Target": "engine.types",
    "advance": "engine.loop",
    "ascend": "ascents",
    "ask": "engine.loop",
    "as_target": "engine.types",
    "audit": "audits.auditing",
    "confidence": "engine.log_odds",
    "curves": "report.course",
    "evaluate": "engine.fitness",
    "evolve": "api",
    "first_genomes": "engine.loop",
    "from_json": "encodings.cppn.serialise",
    "gallery": "report.grid",
    "host_target": "host_targets",
    "joint_target": "joint_targets",
    "log_odds": "engine.log_odds",
    "open_run": "result",
    "perturb": "perturbation.driver",
    "save_png": "report.png",
    "score": "scoring",
    "show": "report.showing",
    "start": "engine.loop",
    "start_distributed": "processes",
    "tell": "engine.loop",
    "to_json": "encodings.cppn.serialise",
    "to_log_odds": "engine.log_odds",
}
"""The module of each public name."""
_MODULES = (
    "analysis",
    "data",
    "encodings",
    "engine",
    "generative",
    "gradient",
    "objectives",
    "perturbation",
    "report",
    "runs",
    "storage",
    "strategies",
    "study",
    "targets",
    "testing",
    "trackers",
)

__all__ = [
    "Archive",
    "Encoding",
    "Evolution",
    "EvolutionState",
    "FaultError",
    "InputError",
    "Objective",
    "Offspring",
    "Outcome",
    "Perturbed",
    "Problem",
    "Progress",
    "Replacements",
    "Result",
    "Search",
    "Strategy",
    "Target",
    "advance",
    "analysis",
    "as_target",
    "ascend",
    "ask",
    "audit",
    "confidence",
    "curves",
    "data",
    "encodings",
    "engine",
    "evaluate",
    "evolve",
    "first_genomes",
    "from_json",
    "gallery",
    "generative",
    "gradient",
    "host_target",
    "joint_target",
    "log_odds",
    "objectives",
    "open_run",
    "perturb",
    "perturbation",
    "report",
    "runs",
    "save_png",
    "score",
    "show",
    "start",
    "start_distributed",
    "storage",
    "strategies",
    "study",
    "targets",
    "tell",
    "testing",
    "to_json",
    "to_log_odds",
    "trackers",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"fooljax.{_HOME[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"fooljax.{name}")
    raise AttributeError(f"module 'fooljax' has no attribute {name!r}")


def __dir__() -> list[str]:
    """All public names, those that are not loaded yet too."""
    return sorted({*globals(), *__all__})
