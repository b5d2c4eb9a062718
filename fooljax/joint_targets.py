"""Several networks asked about the same image, so that an objective can weigh what they say."""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from fooljax.engine.types import Apply, Target, as_target, checked_facts
from fooljax.errors import InputError
from fooljax.host_targets import HostFunction


def joint_target(*targets: Target | Callable[..., Any], **facts: Any) -> Target:
    """One target that asks several networks; its logits are a tuple, one `[B, C]` for each network.

    It needs an objective of several networks, such as `fooljax.objectives.FOOL_FIRST_ONLY`. Joint targets of
    the same functions share their compiled programs.

    Args:
      *targets: two or more, each a `Target` or a JAX callable, for images of one shape.
      **facts: of the joint target, see `Target`. Shape and class names are by default those of the first.
    Returns:
      The target.
    Raises:
      InputError: there are fewer than two, one is no target, or they want images of different shapes.
    """
    if len(targets) < 2:
        raise InputError(f"targets: expected two or more, got {len(targets)}")
    parts = [as_target(target) for target in targets]
    shapes = list(dict.fromkeys(part.image_shape for part in parts if part.image_shape is not None))
    if len(shapes) > 1:
        raise InputError(
            f"targets: expected networks for images of one shape, got {shapes[0]} and {shapes[1]}"
        )
    facts = {
        "name": " and ".join(part.name for part in parts),
        "image_shape": shapes[0] if shapes else None,
        "class_names": parts[0].class_names,
        **checked_facts(facts),
    }
    applies = tuple(part.apply for part in parts)
    params = tuple(part.params for part in parts)
    if any(isinstance(apply, HostFunction) for apply in applies):
        return Target((), HostFunction(_on_host(applies, params), facts["name"], len(applies)), **facts)
    return Target(params, JointFunction(applies), **facts)


class SeveralNetworks(abc.ABC):
    """The `apply` of a target that asks several networks: its logits are a tuple, one `[B, C]` for each."""

    @abc.abstractmethod
    def __call__(self, params: Any, images: jax.Array) -> tuple[Any, ...]:
        """The logits of each network."""


@dataclass(frozen=True)
class JointFunction(SeveralNetworks):
    """The `apply` of a joint target; equal for equal networks.

    Attributes:
      applies: of each network.
    """

    applies: tuple[Apply, ...]

    def __call__(self, params: Any, images: jax.Array) -> tuple[Any, ...]:
        """The logits of each network."""
        return tuple(one(own, images) for one, own in zip(self.applies, params, strict=True))


def _on_host(applies: tuple[Apply, ...], params: tuple[Any, ...]) -> Callable[..., tuple[Any, ...]]:
    ready = [apply if isinstance(apply, HostFunction) else jax.jit(apply) for apply in applies]

    def function(images: Any) -> tuple[Any, ...]:
        return tuple(np.asarray(one(own, images)) for one, own in zip(ready, params, strict=True))

    return function
