"""The thresholds of a study's networks, each worked out once in a process."""

from fooljax.analysis.thresholds import CONFIDENCES, Thresholds, clean_thresholds
from fooljax.engine.log_odds import to_log_odds
from fooljax.scoring import score
from fooljax.study.measured_sets import dataset_of
from fooljax.study.study import Workspace

CLEAN_IMAGES = 5000
"""Test images, at most, that give a network's thresholds."""
_KNOWN: dict[tuple[str, str], Thresholds] = {}
"""By the digests of network and data."""


def thresholds_of(workspace: Workspace, name: str, clean: str | None) -> Thresholds:
    """The thresholds of a network.

    Args:
      workspace: knows the network.
      name: of the network.
      clean: names the data set whose test images are the clean ones, see `fooljax.data.load`; with None only
        the fixed thresholds are there, before and after scaling by 1.
    """
    if clean is None:
        fixed = {f"{level}": to_log_odds(level) for level in CONFIDENCES}
        return Thresholds(fixed, fixed, temperature=1.0, fitted_on=0, taken_on=0)
    dataset = dataset_of(clean)
    key = (workspace.digest(name), dataset.digest)
    if key not in _KNOWN:
        odds = score(workspace.network(name), dataset.test_images[:CLEAN_IMAGES])
        _KNOWN[key] = clean_thresholds(odds, dataset.test_labels[:CLEAN_IMAGES])
    return _KNOWN[key]
