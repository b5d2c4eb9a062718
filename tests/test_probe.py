"""What a target is asked before it is fooled, and which targets are found out."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import logits, target

from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.probe import count_classes, examine, probe, probe_images

SHAPE = (6, 6, 1)


def of(apply, seed=0):
    return target(seed).replace(apply=apply)


class Normed(nn.Module):
    """A network with batch norm and dropout, as training leaves it or as it is used."""

    train: bool

    @nn.compact
    def __call__(self, images):
        hidden = nn.Dense(32)(images.reshape(images.shape[0], -1))
        hidden = nn.relu(nn.BatchNorm(use_running_average=not self.train)(hidden))
        return 4.0 * nn.Dense(5)(nn.Dropout(0.5, deterministic=not self.train)(hidden))


def flax_target(train):
    variables = Normed(False).init(jax.random.key(0), jnp.zeros((1, *SHAPE)))

    def apply(variables, images):
        if not train:
            return Normed(False).apply(variables, images)
        return Normed(True).apply(
            variables, images, mutable=["batch_stats"], rngs={"dropout": jax.random.key(1)}
        )[0]

    return Target(variables, apply)


def test_a_sound_network_passes_silently(caplog):
    found = probe(target(), SHAPE)
    assert found.logits.shape == (8, 4)
    expected = log_odds(logits(target().params, jnp.asarray(probe_images(SHAPE))))
    np.testing.assert_allclose(found.log_odds, expected, atol=1e-4)
    assert probe(flax_target(train=False), SHAPE).logits.shape == (8, 5)
    assert not caplog.records


def test_networks_are_told_apart_by_what_they_say():
    assert np.max(np.abs(probe(target(0), SHAPE).log_odds - probe(target(1), SHAPE).log_odds)) > 1.0


def by_batch_mean(params, images):
    return logits(params, images - jnp.mean(images, axis=0, keepdims=True))


def by_place(params, images):
    return logits(params, images) + jnp.arange(images.shape[0])[:, None] * jnp.asarray([[1.0, 0, 0, 0]])


def by_size(params, images):
    return logits(params, images) * (1.0 if images.shape[0] >= 8 else 0.1)


def by_chance(params, images):
    def draw(_):
        return np.random.default_rng().normal(size=(images.shape[0], 4)).astype(np.float32)

    shape = jax.ShapeDtypeStruct((images.shape[0], 4), jnp.float32)
    return logits(params, images) + jax.pure_callback(draw, shape, images)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (of(by_batch_mean), "among copies of itself instead of other images"),
        (of(by_place), "in another place of the batch"),
        (of(by_chance), "asked twice the same"),
        (of(by_size), "in a batch of its own"),
        (flax_target(train=True), "in another place of the batch|among copies of itself"),
    ],
)
def test_a_verdict_that_depends_on_its_batch_or_on_chance_is_refused(network, words):
    with pytest.raises(InputError, match=f"^target: an image's log-odds for class .* ({words})") as caught:
        probe(network, SHAPE)
    assert "\n" not in str(caught.value)


def test_probabilities_are_refused_and_log_probabilities_are_logits():
    with pytest.raises(InputError, match=r"^target: expected logits, got what look like probabilities"):
        probe(of(lambda params, images: jax.nn.softmax(logits(params, images))), SHAPE)
    with pytest.raises(InputError, match=r"what look like probabilities \(none negative, rows sum to 100\)"):
        probe(of(lambda params, images: 100.0 * jax.nn.softmax(logits(params, images))), SHAPE)
    with pytest.raises(InputError, match="what look like probabilities"):
        probe(of(lambda params, images: jax.nn.softmax(logits(params, images)).astype(jnp.bfloat16)), SHAPE)
    found = probe(of(lambda params, images: jax.nn.log_softmax(logits(params, images))), SHAPE)
    np.testing.assert_allclose(found.log_odds, probe(target(), SHAPE).log_odds, atol=1e-3)


@pytest.mark.parametrize(
    ("apply", "words"),
    [
        (lambda params, images: jax.nn.sigmoid(logits(params, images)), "lie in \\[0, 1\\]"),
        (lambda params, images: jnp.full((images.shape[0], 4), 3.0), "the same for all 8 images"),
        (lambda params, images: 1e6 * logits(params, images), "no longer tells log-odds apart"),
        (
            lambda params, images: jnp.where(jnp.mean(images, (1, 2)) > 0.7, jnp.nan, logits(params, images)),
            "are NaN for 1 of 8 images",
        ),
    ],
)
def test_doubts_are_told(apply, words, caplog):
    [doubt] = examine(of(apply), SHAPE).doubts
    assert not caplog.records
    probe(of(apply), SHAPE)
    [record] = caplog.records
    assert record.getMessage() == f"target: {doubt.words}"
    assert re.search(words, doubt.words)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_logits_of_few_bits_pass_and_their_log_odds_are_float32(dtype, caplog):
    network = of(lambda params, images: logits(params, images).astype(dtype))
    found = probe(network, SHAPE)
    assert not caplog.records
    rough = jnp.asarray(logits(target().params, jnp.asarray(probe_images(SHAPE))).astype(dtype))
    exact = log_odds(rough.astype(jnp.float32))
    assert log_odds(rough).dtype == jnp.float32
    np.testing.assert_array_equal(log_odds(rough), exact)
    np.testing.assert_allclose(found.log_odds, exact, atol=0.5)


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (
            lambda params, images: Normed(True).apply(params, images),
            r"refused images \[2, 6, 6, 1\]: \w+: \S",
        ),
        (
            lambda params, images: logits(params, images)[0],
            r"expected logits \[2, C\] of 2 images, got \(4,\)",
        ),
        (lambda params, images: {"logits": logits(params, images)}, "expected logits .* got dict"),
        (lambda params, images: 1 / 0, "refused images .*: ZeroDivisionError: division by zero"),
        (lambda params, images: jnp.sum(images), "expected logits .* got a number"),
        (lambda params: params, "refused images .*: TypeError: "),
    ],
)
def test_what_a_network_raises_is_one_line(apply, message):
    with pytest.raises(InputError, match=f"^target: {message}") as caught:
        count_classes(of(apply), SHAPE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_images_of_the_probe_are_8_bit_and_unlike_each_other():
    for shape in (SHAPE, (28, 28, 1), (5, 9, 3), (1, 1, 1)):
        images = probe_images(shape)
        assert images.shape == (8, *shape)
        np.testing.assert_array_equal(np.round(images * 255) / np.float32(255), images)
    flat = probe_images((28, 28, 1)).reshape(8, -1)
    assert np.min(np.linalg.norm(flat[:, None] - flat[None], axis=-1) + 100 * np.eye(8)) > 1.0
