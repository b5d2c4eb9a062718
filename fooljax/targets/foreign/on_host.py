"""Networks that another library runs, as targets that are asked on the host."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.host_targets import host_target
from fooljax.storage.trees import digest_tree
from fooljax.targets.preprocessing import Preprocessing

Array = npt.NDArray[np.float32]


def hosted_target(
    network: Callable[[Array], Any],
    digest: str,
    *,
    framework: str,
    name: str,
    image_shape: tuple[int, int, int],
    preprocessing: Preprocessing,
    class_names: tuple[str, ...],
    traced: Callable[[jax.Array], jax.Array] | None = None,
) -> Target:
    """A target of a network that is a Python function on NumPy arrays.

    Args:
      network: `network(inputs) -> outputs`, of what the preprocessing gives.
      digest: SHA-256 of its weights, in hexadecimal.
      framework: the library that runs it, and its version.
      name: a short name.
      image_shape: `(H, W, K)`.
      preprocessing: what images go through.
      class_names: `C` names, or none.
      traced: the network as a JAX function with a derivative, where there is one.
    Returns:
      The target. In the place of parameters stands the digest, so that networks of other weights differ.
    Raises:
      InputError: an argument is not as above.
    """
    preprocessing.check_channels(image_shape[2])

    def asked(images: Array) -> Any:
        return preprocessing.logits(network(preprocessing.inputs(images)))

    def followed(images: jax.Array) -> jax.Array:
        assert traced is not None
        logits: jax.Array = preprocessing.logits(traced(preprocessing.inputs(images)))
        return logits

    target = host_target(
        asked,
        image_shape=image_shape,
        class_names=class_names,
        name=name,
        differentiable=None if traced is None else followed,
    )
    params = {"weights_sha256": np.frombuffer(bytes.fromhex(digest), np.uint8)}
    provenance = {
        "network": target.name,
        "framework": framework,
        "preprocessing": preprocessing.in_words(image_shape[2]),
        "params_sha256": digest_tree(params),
    }
    found: Target = target.replace(params=params, provenance=provenance)  # type: ignore[attr-defined]
    return found
