"""Networks that another library runs, as targets that are asked on the host."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target, checked_facts
from fooljax.errors import InputError
from fooljax.host_targets import host_target
from fooljax.storage.trees import digest_tree
from fooljax.targets.preprocessing import Preprocessing

Array = npt.NDArray[np.float32]

HIGHEST_LOG_ODDS = "highest_log_odds"
"""The fact of a target whose network can never be 99.99 % sure."""

logger = logging.getLogger("fooljax")


def hosted_target(
    network: Callable[[Array], Any],
    digest: str,
    *,
    framework: str,
    name: str,
    image_shape: tuple[int, int, int],
    preprocessing: Preprocessing,
    class_names: Sequence[str],
    outputs: int | None = None,
    guessed: Sequence[str] = (),
    traced: Callable[[jax.Array], jax.Array] | None = None,
    **provenance: Any,
) -> Target:
    """A target of a network that is a Python function on NumPy arrays.

    Args:
      network: `network(inputs) -> outputs`, of what the preprocessing gives.
      digest: SHA-256 of its weights, and of all else that decides its outputs, in hexadecimal.
      framework: the library that runs it, and its version.
      name: a short name.
      image_shape: `(H, W, K)`.
      preprocessing: what images go through.
      class_names: `C` names, or none; or as many as the network has outputs, where some are left out.
      outputs: how many numbers the network gives for an image, where that is known.
      guessed: what was guessed of the preprocessing and why, in words; a note says it, so that the user can
        object.
      traced: the network as a JAX function with a derivative, where there is one.
      **provenance: more facts of the target.
    Returns:
      The target. In the place of parameters stand digests, so that networks of other weights, and one network
      with two preprocessings, differ.
    Raises:
      InputError: an argument is not as above.
    """
    preprocessing.check_channels(image_shape[2])
    names = checked_names(class_names)
    if outputs is not None:
        names = _names(names, outputs, preprocessing)
    sentence = preprocessing.in_words(image_shape[2])
    if guessed:
        logger.warning("%s: %s Guessed: %s.", name, sentence, "; ".join(guessed))

    def asked(images: Array) -> Any:
        return preprocessing.logits(network(preprocessing.inputs(images)))

    def followed(images: jax.Array) -> jax.Array:
        assert traced is not None
        logits: jax.Array = preprocessing.logits(traced(preprocessing.inputs(images)))
        return logits

    target = host_target(
        asked,
        image_shape=image_shape,
        class_names=names,
        name=name,
        differentiable=None if traced is None else followed,
    )
    digests = {"weights_sha256": digest, "preprocessing_sha256": preprocessing.sha256}
    params = {part: np.frombuffer(bytes.fromhex(text), np.uint8) for part, text in digests.items()}
    facts = {
        "network": target.name,
        "framework": framework,
        **provenance,
        "preprocessing": sentence,
        "guessed": list(guessed),
        **_limits(preprocessing, outputs),
        "params_sha256": digest_tree(params),
    }
    found: Target = target.replace(params=params, provenance=facts)  # type: ignore[attr-defined]
    return found


def _limits(preprocessing: Preprocessing, outputs: int | None) -> dict[str, float]:
    """How sure a network can be at most whose probabilities come in steps; nothing of others."""
    if outputs is None:
        return {}
    highest = preprocessing.highest_log_odds(preprocessing.kept(outputs))
    return {HIGHEST_LOG_ODDS: highest} if highest < FOOLED else {}


def checked_names(class_names: Sequence[str]) -> tuple[str, ...]:
    """Names of classes as texts.

    Raises:
      InputError: they are no list.
    """
    return tuple(map(str, checked_facts({"class_names": class_names})["class_names"]))


def _names(names: tuple[str, ...], outputs: int, preprocessing: Preprocessing) -> tuple[str, ...]:
    """The names of the classes that are left, of as many names as there are classes or outputs."""
    classes = preprocessing.kept(outputs)
    if len(names) == outputs != classes and not preprocessing.binary:
        names = tuple(name for place, name in enumerate(names) if place not in preprocessing.left_out)
    if names and len(names) != classes:
        raise InputError(f"class_names: expected {classes:,} names, one for each class, got {len(names):,}")
    return names
