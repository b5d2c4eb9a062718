"""Targets: the networks being fooled."""

from fooljax.engine.types import Target, as_target
from fooljax.targets._trained import NETWORKS, check_trained, lenet, trained
from fooljax.targets.imagenet import load
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.shipped import pretrained
from fooljax.targets.training import RECIPES, Recipe, accuracy, train

__all__ = [
    "NETWORKS",
    "RECIPES",
    "LeNet",
    "Recipe",
    "Target",
    "accuracy",
    "as_target",
    "check_trained",
    "lenet",
    "load",
    "pretrained",
    "train",
    "trained",
]
