"""Targets: the networks being fooled."""

from fooljax.base import Target, TargetCard, as_target
from fooljax.targets.networks import LeNet
from fooljax.targets.trained import check_trained, lenet
from fooljax.targets.training import RECIPES, Recipe, accuracy, train

__all__ = [
    "RECIPES",
    "LeNet",
    "Recipe",
    "Target",
    "TargetCard",
    "accuracy",
    "as_target",
    "check_trained",
    "lenet",
    "train",
]
