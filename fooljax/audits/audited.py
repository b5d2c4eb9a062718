"""What is audited: the network, the user's images, and the other networks that are asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.audits.clean import CleanParts
from fooljax.detectors import DETECTORS
from fooljax.detectors.guarding import REJECTED_NAME, RejectingFunction
from fooljax.engine.types import Target
from fooljax.errors import InputError, nearest, shown
from fooljax.host_targets import HostFunction, has_gradients
from fooljax.joint_targets import SeveralNetworks
from fooljax.targets.features import look_of

ONLY_FROM_LOGITS = ("msp", "max_logit", "energy", "entropy")
"""Detectors that need nothing but the logits of an image, and no gradient."""
NAME = "network"
"""What rows and files call the network that is audited."""


@dataclass(frozen=True, eq=False)
class Audited:
    """A network and all that it is audited with.

    Attributes:
      target: the network as it was given, with its shape and class names.
      clean: the user's images.
      seconds: networks that images are carried over to, by name.
      judges: networks that had no part in making the images, by name.
      reject: the index of the class that means none of the others; None where there is none.
      source: the file or the code that the network comes from.
    """

    target: Target
    clean: CleanParts
    seconds: Mapping[str, Target]
    judges: Mapping[str, Target]
    reject: int | None
    source: str

    @cached_property
    def cells(self) -> list[int]:
        """The classes that images are made for."""
        return [one for one in range(len(self.target.class_names)) if one != self.reject]

    @property
    def gradients(self) -> bool:
        """Whether the network's gradients can be followed."""
        return has_gradients(self.target)

    def counted(self, odds: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Which images, of log-odds `[N, C]`, the class that rejects does not take."""
        if self.reject is None:
            return np.ones(len(odds), bool)
        taken: npt.NDArray[np.bool_] = np.argmax(odds, axis=1) != self.reject
        return taken


def rejecting_class(target: Target, name: str | None) -> int | None:
    """The index of the class that rejects.

    Args:
      target: the network. One of `fooljax.detectors.rejecting` has such a class without being told.
      name: of the class; None where nothing was said.
    Raises:
      InputError: the network has no class of this name, or too few others.
    """
    names = target.class_names
    if name is None:
        return names.index(REJECTED_NAME) if isinstance(target.apply, RejectingFunction) else None
    if name not in names:
        raise InputError(
            f"reject: expected the name of a class of the network, got {shown(name)}{nearest(name, names)}"
        )
    if names.count(name) > 1:
        raise InputError(f"reject: expected the name of one class, got {shown(name)}, the name of several")
    if len(names) < 3:
        raise InputError("reject: expected a network with two other classes or more, got one")
    return names.index(name)


def detectors_of(target: Target, wanted: str) -> list[str]:
    """The detectors that can watch a network.

    Args:
      target: the network.
      wanted: "auto", "none", or names with commas between them.
    Raises:
      InputError: there is no such detector.
    """
    if wanted == "none":
        return []
    if isinstance(target.apply, HostFunction):
        able = list(ONLY_FROM_LOGITS)
    else:
        features = look_of(target) is not None
        able = [name for name, one in DETECTORS.items() if features or not one.needs_features]
    if wanted == "auto":
        return able
    names = wanted.split(",")
    wrong = [name for place, name in enumerate(names) if name not in able or name in names[:place]]
    if wrong and wrong[0] in DETECTORS and wrong[0] not in able:
        why = "features cannot be seen" if DETECTORS[wrong[0]].needs_features else "outputs alone can be seen"
        raise InputError(
            f"detectors: expected auto, none or some of {', '.join(able)}, since of this network the {why}, "
            f"got {wrong[0]}"
        )
    if wrong:
        raise InputError(
            f"detectors: expected auto, none or some of {', '.join(able)}, each once, got {shown(wrong[0])}"
        )
    return names


def check_one_network(target: Target) -> None:
    """Makes sure that one network is audited, not several that are asked together.

    Raises:
      InputError: it is a joint target.
    """
    apply: Any = target.apply
    if isinstance(apply, SeveralNetworks) or (isinstance(apply, HostFunction) and apply.networks > 1):
        raise InputError(
            "target: expected one network, got several that are asked together; fooljax.detectors.rejecting "
            "gives a network and its detector as one"
        )
