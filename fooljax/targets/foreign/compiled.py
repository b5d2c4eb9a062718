"""Networks of JAX's own frameworks as targets: part of the compiled program, with gradients."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import jax
import jax.numpy as jnp

from fooljax.engine.types import Params, Target, checked_facts, checked_shape
from fooljax.probe import logits_of_two
from fooljax.storage.trees import digest_tree
from fooljax.targets.preprocessing import Preprocessing

logger = logging.getLogger("fooljax")


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
    guessed: Sequence[str] = (),
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
      guessed: what was guessed of the preprocessing and why, in words; a note says it, so that the user can
        object.
    Returns:
      The target.
    Raises:
      InputError: the network takes no such images or gives no logits, or another argument is not as above.
    """
    shape = checked_shape(image_shape)
    preprocessing.check_channels(shape[2])
    facts = checked_facts({"name": name, "image_shape": shape, "class_names": class_names})
    sentence = preprocessing.in_words(shape[2])
    if guessed:
        logger.warning("%s: %s Guessed: %s.", facts["name"], sentence, "; ".join(guessed))
    provenance = {
        "network": facts["name"],
        "framework": f"{package} {version(package)}",
        "preprocessing": sentence,
        "guessed": list(guessed),
        "params_sha256": digest_tree(params),
    }
    # Copies: a framework's own training or prediction may give the memory of its weights away.
    params = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), params)
    target = Target(params, CompiledNetwork(network, preprocessing), **facts, provenance=provenance)
    logits_of_two(target, shape)
    return target
