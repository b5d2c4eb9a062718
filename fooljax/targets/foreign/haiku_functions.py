"""Networks of Haiku as targets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

from fooljax.engine.types import Params, Target
from fooljax.errors import InputError
from fooljax.importing import import_extra
from fooljax.targets.foreign.compiled import compiled_target
from fooljax.targets.preprocessing import Preprocessing, Said, settled


@dataclass(frozen=True)
class HaikuNetwork:
    """The `apply` of a transformed function.

    Attributes:
      function: of parameters, a random key, which is None, and inputs; with a state after the parameters.
      has_state: whether it is called with a state and gives a new one.
    """

    function: Callable[..., Any]
    has_state: bool

    def __call__(self, params: Params, inputs: jax.Array) -> jax.Array:
        """The outputs. What the function changes in its state is forgotten."""
        weights, state = params
        outputs: jax.Array = (
            self.function(weights, state, None, inputs)[0]
            if self.has_state
            else self.function(weights, None, inputs)
        )
        return outputs


def from_haiku(
    transformed: Any,
    params: Any,
    state: Any = None,
    *,
    image_shape: tuple[int, int, int],
    preprocessing: Said = None,
    class_names: tuple[str, ...] = (),
    name: str = "Haiku network",
) -> Target:
    """A target of a Haiku function, which becomes part of the compiled program and has gradients.

    Args:
      transformed: what `hk.transform` or `hk.transform_with_state` gave for a function of inputs alone, as
        `hk.transform_with_state(lambda inputs: network(inputs, is_training=False))`. It is given no random
        key, so dropout must be left out.
      params: its parameters.
      state: its state, as of batch norm; None for `hk.transform`.
      image_shape: `(H, W, K)` of the images that are evolved.
      preprocessing: what happens to an image before the function sees it, and to its outputs after, as a
        `Preprocessing` or a dict of its fields. By default `[B, H, W, K]` in [0, 1], and logits.
      class_names: `C` names, where there are any.
      name: a short name.
    Returns:
      The target.
    Raises:
      InputError: it is no transformed function, a state is missing or too many, it does not take such
        images, or gives no outputs `[B, C]`.
      FaultError: Haiku is not installed.
    """
    haiku = import_extra("haiku", "haiku", "the package dm-haiku", "haiku")
    has_state = isinstance(transformed, haiku.TransformedWithState)
    if not has_state and not isinstance(transformed, haiku.Transformed):
        raise InputError(
            "transformed: expected what hk.transform or hk.transform_with_state gives, got "
            f"{type(transformed).__name__}"
        )
    if has_state != (state is not None):
        wanted, got = ("a state", "none") if has_state else ("no state", "one")
        raise InputError(f"state: expected {wanted} for this function, got {got}")
    return compiled_target(
        HaikuNetwork(transformed.apply, has_state),
        (params, state),
        package="dm-haiku",
        name=name,
        image_shape=image_shape,
        preprocessing=settled(Preprocessing(), preprocessing),
        class_names=class_names,
    )
