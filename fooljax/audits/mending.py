"""A network with a fault, made usable: its probabilities as logarithms, its images asked about one by one.

An audit does not refuse a faulty network. It says what is wrong, and audits the network with what stands here
put around it. Each is a name, so that rows can say with which of them they were measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from fooljax.audits.input_changes import CHANGES, changed, wrap_apply
from fooljax.engine.types import Apply, Params, Target

LOGARITHMS, ONE_BY_ONE = "logarithms", "one by one"
FLOOR = 1e-30
"""Of probabilities whose logarithms are taken."""


@dataclass(frozen=True)
class Logarithms:
    """The `apply` of a network that gives probabilities, as logarithms with a floor."""

    apply: Apply

    def __call__(self, params: Params, images: Any) -> Any:
        """Logits `[B, C]`, of NumPy where the network gives such."""
        found = self.apply(params, images)
        xp = found.__array_namespace__()
        return xp.log(xp.maximum(found, xp.float32(FLOOR)))


@dataclass(frozen=True)
class OneByOne:
    """The `apply` of a network whose answer depends on the batch: each image is a batch of its own."""

    apply: Apply

    def __call__(self, params: Params, images: Any) -> Any:
        """Logits `[B, C]`, of NumPy where the images are."""
        if isinstance(images, np.ndarray):
            return np.concatenate([self.apply(params, image[None]) for image in images])

        def one(image: jax.Array) -> Any:
            return self.apply(params, image[None])[0]

        return jax.lax.map(one, images)


def mended(target: Target, mends: Sequence[str]) -> Target:
    """The network with what its faults need put around it.

    Args:
      target: the network.
      mends: names, the innermost first: a name in `fooljax.audits.input_changes.CHANGES`, `LOGARITHMS` or
        `ONE_BY_ONE`.
    """
    for name in mends:
        if name in CHANGES:
            target = changed(target, CHANGES[name])
            continue
        around: Apply = Logarithms(target.apply) if name == LOGARITHMS else OneByOne(target.apply)
        target = replace(target, apply=wrap_apply(target.apply, around))
    if not mends:
        return target
    own = {"network": dict(target.provenance), "mended": list(mends)}
    return replace(target, provenance=own, clean_accuracy=None)
