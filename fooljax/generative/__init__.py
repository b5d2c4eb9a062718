"""Classifiers that model how likely images are: p(x, y) in place of p(y | x)."""

from fooljax.generative.classifier import as_classifier, log_density, log_joint, rejecting, rejecting_share
from fooljax.generative.collection import NAMES, find, is_generative
from fooljax.generative.trained import KINDS, generative

__all__ = [
    "KINDS",
    "NAMES",
    "as_classifier",
    "find",
    "generative",
    "is_generative",
    "log_density",
    "log_joint",
    "rejecting",
    "rejecting_share",
]
