"""A network that was trained elsewhere learns to reject fooling images, by a class more.

The network itself, as it was, is the teacher: on clean images the retrained one is to say what the old one
says. On fooling images it is to say the class more, which is the last. Batch norm of the networks here is
folded into their convolutions, so its statistics stay as they were.

Then the bias of the class is moved, so that a stated share of clean images is rejected. Defences can be
compared only where they reject equally many clean images, and evolution that meets such a network sees the
very rule that it is judged by.

Source: Nguyen et al. 2015, section 3.6 (the class more); Hinton et al. 2015 (the teacher). Differs: the paper
trains its networks from scratch.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.targets import last_block, last_layer
from fooljax.targets.last_layer import LastLayer, with_last_layer, with_params
from fooljax.targets.losses import SoftLabels
from fooljax.targets.training import Recipe, train

REJECTED = "fooling"
"""The name of the class more."""
Images = npt.NDArray[np.uint8]


class Lesson(NamedTuple):
    """What a network is to learn.

    Attributes:
      clean: `[N, H, W, K]` uint8.
      fooling: `[M, H, W, K]` uint8.
      share: of fooling images among those of a step, in (0, 1). The paper made the class several times as
        large as any other, since it did not help otherwise.
    """

    clean: Images
    fooling: Images
    share: float


def recipe_of(part: str, steps: int) -> Recipe:
    """How a part of a network is trained.

    Args:
      part: `head`, the last layer alone; `block`, the last block too; or `all`.
      steps: the number of gradient steps.
    """
    # Folded convolutions bear small steps only: at 1e-3 ResNet-20 forgot its classes.
    rate = 1e-3 if part == "head" else 1e-4
    return Recipe(f"fine-tuned-{part}", steps, "adamw", rate, weight_decay=1e-4, loss=SoftLabels())


def with_rejection(target: Target) -> Target:
    """The network with a class more, whose logit is 0 for every image; or as it is, if it has one."""
    if target.class_names and target.class_names[-1] == REJECTED:
        return target
    kernel, bias = last_layer.layer_of(target)
    layer = LastLayer(jnp.pad(kernel, ((0, 0), (0, 1))), jnp.pad(bias, (0, 1)))
    return with_last_layer(target, layer, (*target.class_names, REJECTED))


def fine_tuned(
    target: Target, teacher: Target, lesson: Lesson, part: str, steps: int, key: jax.Array
) -> Target:
    """Teaches a network to reject fooling images.

    Args:
      target: to start from: the teacher, or one that has learnt from it.
      teacher: says what clean images are. It has no class for rejected ones.
      lesson: what to learn.
      part: `head`, the last layer alone; `block`, the last block of layers too, see
        `fooljax.targets.last_block`; or `all`. What comes before the part is worked out once for each image.
      steps: gradient steps.
      key: decides the order of the images.
    Returns:
      The network, with the class more.
    Raises:
      InputError: the last layer of the network is not known, or there are too few images.
    """
    begun, recipe = with_rejection(target), recipe_of(part, steps)
    images, labels = _lesson(teacher, lesson)
    if len(images) < recipe.batch_size:
        raise InputError(f"images: expected {recipe.batch_size} or more to learn from, got {len(images)}")
    if part == "head":
        layer = last_layer.layer_of(begun)
        outputs = jnp.asarray(last_layer.features(begun, images))
        learnt, _ = train(LastLayer.__call__, recipe, key, layer, outputs, labels)
        return with_last_layer(begun, learnt, begun.class_names)
    trained = jax.jit(train, static_argnums=(0, 1))
    if part == "block":
        given = jnp.asarray(last_block.inputs(begun, images))
        of_block, block = last_block.function_of(begun), last_block.block_of(begun)
        return last_block.with_block(begun, trained(of_block, recipe, key, block, given, labels)[0])
    params, _ = trained(begun.apply, recipe, key, begun.params, jnp.asarray(images), labels)
    return with_params(begun, params, begun.apply, begun.class_names)


def _lesson(teacher: Target, lesson: Lesson) -> tuple[Images, jax.Array]:
    """Images, in which the fooling ones are repeated until they have their share, and their labels."""
    outputs = jax.nn.softmax(last_layer.logits(teacher, lesson.clean))
    wanted = lesson.share / (1.0 - lesson.share) * len(lesson.clean)
    times = max(1, round(wanted / len(lesson.fooling)))
    fooling = np.tile(lesson.fooling, (times, 1, 1, 1))
    rejected = jax.nn.one_hot(jnp.full(len(fooling), outputs.shape[1]), outputs.shape[1] + 1)
    labels = jnp.concatenate([jnp.pad(outputs, ((0, 0), (0, 1))), rejected])
    return np.concatenate([lesson.clean, fooling]), labels


def margins(target: Target, images: Images) -> npt.NDArray[np.float32]:
    """By how much an image's largest logit is above that of the class for rejected images, `[N]`.

    Args:
      target: with the class for rejected images.
      images: `[N, H, W, K]` uint8.
    """
    outputs = last_layer.logits(target, images)
    return outputs[:, :-1].max(axis=1) - outputs[:, -1]


def rejecting(target: Target, margin: float) -> Target:
    """The network with its last class's bias moved, so that it rejects images with less than this margin.

    Args:
      target: with the class for rejected images.
      margin: such as the one that 99 % of clean images reach, so that 1 % of them are rejected.
    """
    layer = last_layer.layer_of(target)
    bias = layer.bias.at[-1].add(margin)
    return with_last_layer(target, LastLayer(layer.kernel, bias), target.class_names)
