"""Families: every member is the network that it would be alone, with images of its own."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bars import QUICK

from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.storage.trees import digest_tree
from fooljax.targets import accuracy, train
from fooljax.targets.families import Member, advance_family, fit_family
from fooljax.targets.networks.trainable import NETWORKS, apply_of
from fooljax.targets.training import begin

APPLY = apply_of("mlp", 5)
RECIPE = dataclasses.replace(QUICK, steps=25)


def member(number, dataset, count=64):
    """White or black images, which are a class of their own."""
    first, key = jax.random.split(jax.random.key(number))
    params = NETWORKS["mlp"][1](5).init(first, jnp.zeros((1, *dataset.image_shape)))
    images = np.full((count, *dataset.image_shape), 255 * (number % 2), np.uint8)
    return Member(key, params, images, np.full(count, 4, np.int32))


def test_members_have_the_bits_that_they_would_have_alone(dataset):
    members = [member(number, dataset) for number in range(2)]
    together = fit_family(APPLY, RECIPE, members, dataset.train_images, dataset.train_labels)

    @jax.jit
    def alone(one):
        images = jnp.concatenate([dataset.train_images, one.images])
        labels = jnp.concatenate([dataset.train_labels, one.labels])
        return train(APPLY, RECIPE, one.key, one.params, images, labels)[0]

    for one, found in zip(members, together, strict=True):
        assert digest_tree(found) == digest_tree(jax.device_get(alone(one)))


def test_each_member_learns_its_own_images(dataset):
    members = [member(number, dataset) for number in range(2)]
    found = fit_family(APPLY, RECIPE, members, dataset.train_images, dataset.train_labels)
    for number, params in enumerate(found):
        target = Target(params, APPLY)
        assert accuracy(target, members[number].images, members[number].labels) == 1.0
        assert accuracy(target, members[1 - number].images, members[1 - number].labels) == 0.0
        assert accuracy(target, dataset.test_images, dataset.test_labels) > 0.9


def test_members_side_by_side_learn_the_same_but_for_rounding(dataset):
    """As on devices where that is faster."""
    members = [member(number, dataset) for number in range(2)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    shared = (jnp.asarray(dataset.train_images), jnp.asarray(dataset.train_labels))
    count = len(dataset.train_images) + len(members[0].images)
    training = jax.vmap(lambda key, start: begin(RECIPE, key, start, count))(stacked.key, stacked.params)
    own = (stacked.images, stacked.labels)
    found = [
        jax.jit(lambda now, turn=turn: advance_family(APPLY, RECIPE, turn, now, shared, own, 5))(training)
        for turn in (True, False)
    ]
    for one, other in zip(*(jax.tree.leaves(each.params) for each in found), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_array_equal(found[0].batches, found[1].batches)


def test_a_family_without_images_of_its_own_learns_what_is_shared(dataset):
    one = member(0, dataset, count=0)
    (params,) = fit_family(APPLY, RECIPE, [one], dataset.train_images, dataset.train_labels)
    assert accuracy(Target(params, APPLY), dataset.test_images, dataset.test_labels) > 0.9


def test_members_that_do_not_fit_together_are_refused(dataset):
    shared = (dataset.train_images, dataset.train_labels)
    with pytest.raises(InputError, match=r"^members: expected one or more with as many images and labels"):
        fit_family(APPLY, RECIPE, [member(0, dataset), member(1, dataset, count=3)], *shared)
    with pytest.raises(InputError, match=r"^members: expected one or more"):
        fit_family(APPLY, RECIPE, [], *shared)
