"""Families: several networks of one architecture, trained in one compiled call, each with images of its own.

Retraining makes many networks that share their training images and differ in a few thousand more. On a CPU
the members are trained one after the other within the call, which took less time there than side by side
(`vmap` makes grouped convolutions of their convolutions, LeNets at a batch of 64: 20 ms a step and member
against 16 ms). On other devices they are trained side by side.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.placement import is_cpu, place_of
from fooljax.engine.types import Apply, Params
from fooljax.errors import InputError
from fooljax.targets.fitting import in_parts
from fooljax.targets.training import Recipe, Training, advance, begin

ROOM = 8192
"""Images of their own are padded to a multiple of so many, so that families of one size share a program."""


class Member(NamedTuple):
    """What a network of a family has for itself.

    Attributes:
      key: decides the order of its images.
      params: to start from.
      images: `[M, H, W, K]` uint8, learnt from beside those that all members share. M may be 0, and is the
        same for all members.
      labels: `[M]` int32, their classes.
    """

    key: jax.Array
    params: Params
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]


def fit_family(
    apply: Apply,
    recipe: Recipe,
    members: list[Member],
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int32],
) -> list[Params]:
    """Trains the networks of a family.

    On a CPU each member has the same bits as it would have alone, and as `fooljax.targets.train` gives for
    the images of both kinds one after the other. Python answers signals about every second.

    Args:
      apply: `apply(params, images) -> logits`, of all members.
      recipe: how each is trained.
      members: one or more, all with as many images and with parameters of the same shapes.
      images: `[N, H, W, K]` uint8, which every member learns from.
      labels: `[N]`, their classes.
    Returns:
      The trained parameters of each member.
    Raises:
      InputError: there are no members, or they differ in how many images they have.
    """
    counts = sorted({len(part) for one in members for part in (one.images, one.labels)})
    if len(counts) != 1:
        raise InputError(f"members: expected one or more with as many images and labels, got {counts}")
    keys = jnp.stack([one.key for one in members])
    params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(one.params for one in members))
    own = (_padded([one.images for one in members]), _padded([one.labels for one in members]))
    shared = (jnp.asarray(images), jnp.asarray(labels, jnp.int32))
    count = len(images) + counts[0]
    training = jax.vmap(lambda key, start: begin(recipe, key, start, count))(keys, params)
    go_on = _program(apply, recipe, is_cpu(place_of(params)))
    training = in_parts(
        lambda now, until: go_on(now, shared, own, until), training, recipe.steps, len(members)
    )
    trained = jax.device_get(training.params)
    return [jax.tree.map(lambda leaf, at=at: leaf[at], trained) for at in range(len(members))]


def _padded(parts: list[npt.NDArray[Any]]) -> jax.Array:
    """Arrays `[M, ...]` as one, with zeros behind each, which no step asks for."""
    count = len(parts[0])
    behind = [(0, -(-count // ROOM) * ROOM - count)] + [(0, 0)] * (parts[0].ndim - 1)
    return jnp.asarray(np.stack([np.pad(part, behind) for part in parts]))


@functools.lru_cache(maxsize=8)
def _program(apply: Apply, recipe: Recipe, in_turn: bool) -> Callable[..., Training]:
    """The compiled `(training, shared, own, until) -> training`."""
    return jax.jit(functools.partial(advance_family, apply, recipe, in_turn), donate_argnums=0)


def advance_family(
    apply: Apply,
    recipe: Recipe,
    in_turn: bool,
    training: Training,
    shared: tuple[jax.Array, jax.Array],
    own: tuple[jax.Array, jax.Array],
    until: jax.Array | int,
) -> Training:
    """Goes on with all trainings of a family until step `until`.

    Args:
      apply: as `fit_family`.
      recipe: as `fit_family`.
      in_turn: whether the members are trained one after the other, or side by side.
      training: of all members, leaves `[F, ...]`.
      shared: images `[N, H, W, K]` and labels `[N]` that all learn from.
      own: images `[F, M, H, W, K]` and labels `[F, M]` of each.
      until: the step.
    """

    def one(member: tuple[Training, tuple[jax.Array, jax.Array]]) -> Training:
        now, more = member
        images, labels = (
            jnp.concatenate([all_of, part.astype(all_of.dtype)])
            for all_of, part in zip(shared, more, strict=True)
        )
        return advance(apply, recipe, now, images, labels, until)

    return jax.lax.map(one, (training, own)) if in_turn else jax.vmap(one)((training, own))
