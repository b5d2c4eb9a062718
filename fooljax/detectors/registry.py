"""The detectors that come with fooljax, by name."""

from collections.abc import Mapping

from fooljax.detectors.detector import Detector
from fooljax.detectors.distances import (
    fit_mahalanobis,
    fit_neighbours,
    fit_relative,
    mahalanobis,
    neighbours,
    relative_mahalanobis,
)
from fooljax.detectors.logit_scores import free_energy, least_confidence, least_logit, log_entropy
from fooljax.detectors.odin import odin
from fooljax.detectors.openmax import fit_openmax, openmax
from fooljax.detectors.vim import fit_vim, vim
from fooljax.errors import InputError, nearest, shown
from fooljax.importing import import_named, is_import_name

DETECTORS: Mapping[str, Detector] = {
    one.name: one
    for one in (
        Detector("msp", "confidence (MSP)", least_confidence),
        Detector("max_logit", "largest logit", least_logit),
        Detector("energy", "energy", free_energy),
        Detector("entropy", "entropy", log_entropy),
        Detector("odin", "ODIN", odin),
        Detector("openmax", "OpenMax", openmax, fit_openmax),
        Detector("mahalanobis", "Mahalanobis", mahalanobis, fit_mahalanobis, needs_features=True),
        Detector(
            "relative_mahalanobis",
            "relative Mahalanobis",
            relative_mahalanobis,
            fit_relative,
            needs_features=True,
        ),
        Detector("knn", "nearest neighbours", neighbours, fit_neighbours, needs_features=True),
        Detector("vim", "ViM", vim, fit_vim, needs_features=True),
    )
}

EXPLANATIONS: Mapping[str, str] = {
    "msp": "how sure the network is of the name that it gives (the maximum softmax probability)",
    "max_logit": "the largest of the network's outputs, before they become confidences",
    "energy": "all outputs together, as the logarithm of the sum of their exponentials",
    "entropy": "how evenly the confidence is spread over the classes",
    "odin": "how sure the network is, its outputs made milder, after the image was changed in its favour",
    "openmax": "how far the outputs are from those of clean images of the same name",
    "mahalanobis": "how far what the last layer is given (the features) is from that of the nearest class of "
    "clean images, measured by how much these vary",
    "relative_mahalanobis": "the same, less the distance from all clean images taken together",
    "knn": "how far the features are from those of the tenth nearest clean image",
    "vim": "how much of the features lies where those of clean images do not",
}
"""What each detector looks at, for people."""


def find_detector(name: str) -> Detector:
    """The detector of a name in `DETECTORS`, or a user's own as MODULE:NAME, whose module is imported.

    Raises:
      InputError: there is none of this name, or the module's value is no detector.
    """
    if name in DETECTORS:
        return DETECTORS[name]
    if not is_import_name(name):
        raise InputError(
            f"detector: expected MODULE:NAME or one of {', '.join(DETECTORS)}, got {shown(name)}"
            f"{nearest(name, DETECTORS)}"
        )
    found = import_named("detector", name)
    if not isinstance(found, Detector):
        raise InputError(
            f"detector: expected {shown(name)} to be a fooljax.detectors.Detector, got {type(found).__name__}"
        )
    return found
