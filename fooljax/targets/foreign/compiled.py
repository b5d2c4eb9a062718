"""Networks of JAX's own frameworks as targets: part of the compiled program, with gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import jax

from fooljax.engine.types import Params, Target, checked_facts, checked_shape
from fooljax.probe import logits_of_two
from fooljax.storage.trees import digest_tree
from fooljax.targets.preprocessing import Preprocessing


@dataclass(frozen=True)
class CompiledNetwork:
    """The `apply(params, images)` of such a target. Equal ones share one compiled search.

    Attributes:
      network: `network(params, inputs) -> outputs`, a JAX function that can be hashed.
      preprocessing: what images go through before, and outputs after.
    """

    network: Callable[[Params, jax.Array], jax.Array]
    preprocessing: Preprocessing

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C]` of images `[B, H, W, K]` in [0, 1]."""
        logits: jax.Array = self.preprocessing.logits(self.network(params, self.preprocessing.inputs(images)))
        return logits


def compiled_target(
    network: Callable[[Params, jax.Array], jax.Array],
    params: Params,
    *,
    package: str,
    name: str,
    image_shape: tuple[int, int, int],
    preprocessing: Preprocessing,
    class_names: tuple[str, ...],
) -> Target:
    """A target of a network that is a JAX function.

    Args:
      network: see `CompiledNetwork`.
      params: pytree of arrays.
      package: the framework's, as it is installed.
      name: a short name.
      image_shape: `(H, W, K)`.
      preprocessing: what images go through.
      class_names: `C` names, or none.
    Returns:
      The target.
    Raises:
      InputError: the network takes no such images or gives no logits, or another argument is not as above.
    """
    shape = checked_shape(image_shape)
    preprocessing.check_channels(shape[2])
    facts = checked_facts({"name": name, "image_shape": shape, "class_names": class_names})
    provenance = {
        "network": facts["name"],
        "framework": f"{package} {version(package)}",
        "preprocessing": preprocessing.in_words(shape[2]),
        "params_sha256": digest_tree(params),
    }
    target = Target(params, CompiledNetwork(network, preprocessing), **facts, provenance=provenance)
    logits_of_two(target, shape)
    return target
