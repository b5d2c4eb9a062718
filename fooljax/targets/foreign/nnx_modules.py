"""Networks of Flax NNX as targets."""

from dataclasses import dataclass, field
from typing import Any

import jax
from flax import nnx

from fooljax.engine.types import Params, Target
from fooljax.errors import InputError
from fooljax.targets.foreign.compiled import compiled_target
from fooljax.targets.preprocessing import Preprocessing, Said, settled


@dataclass(frozen=True)
class NnxNetwork:
    """A module that was taken apart. Modules of one make are equal, whatever their weights.

    Attributes:
      graph: the module without its arrays.
      random: state of its random numbers, which a module that is switched to inference does not use.
    """

    graph: Any
    random: Any = field(compare=False)

    def __call__(self, params: Params, inputs: jax.Array) -> jax.Array:
        """The module's outputs. What it changes in itself is forgotten."""
        outputs: jax.Array = nnx.merge(self.graph, self.random, params, copy=True)(inputs)
        return outputs


def from_nnx(
    module: Any,
    *,
    image_shape: tuple[int, int, int],
    preprocessing: Said = None,
    class_names: tuple[str, ...] = (),
    name: str | None = None,
) -> Target:
    """A target of a Flax NNX module, which becomes part of the compiled program and has gradients.

    The target holds the weights as they are now, of a copy that is switched to inference by `eval()`: batch
    norm takes its running averages, and dropout does nothing. The module itself is not changed.

    Args:
      module: an `nnx.Module` that is called as `module(inputs) -> outputs`.
      image_shape: `(H, W, K)` of the images that are evolved.
      preprocessing: what happens to an image before the module sees it, and to its outputs after, as a
        `Preprocessing` or a dict of its fields. By default `[B, H, W, K]` in [0, 1], and logits.
      class_names: `C` names, where there are any.
      name: a short name; the module's class by default.
    Returns:
      The target.
    Raises:
      InputError: it is no such module, it does not take such images, or gives no outputs `[B, C]`.
    """
    if not isinstance(module, nnx.Module):
        raise InputError(f"module: expected a flax.nnx.Module, got {type(module).__name__}")
    copy = nnx.clone(module)  # with variables of its own
    copy.eval()
    graph, *states = nnx.split(copy, nnx.RngState, ...)
    random, params = states
    return compiled_target(
        NnxNetwork(graph, random),
        params,
        package="flax",
        name=name if name is not None else type(module).__name__,
        image_shape=image_shape,
        preprocessing=settled(Preprocessing(), preprocessing),
        class_names=class_names,
    )
