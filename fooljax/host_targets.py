"""Networks that are not JAX: any Python function on NumPy arrays becomes a target.

The search then stops in each generation for the host to ask the function; all else is compiled as for any
other target. Gradients of such a target exist only where a second form of it is given that has them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.batching import MAX_TILE, largest_tile, tile_size
from fooljax.engine.objective import Logits
from fooljax.engine.types import Target, checked_facts
from fooljax.errors import FaultError, InputError, first_line, shown

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class HostFunction:
    """The `apply` of a target that is asked on the host.

    Attributes:
      function: `function(images) -> logits`, of NumPy arrays.
      name: what messages call it.
      networks: how many networks it asks; their logits are a tuple where there are several.
      differentiable: the same for compiled programs, as a JAX function of images that has a derivative. None
        where there is none. A search has no need of it; whatever follows gradients has.
    """

    function: Callable[[npt.NDArray[np.float32]], Any]
    name: str
    networks: int = 1
    differentiable: Callable[[jax.Array], jax.Array] | None = None

    def __call__(self, params: Any, images: Any) -> Logits:
        """Logits of images `[B, H, W, K]` in [0, 1], as NumPy arrays.

        Inside a compiled program they are those of `differentiable`, and refused where there is none.
        """
        del params
        if isinstance(images, jax.core.Tracer):
            if self.differentiable is not None:
                return self.differentiable(images)
            raise InputError(
                f"target: {self.name} is a Python function on NumPy arrays, which cannot be compiled and has "
                "no gradient; this needs a JAX function"
            )
        return self._asked(np.array(images, np.float32))

    def of_pixels(self, pixels: Pixels, tile: int | None = None) -> Logits:
        """Logits of 8-bit images `[B, H, W, K]`, asked about in near-equal parts.

        Args:
          pixels: the images.
          tile: images that the function is given at most; by default as many as a network of a search.
        """
        most = tile or tile_size(len(pixels), min(MAX_TILE, largest_tile(pixels.shape[1:])))
        parts = [
            self._asked(pixels[begin : begin + most].astype(np.float32) / np.float32(255.0))
            for begin in range(0, len(pixels), most)
        ]
        try:
            return jax.tree.map(lambda *logits: np.concatenate(logits), *parts)
        except ValueError as error:
            raise InputError(
                f"target: {self.name} gave logits of different shapes: {shown(error)}"
            ) from error

    def check_shapes(self, logits: Logits, expected: Logits) -> None:
        """Makes sure that logits have the shapes that the function's first ones had.

        Args:
          logits: what it gave.
          expected: shapes.
        Raises:
          InputError: it gave logits of another number of classes or networks.
        """
        now, first = ([part.shape for part in jax.tree.leaves(tree)] for tree in (logits, expected))
        if now != first:
            raise InputError(f"target: expected {self.name} to give logits of shape {first[0]}, got {now[0]}")

    def _asked(self, images: npt.NDArray[np.float32]) -> Logits:
        shape = list(images.shape)
        try:
            found = self.function(images)  # its own copy, which it may change
        except (InputError, FaultError):
            raise  # it says itself what is wrong
        except Exception as error:  # a user's function may raise anything
            raise InputError(f"target: {self.name} failed on images {shape}: {first_line(error)}") from error
        if self.networks > 1:
            return tuple(self._checked(part, len(images)) for part in found)
        return self._checked(found, len(images))

    def _checked(self, found: Any, batch: int) -> npt.NDArray[np.float32]:
        if isinstance(found, tuple):
            raise InputError(
                f"target: expected {self.name} to give logits as one array, got a tuple of {len(found)}"
            )
        try:
            logits = np.asarray(found)
        except Exception as error:  # as the tensors of other libraries raise
            raise InputError(
                f"target: expected {self.name} to give a NumPy array, got {type(found).__name__}: "
                f"{first_line(error)}"
            ) from error
        wanted = f"target: expected {self.name} to give logits [{batch}, C] of {batch} images"
        if logits.shape == (batch, 1):
            raise InputError(f"target: expected {self.name} to give logits of at least 2 classes, got 1")
        if logits.ndim != 2 or len(logits) != batch or not logits.shape[1]:
            raise InputError(f"{wanted}, got {shown(type(found).__name__)} of shape {list(logits.shape)}")
        if not np.issubdtype(logits.dtype, np.floating):
            raise InputError(f"{wanted} as floating-point numbers, got {logits.dtype}")
        return logits.astype(np.float32)


def has_gradients(target: Target) -> bool:
    """Whether the gradients of a target can be followed: it is a JAX function, or has the form of one."""
    return not isinstance(target.apply, HostFunction) or target.apply.differentiable is not None


def host_target(
    function: Callable[[npt.NDArray[np.float32]], Any],
    *,
    image_shape: tuple[int, int, int] | None = None,
    class_names: tuple[str, ...] = (),
    name: str | None = None,
    differentiable: Callable[[jax.Array], jax.Array] | None = None,
    **facts: Any,
) -> Target:
    """A target of any Python function on NumPy arrays, such as a network of another library.

    The function is called on the host, once a generation for each run, or in parts where the images are many.
    It must give the same logits for the same image, whatever else is in the batch.

    Args:
      function: `function(images) -> logits`: images `[B, H, W, K]` float32 in [0, 1], logits `[B, C]` of any
        floating-point type. `B` differs from call to call.
      image_shape: `(H, W, K)` of the images that it takes, where that is known.
      class_names: `C` names, where there are any.
      name: a short name; the function's own by default.
      differentiable: the same as a JAX function `images -> logits` with a derivative, for gradient ascent and
        other methods that follow gradients. Without it these refuse the target.
      **facts: others of the target, see `fooljax.Target`.
    Returns:
      The target.
    Raises:
      InputError: `function` is not callable, or a fact is not what was expected.
    """
    if not callable(function):
        raise InputError(f"function: expected a function on NumPy arrays, got {type(function).__name__}")
    name = name if name is not None else getattr(function, "__name__", type(function).__name__)
    facts = checked_facts({"name": name, "image_shape": image_shape, "class_names": class_names, **facts})
    return Target((), HostFunction(function, shown(name), differentiable=differentiable), **facts)
