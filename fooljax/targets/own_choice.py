"""A target of the user's: a value, or one that a module of the user's has under a name."""

from dataclasses import dataclass, replace
from typing import Protocol

import jax

from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.importing import import_value
from fooljax.probe import logits_of_two
from fooljax.settings import option
from fooljax.storage.trees import digest_tree
from fooljax.targets.choice import CLASSES_HELP, Say, TargetChoice, read_classes


@dataclass(frozen=True)
class OwnSettings:
    """Which classes images are made for."""

    classes: str = option("all", CLASSES_HELP)


class _Settings(Protocol):
    @property
    def classes(self) -> str: ...


def choose(text: str, settings: _Settings) -> TargetChoice:
    """The target that a module has under a name. The module is imported, which runs its code.

    Args:
      text: MODULE:NAME, of a `Target` or of a function without arguments that returns one.
      settings: see `OwnSettings`.
    Raises:
      InputError: there is no such module or name, or what it gives is no target whose image shape is known.
    """
    target = import_value("target", text, Target, "a fooljax.Target", "; wrap a network in fooljax.as_target")
    return choice_of(target, source=shown(text), classes=settings.classes)


def choice_of(target: Target, *, source: str = "Python", classes: str = "all") -> TargetChoice:
    """The choice of a target that is there already.

    Args:
      target: its image shape must be said. Class names that were not said are numbers.
      source: where it is from, in a word or two.
      classes: see `read_classes`.
    Returns:
      The choice, whose `load` gives the target with its class names and a digest of its parameters.
    Raises:
      InputError: its image shape is not said, it does not take such images, its class names are not as many
        as its logits, or the classes are not among them.
    """
    if target.image_shape is None:
        raise InputError(
            "target: expected a network whose image shape is known, as "
            "fooljax.as_target(model, image_shape=(28, 28, 1)) says it; got one without"
        )
    shape = checked_shape(target.image_shape)
    count = _num_classes(target, shape)
    if target.class_names and len(target.class_names) != count:
        raise InputError(
            f"class_names: expected {count} names, as many as the network's logits, got "
            f"{len(target.class_names)}"
        )
    named = replace(
        target,
        image_shape=shape,
        class_names=tuple(map(str, target.class_names or range(count))),
        provenance={"params_sha256": digest_tree(target.params), **target.provenance},
    )

    def load(say: Say) -> Target:
        say(f"target: {named.name}; confidence is the {named.confidence}")
        return named

    return TargetChoice(
        image_shape=shape,
        source=f"network: {shown(named.name, 80)}, from {source}",
        facts={"network": named.name},
        notes=(f"The network {shown(named.name, 80)} does not come with fooljax.",),
        load=load,
        cells=read_classes(classes, count),
    )


def _num_classes(target: Target, shape: tuple[int, int, int]) -> int:
    """How many logits the network gives; the first one, where it is several."""
    logits = logits_of_two(target, shape)
    return int(jax.tree.leaves(logits)[0].shape[1])
