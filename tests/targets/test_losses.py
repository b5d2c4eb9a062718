"""Losses against formulas in NumPy, and the noise that some of them show to a network."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.ndimage
import scipy.special
from bars import QUICK

from fooljax.errors import InputError
from fooljax.storage.trees import digest_tree
from fooljax.targets.fitting import facts_of
from fooljax.targets.losses import CrossEntropy, NoiseAsClass, UnsureOfNoise
from fooljax.targets.networks.trainable import NETWORKS, apply_of
from fooljax.targets.noise import BLURS, noise_like
from fooljax.targets.training import begin, train

CLASSES = 5
KEY = jax.random.key(7)
noise = jax.jit(noise_like)


def linear(params, images):
    return images.reshape(images.shape[0], -1) @ params


@functools.partial(jax.jit, static_argnums=0)
def value(loss, params, pixels, labels):
    return loss(linear, params, pixels, labels, KEY)


@functools.partial(jax.jit, static_argnums=0)
def maximised(loss, params, images, key):
    return loss.maximised(linear, params, images, key)


@pytest.fixture
def batch():
    """A linear network, 12 images, and labels that leave the last class free."""
    rng = np.random.default_rng(0)
    params = rng.normal(size=(64, CLASSES)).astype(np.float32)
    pixels = rng.uniform(size=(12, 8, 8, 1)).astype(np.float32)
    return params, pixels, rng.integers(0, CLASSES - 1, 12).astype(np.int32)


def log_softmax(params, images):
    return scipy.special.log_softmax(np.asarray(linear(params, np.asarray(images, np.float64))), axis=1)


def plain(params, pixels, labels):
    return -np.mean(log_softmax(params, pixels)[range(len(labels)), labels])


def test_cross_entropy_and_smoothed_labels(batch):
    params, pixels, labels = batch
    assert value(CrossEntropy(), *batch) == pytest.approx(plain(*batch), rel=1e-5)
    wanted = 0.9 * np.eye(CLASSES)[labels] + 0.1 / CLASSES
    expected = -np.mean(np.sum(wanted * log_softmax(params, pixels), axis=1))
    assert value(CrossEntropy(smoothing=0.1), *batch) == pytest.approx(expected, rel=1e-5)


def test_noise_belongs_to_the_last_class(batch):
    params, pixels, _ = batch
    of_noise = -np.mean(log_softmax(params, noise(KEY, pixels))[:, -1])
    found = value(NoiseAsClass(weight=0.5), *batch)
    assert found == pytest.approx(plain(*batch) + 0.5 * of_noise, rel=1e-5)


def test_the_target_of_noise_is_uniform(batch):
    params, pixels, _ = batch
    of_noise = -np.mean(log_softmax(params, noise(jax.random.split(KEY)[0], pixels)))
    found = value(UnsureOfNoise(weight=2.0), *batch)
    assert found == pytest.approx(plain(*batch) + 2.0 * of_noise, rel=1e-5)
    assert of_noise > np.log(CLASSES)


def test_maximised_noise_is_within_reach_and_the_network_is_surer_of_it(batch):
    params, pixels, _ = batch
    loss = UnsureOfNoise(steps=6, radius=0.2)
    noise_key, start_key = jax.random.split(KEY)
    start = np.asarray(noise(noise_key, pixels))
    found = np.asarray(maximised(loss, params, start, start_key))
    assert np.max(np.abs(found - start)) <= 0.2 + 1e-6
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    before, after = (log_softmax(params, images).max(axis=1) for images in (start, found))
    assert np.all(after > before)
    of_noise = -np.mean(log_softmax(params, found))
    assert value(loss, *batch) == pytest.approx(plain(*batch) + of_noise, rel=1e-5)


def test_no_slope_goes_through_the_search_for_noise(batch):
    """The gradient is that of the loss at the noise found, as if it had been given."""
    params, pixels, labels = map(jnp.asarray, batch)
    loss = UnsureOfNoise(steps=3)
    noise_key, start_key = jax.random.split(KEY)
    found = maximised(loss, params, noise(noise_key, pixels), start_key)

    def given(params):
        of_images = -jnp.mean(jax.nn.log_softmax(linear(params, pixels))[jnp.arange(12), labels])
        return of_images - jnp.mean(jax.nn.log_softmax(linear(params, found)))

    slope = jax.jit(jax.grad(lambda params: loss(linear, params, pixels, labels, KEY)))(params)
    np.testing.assert_allclose(slope, jax.jit(jax.grad(given))(params), atol=1e-5)


def _blurred(images, width):
    return scipy.ndimage.gaussian_filter(images, width, mode="constant", truncate=20.0, axes=(1, 2))


def test_noise_is_blurred_and_stretched():
    pixels = np.zeros((40, 12, 10, 1), np.float32)
    pixels.reshape(40, 120)[range(40), range(40)] = 1.0
    found = np.asarray(noise(KEY, pixels))
    np.testing.assert_allclose(found.min(axis=(1, 2, 3)), 0.0, atol=1e-6)
    np.testing.assert_allclose(found.max(axis=(1, 2, 3)), 1.0, atol=1e-6)
    # A shuffled image with one bright pixel is a single blurred spot, of some place and width.
    spots = np.eye(120).reshape(120, 12, 10)
    blurred = [
        _blurred(spots, width) / _blurred(np.ones((1, 12, 10)), width) for width in np.linspace(*BLURS, 31)
    ]
    known = np.concatenate(blurred)
    low, high = (known.min(axis=(1, 2), keepdims=True), known.max(axis=(1, 2), keepdims=True))
    known = (known - low) / (high - low)
    nearest = [np.abs(known - image).max(axis=(1, 2)) for image in found[1::2, :, :, 0]]
    assert max(errors.min() for errors in nearest) < 0.05
    assert len({errors.argmin() % 120 for errors in nearest}) > 10
    assert np.all(np.isfinite(noise(KEY, np.zeros((4, 8, 8, 1)))))


def test_plain_cross_entropy_trains_to_the_bits_of_a_loop_without_losses(dataset):
    """The loop as it was before a recipe had a loss, so that published networks stay what they are."""
    recipe = dataclasses.replace(QUICK, steps=6)
    init_key, train_key = jax.random.split(jax.random.key(3))
    start = NETWORKS["mlp"][1](4).init(init_key, jnp.zeros((1, *dataset.image_shape)))
    apply, images, labels = apply_of("mlp", 4), jnp.asarray(dataset.train_images), dataset.train_labels
    found, losses = jax.jit(lambda: train(apply, recipe, train_key, start, images, jnp.asarray(labels)))()

    def mean_loss(params, pixels, names):
        logits = apply(params, pixels)
        return jnp.mean(optax.losses.softmax_cross_entropy_with_integer_labels(logits, names))

    optimizer = recipe.make_optimizer()

    def one(step, now):
        params, state, losses, batches = now
        pixels = images[batches[step]].astype(jnp.float32) / 255.0
        value, slope = jax.value_and_grad(mean_loss)(params, pixels, jnp.asarray(labels)[batches[step]])
        updates, state = optimizer.update(slope, state, params)
        return optax.apply_updates(params, updates), state, losses.at[step].set(value), batches

    def before():
        batches = begin(recipe, train_key, start, len(images)).batches
        first = (start, optimizer.init(start), jnp.zeros(recipe.steps), batches)
        return jax.lax.fori_loop(0, recipe.steps, one, first)

    params, _, expected, _ = jax.jit(before)()
    assert digest_tree(jax.device_get(params)) == digest_tree(jax.device_get(found))
    np.testing.assert_array_equal(losses, expected)


def test_facts_tell_losses_apart_and_leave_the_plain_one_out(dataset):
    """Else every network that was kept before would be trained again."""
    losses = [CrossEntropy(), CrossEntropy(0.1), NoiseAsClass(), UnsureOfNoise(), UnsureOfNoise(steps=5)]
    facts = [facts_of(dataset, dataclasses.replace(QUICK, loss=loss), 0) for loss in losses]
    assert "loss" not in facts[0]["recipe"]
    assert facts[4]["recipe"]["loss"] == {"kind": "UnsureOfNoise", "weight": 1.0, "steps": 5, "radius": 0.3}
    written = [json.dumps(one) for one in facts]
    assert len(set(written)) == len(losses)
    assert [json.loads(one) for one in written] == facts


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: CrossEntropy(float("nan")), "smoothing"),
        (lambda: CrossEntropy(2.0), "smoothing"),
        (lambda: NoiseAsClass(-1.0), "weight"),
        (lambda: UnsureOfNoise(steps=-1), "steps"),
        (lambda: UnsureOfNoise(radius=float("nan")), "radius"),
        (lambda: dataclasses.replace(QUICK, loss=None).facts, "loss"),
        (lambda: dataclasses.replace(QUICK, loss=CrossEntropy).facts, "loss"),
    ],
)
def test_a_loss_that_makes_no_sense_is_named(make, named):
    with pytest.raises(InputError, match=f"^{named}: expected"):
        make()
