"""Chains of retraining: which networks there are, how they are named, and how many images each round adds.

A chain begins with a network that knows nothing of fooling images, its `DNN 1`. Round i evolves images
against DNN i; DNN i + 1 learns from those of all rounds until then. Chains that differ in the seed alone
share DNN 1.

Source: Nguyen et al. 2015, sections 3.6 to 3.8.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown

NAME = re.compile(r"(?P<start>[a-z0-9-]+?)-(?:seed(?P<seed>\d+)-)?dnn(?P<number>\d+)")
IMAGES_OF_CLASS = 2
"""Images that a run gives for each class: the elite of the first generation and that of the last."""
NEVER = -100.0
"""A logit so low that no image is given the class, and that float32 log-odds do not tell that it is there."""


@dataclass(frozen=True)
class Chain:
    """A chain of networks.

    Attributes:
      start: the name of the network that it begins with, as `lenet-0`.
      seed: of evolution and of the trainings.
    """

    start: str
    seed: int

    @property
    def name(self) -> str:
        """A name of its own."""
        return f"{self.start}-seed{self.seed}"

    def network(self, number: int) -> str:
        """The name of a network of the chain.

        Args:
          number: from 1 on. The first is the same network in all chains with this start.
        """
        return f"{self.start}-dnn1" if number == 1 else f"{self.name}-dnn{number}"


def network_of(name: str) -> tuple[Chain, int]:
    """The chain and the number of a network, from what `Chain.network` calls it.

    Raises:
      InputError: it is no such name.
    """
    found = NAME.fullmatch(name)
    if found is None or (found["seed"] is None) != (found["number"] == "1"):
        raise InputError(f"network: expected a name as lenet-0-seed1-dnn2, got {shown(name, 60)}")
    return Chain(found["start"], int(found["seed"] or 0)), int(found["number"])


def runs_for(images: int, classes: int, name: str = "images") -> int:
    """How many runs give so many images, `IMAGES_OF_CLASS` for each of the classes.

    Args:
      images: how many are wanted.
      classes: of the network, without the fooling class.
      name: of the argument, for errors.
    Raises:
      InputError: they are no multiple of what one run gives.
    """
    of_run = IMAGES_OF_CLASS * classes
    if images < of_run or images % of_run:
        raise InputError(f"{name}: expected a multiple of {of_run}, what one run gives, got {images:,}")
    return images // of_run


def fooling_images(
    rounds: Sequence[npt.NDArray[np.uint8]], fooling: int, copies: int = 1
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """What a training set is enlarged by: all images of earlier rounds, as examples of the fooling class.

    Args:
      rounds: images `[M, H, W, K]` of each earlier round, one or more.
      fooling: the index of the class.
      copies: how often each image stands in the set, which gives the class more weight.
    Returns:
      The images of all rounds, and as many labels.
    """
    images = np.tile(np.concatenate(rounds), (copies, 1, 1, 1))
    return images, np.full(len(images), fooling, np.int32)
