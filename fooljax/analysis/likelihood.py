"""How likely a model of a class finds images, measured against clean images of the class.

A generative classifier has a density of its own for each class, fitted to clean images of it. A log-density
of an image is a number of hundreds of nats that says nothing alone. So the density of the class that an image
is for is told as a percentile: of those that clean images of this class have, which the model did not learn
from. Clean images lie at about 50, and an image that is less likely than every clean one lies at 0. One that
is more likely than every clean one is unusual, too: a flat image has a high density under most models, and
lies at 100.

Source: Schott et al. 2019, "Towards the first adversarially robust neural network model on MNIST", where the
densities of the classes are the classifier; the percentile is ours.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.analysis.nearest import percentiles
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.generative import log_joint

Images = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.integer]
LEAST_CLEAN = 20
"""Clean images of a class without which a percentile says little."""


class Likelihoods(NamedTuple):
    """How likely a model of each class finds clean images of it; `of_clean` asks for that.

    Attributes:
      model: the generative classifier.
      clean: by class, log p(x, y) of its clean images, in nats.
    """

    model: Target
    clean: Mapping[int, npt.NDArray[np.float64]]

    @property
    def fewest(self) -> int:
        """Clean images of the class that has the fewest."""
        return min(map(len, self.clean.values()))

    def percentiles(self, images: Images, classes: Classes) -> npt.NDArray[np.float64]:
        """The percentage of clean images of a class that are less likely than an image; of equals, half.

        Args:
          images: `[B, H, W, K]` uint8.
          classes: `[B]`, the class under whose model each is looked at.
        Returns:
          `[B]`, in [0, 100].
        Raises:
          InputError: a class is none of the model's, or the images do not fit the model.
        """
        if unknown := sorted(set(np.asarray(classes).tolist()) - set(self.clean)):
            raise InputError(
                f"classes: expected those of the model, 0 to {max(self.clean)}, got {unknown[0]}"
            )
        own = log_joint(self.model, images)[np.arange(len(images)), classes]
        each = zip(own, np.asarray(classes).tolist(), strict=True)
        return np.concatenate([percentiles(own[None], self.clean[label]) for own, label in each])


def of_clean(model: Target, images: Images, labels: Classes) -> Likelihoods:
    """Asks a generative classifier about clean images.

    Args:
      model: as `fooljax.generative.generative` gives it.
      images: `[N, H, W, K]` uint8, which the model did not learn from.
      labels: `[N]`, their classes.
    Raises:
      InputError: the model is no generative classifier, or a class has fewer than `LEAST_CLEAN` images.
    """
    joint, labels = log_joint(model, images), np.asarray(labels)
    counts = np.bincount(labels, minlength=joint.shape[1])
    if counts.min() < LEAST_CLEAN:
        raise InputError(
            f"images: expected {LEAST_CLEAN} clean images or more of each class, got {counts.min()} of class "
            f"{counts.argmin()}"
        )
    return Likelihoods(model, {label: joint[labels == label, label] for label in range(joint.shape[1])})
