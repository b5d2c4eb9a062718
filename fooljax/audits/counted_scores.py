"""Scores that are counted: every image that a network is shown costs a pass."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.scoring import score


@dataclass
class CountedScores:
    """Asks networks and counts the images.

    Attributes:
      passes: images so far.
    """

    passes: int = 0

    def __call__(self, target: Target, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Log-odds `[N, C]` of images, as `fooljax.score` gives them."""
        self.passes += len(images)
        return score(target, images)
