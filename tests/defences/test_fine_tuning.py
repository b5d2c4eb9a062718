"""A class more for fooling images: what it takes, what it leaves, and at which rate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.defences import fine_tuning
from fooljax.defences.fine_tuning import Lesson, fine_tuned
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.targets import last_layer
from fooljax.targets.networks.trainable import apply_of
from fooljax.targets.training import Recipe, train

SHAPE = (8, 8, 1)


def bright(rng, count):
    """Images of two classes: bright above, or bright below; and stripes, which are neither."""
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 60, (count, *SHAPE))
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 190
    return images.astype(np.uint8), labels.astype(np.int32)


def stripes(rng, count):
    images = rng.integers(0, 60, (count, *SHAPE))
    images[:, ::2] += 190
    return images.astype(np.uint8)


@pytest.fixture(scope="module")
def taught():
    """A network that tells the two classes apart, new images, and stripes."""
    rng = np.random.default_rng(0)
    images, labels = bright(rng, 200)
    apply = apply_of("mlp", 2)
    module = apply.module
    params = module.init(jax.random.key(0), jnp.zeros((1, *SHAPE)))
    recipe = Recipe("short", 40, "adamw", 1e-3, 0.0)
    params, _ = train(apply, recipe, jax.random.key(1), params, jnp.asarray(images), jnp.asarray(labels))
    target = Target(params, apply, image_shape=SHAPE, class_names=("above", "below"))
    return target, images, bright(rng, 100)[0], stripes(rng, 40), stripes(rng, 40)


@pytest.mark.parametrize("part", ["head", "block", "all"])
def test_new_fooling_images_are_rejected_and_clean_ones_are_named_as_before(taught, part):
    target, clean, new, fooling, others = taught
    found = fine_tuned(target, target, Lesson(clean, fooling, 0.3), part, 60, jax.random.key(2))
    assert found.class_names == ("above", "below", "fooling")
    assert np.mean(last_layer.logits(found, others).argmax(axis=1) == 2) > 0.9
    before, after = (last_layer.logits(one, new).argmax(axis=1) for one in (target, found))
    assert np.mean(before == after) > 0.9
    # A second round begins where the first one ended.
    again = fine_tuned(found, target, Lesson(clean, fooling, 0.3), part, 5, jax.random.key(3))
    assert again.class_names == found.class_names


@pytest.mark.parametrize(("part", "moved"), [("head", (2,)), ("block", (1, 2)), ("all", (0, 1, 2))])
def test_only_the_part_moves(taught, part, moved):
    target, clean, _, fooling, _ = taught
    found = fine_tuned(target, target, Lesson(clean, fooling, 0.3), part, 5, jax.random.key(2))
    for index in range(3):
        before, after = (one.params["params"][f"Dense_{index}"] for one in (target, found))
        assert np.array_equal(before["bias"], after["bias"][: len(before["bias"])]) == (index not in moved)
        kernels = before["kernel"], after["kernel"][:, : before["kernel"].shape[1]]
        assert np.array_equal(*kernels) == (index not in moved)


def test_a_class_more_says_nothing_at_first(taught):
    target, clean, *_ = taught
    found = fine_tuning.with_rejection(target)
    assert np.array_equal(last_layer.logits(found, clean)[:, :2], last_layer.logits(target, clean))
    assert not last_layer.logits(found, clean)[:, 2].any()
    assert fine_tuning.with_rejection(found) is found


def test_the_bias_moves_to_where_a_share_is_rejected(taught):
    target, clean, new, fooling, _ = taught
    found = fine_tuned(target, target, Lesson(clean, fooling, 0.3), "head", 20, jax.random.key(2))
    margin = float(np.quantile(fine_tuning.margins(found, new), 0.25))
    moved = fine_tuning.rejecting(found, margin)
    assert np.mean(last_layer.logits(moved, new).argmax(axis=1) == 2) == pytest.approx(0.25, abs=0.02)
    assert np.array_equal(last_layer.logits(moved, new)[:, :2], last_layer.logits(found, new)[:, :2])


def test_too_few_images(taught):
    target, clean, _, fooling, _ = taught
    with pytest.raises(InputError, match="images: expected 64 or more to learn from, got"):
        fine_tuned(target, target, Lesson(clean[:5], fooling[:2], 0.3), "head", 5, jax.random.key(2))
