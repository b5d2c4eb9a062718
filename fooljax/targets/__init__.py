"""Targets: the networks being fooled."""

from fooljax.engine.types import Target, as_target
from fooljax.targets._trained import lenet, trained
from fooljax.targets.choice import TargetChoice
from fooljax.targets.fitting import accuracy, check_trained
from fooljax.targets.imagenet import load
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.trainable import NETWORKS
from fooljax.targets.own_choice import choice_of
from fooljax.targets.preprocessing import Preprocessing
from fooljax.targets.registry import TARGETS, find_target
from fooljax.targets.shipped import pretrained
from fooljax.targets.training import RECIPES, Recipe, train

__all__ = [
    "NETWORKS",
    "RECIPES",
    "TARGETS",
    "LeNet",
    "Preprocessing",
    "Recipe",
    "Target",
    "TargetChoice",
    "accuracy",
    "as_target",
    "check_trained",
    "choice_of",
    "find_target",
    "lenet",
    "load",
    "pretrained",
    "train",
    "trained",
]
