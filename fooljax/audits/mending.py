"""A network with a fault, made usable: its probabilities as logarithms, its images asked about one by one.

An audit does not refuse a faulty network. It says what is wrong, and audits the network with what stands here
put around it. Each is a name, so that rows can say with which of them they were measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.audits.input_changes import CHANGES, changed
from fooljax.engine.types import Apply, Params, Target
from fooljax.host_targets import HostFunction

LOGARITHMS, ONE_BY_ONE = "logarithms", "one by one"
FLOOR = 1e-30
"""Of probabilities whose logarithms are taken."""


@dataclass(frozen=True)
class Logarithms:
    """The `apply` of a network that gives probabilities, as logarithms with a floor."""

    apply: Apply

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C]`."""
        return jnp.log(jnp.maximum(self.apply(params, images), FLOOR))


@dataclass(frozen=True)
class OneByOne:
    """The `apply` of a network whose answer depends on the batch: each image is a batch of its own."""

    apply: Apply

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C]`."""

        def one(image: jax.Array) -> jax.Array:
            found: jax.Array = self.apply(params, image[None])[0]
            return found

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
        elif isinstance(target.apply, HostFunction):
            target = replace(target, apply=_on_host(target.apply, name))
        else:
            around: Apply = Logarithms(target.apply) if name == LOGARITHMS else OneByOne(target.apply)
            target = replace(target, apply=around)
    if not mends:
        return target
    own = {"network": dict(target.provenance), "mended": list(mends)}
    return replace(target, provenance=own, clean_accuracy=None)


def _on_host(network: HostFunction, name: str) -> HostFunction:
    def logarithms(images: Any) -> Any:
        return np.log(np.maximum(network((), images), np.float32(FLOOR)))

    def one_by_one(images: Any) -> Any:
        return np.concatenate([network((), image[None]) for image in images])

    return HostFunction({LOGARITHMS: logarithms, ONE_BY_ONE: one_by_one}[name], network.name)
