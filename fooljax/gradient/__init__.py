"""Gradient ascent: images that climb a network's own gradient, the paper's comparison for evolution.

Source: Nguyen et al. 2015, section 3.9, and the authors' code. `ascend` is the engine: it climbs from many
images towards many classes in one compiled program. Which way and how far is a `Rule`: `progress` is the
authors', with their published settings in `PRESETS`; `optimiser` takes any optax optimiser.
"""

from fooljax.gradient._optimiser import PARAMETERISATIONS, optimiser
from fooljax.gradient._progress import PRESETS, Preset, ProgressSettings, progress
from fooljax.gradient.engine import (
    LEVELS,
    Ascent,
    Climb,
    Reached,
    ascend,
    climb,
    identity,
    odds_and_gradient,
)
from fooljax.gradient.rule import OBJECTIVES, Look, Rule
from fooljax.gradient.starts import START_MODES, start_images

__all__ = [
    "LEVELS",
    "OBJECTIVES",
    "PARAMETERISATIONS",
    "PRESETS",
    "START_MODES",
    "Ascent",
    "Climb",
    "Look",
    "Preset",
    "ProgressSettings",
    "Reached",
    "Rule",
    "ascend",
    "climb",
    "identity",
    "odds_and_gradient",
    "optimiser",
    "progress",
    "start_images",
]
