"""Gradient ascent: images changed step by step along a network's own gradient.

It is the paper's comparison for evolution. Source: Nguyen et al. 2015, section 3.9, and the authors' code.
`ascend_images` changes many images towards many classes in one compiled program. A `Rule` says which way an
image moves in one step and how far: `progress` is the authors' rule, with their published settings in
`PRESETS`; `optimiser` takes any optax optimiser. `fooljax.ascend` does all of it with a run folder.
"""

from fooljax.gradient._optimiser import LEARNING_RATE, PARAMETERISATIONS, optimiser
from fooljax.gradient._progress import MAXIMISED, ProgressSettings, progress
from fooljax.gradient.ascent import LEVELS, Ascent, FirstReached
from fooljax.gradient.driver import ascend_images, ascent_identity
from fooljax.gradient.passes import odds_and_gradient
from fooljax.gradient.presets import PRESETS, Preset
from fooljax.gradient.program import Program, run_program
from fooljax.gradient.rule import Observation, Rule
from fooljax.gradient.starts import START_MODES, start_images

__all__ = [
    "LEARNING_RATE",
    "LEVELS",
    "MAXIMISED",
    "PARAMETERISATIONS",
    "PRESETS",
    "START_MODES",
    "Ascent",
    "FirstReached",
    "Observation",
    "Preset",
    "Program",
    "ProgressSettings",
    "Rule",
    "ascend_images",
    "ascent_identity",
    "odds_and_gradient",
    "optimiser",
    "progress",
    "run_program",
    "start_images",
]
