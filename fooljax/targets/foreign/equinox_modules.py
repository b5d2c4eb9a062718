"""Networks of Equinox as targets."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from fooljax.engine.types import Params, Target
from fooljax.errors import InputError
from fooljax.importing import import_extra
from fooljax.targets.foreign.compiled import compiled_target
from fooljax.targets.preprocessing import Preprocessing, Said, settled


@dataclass(frozen=True)
class EquinoxNetwork:
    """A model that was taken apart. Models of one make are equal, whatever their weights.

    Attributes:
      leaves: what of the model is no array, such as its functions and sizes.
      structure: of the whole.
      has_state: whether it is called with a state and gives a new one.
    """

    leaves: tuple[Hashable, ...]
    structure: Any
    has_state: bool

    def __call__(self, params: Params, inputs: jax.Array) -> jax.Array:
        """The model's outputs for each of many inputs. What it changes in its state is forgotten."""
        import equinox

        model, state = equinox.combine(params, jax.tree.unflatten(self.structure, self.leaves))

        def of_one(each: jax.Array) -> Any:
            return model(each, state)[0] if self.has_state else model(each)

        outputs: jax.Array = jax.vmap(of_one, axis_name="batch")(inputs)
        return outputs


def from_equinox(
    model: Any,
    state: Any = None,
    *,
    image_shape: tuple[int, int, int],
    preprocessing: Said = None,
    class_names: tuple[str, ...] = (),
    name: str | None = None,
) -> Target:
    """A target of an Equinox model, which becomes part of the compiled program and has gradients.

    The target holds the weights as they are now, of a copy that is switched by `equinox.nn.inference_mode`.

    Args:
      model: an `equinox.Module` of one input: `model(input) -> output`, or `model(input, state) -> (output,
        state)` where a state is given.
      state: the model's `equinox.nn.State`, for batch norm; None where it has none.
      image_shape: `(H, W, K)` of the images that are evolved.
      preprocessing: what happens to an image before the model sees it, and to its outputs after, as a
        `Preprocessing` or a dict of its fields. By default an input has its channels first, `[K, H, W]` in
        [0, 1], as Equinox's convolutions want it, and outputs are logits.
      class_names: `C` names, where there are any.
      name: a short name; the model's class by default.
    Returns:
      The target.
    Raises:
      InputError: it is no such model, it does not take such images, or gives no outputs `[C]`.
      FaultError: Equinox is not installed.
    """
    equinox = import_extra("equinox", "equinox", "the package equinox", "equinox")
    if not isinstance(model, equinox.Module):
        raise InputError(f"model: expected an equinox.Module, got {type(model).__name__}")
    whole = (equinox.nn.inference_mode(model), state)
    params, rest = equinox.partition(whole, lambda leaf: isinstance(leaf, jax.Array | np.ndarray))
    leaves, structure = jax.tree.flatten(rest)
    return compiled_target(
        EquinoxNetwork(tuple(leaves), structure, state is not None),
        params,
        package="equinox",
        name=name if name is not None else type(model).__name__,
        image_shape=image_shape,
        preprocessing=settled(Preprocessing(layout="nchw"), preprocessing),
        class_names=class_names,
    )
