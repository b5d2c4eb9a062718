"""Detectors of images that are not as a network's own, as JAX functions that evolution can know.

from fooljax import detectors
fitted = detectors.fit("energy", target, detectors.seen_of_clean(target, images, labels))
"""

from fooljax.detectors.detector import Clean, Detector, Seen
from fooljax.detectors.fitted import Fitted, fit, seen_of_clean
from fooljax.detectors.guarding import FOOL_AND_PASS, guarded, rejecting
from fooljax.detectors.registry import DETECTORS, find_detector

__all__ = [
    "DETECTORS",
    "FOOL_AND_PASS",
    "Clean",
    "Detector",
    "Fitted",
    "Seen",
    "find_detector",
    "fit",
    "guarded",
    "rejecting",
    "seen_of_clean",
]
