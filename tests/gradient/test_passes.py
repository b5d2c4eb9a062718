"""Passes through the network: their gradient is JAX's own, in tiles that depend on the batch alone."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from linear_network import CLASSES, linear, linear_target, near_grey
from scipy.special import softmax

from fooljax import Target, log_odds
from fooljax.gradient import (
    ascend_images,
    odds_and_gradient,
    passes,
)
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.trainable import apply_of


@pytest.mark.optimised
@pytest.mark.parametrize(("batch", "tile"), [(5, 5), (7, 4), (10, 5), (11, 4)])
def test_tiles_depend_on_the_batch_alone(monkeypatch, batch, tile):
    monkeypatch.setattr(passes, "backward_tile", lambda image_shape: 5)
    seen = set()

    def spy(params, images):
        seen.add(images.shape[0])
        return toys.logits(params, images)

    images = jnp.zeros((batch, 6, 6, 1))
    jax.jit(odds_and_gradient(spy)).lower(toys.target().params, (images, jnp.zeros(batch, jnp.int32)))
    assert seen == {tile, batch}


def test_gradient_equals_plain_jax_grad_of_lenet(monkeypatch):
    monkeypatch.setattr(passes, "backward_tile", lambda image_shape: 3)
    params = LeNet(10).init(jax.random.key(0), jnp.zeros((1, 16, 16, 1)))
    images, classes = jax.random.uniform(jax.random.key(1), (7, 16, 16, 1)), jnp.arange(7)

    def plain(images):
        weights, x = params["params"], images * (255.0 / 256.0)
        for layer in ("ConvPool_0", "ConvPool_1"):
            kernel, bias = weights[layer]["kernel"], weights[layer]["bias"]
            dimensions = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=dimensions)
            x = x + bias[None, None, None]
            height, width = x.shape[1] // 2, x.shape[2] // 2
            blocks = x[:, : 2 * height, : 2 * width].reshape(7, height, 2, width, 2, -1)
            x = jnp.max(blocks, axis=(2, 4))
        x = x.reshape(7, -1) @ weights["Dense_0"]["kernel"] + weights["Dense_0"]["bias"][None]
        return jax.nn.relu(x) @ weights["Dense_1"]["kernel"] + weights["Dense_1"]["bias"][None]

    def height(images):
        logits = plain(images)
        odds = log_odds(logits)[jnp.arange(7), classes]
        return jnp.sum(odds), (odds, jnp.argmax(logits, axis=-1) == classes)

    both_passes = jax.jit(odds_and_gradient(apply_of("lenet", 10)))
    odds, is_top, gradient = both_passes(params, (images, classes))
    (_, expected), expected_gradient = jax.jit(jax.value_and_grad(height, has_aux=True))(images)
    largest = float(jnp.max(jnp.abs(expected_gradient)))
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5 * largest)
    np.testing.assert_allclose(odds, expected[0], atol=1e-5)
    np.testing.assert_array_equal(is_top, expected[1])


@pytest.mark.parametrize("maximise", ["log_odds", "logit"])
def test_gradient_of_the_log_odds_and_of_the_logit(maximise):
    target, images, classes = linear_target(), near_grey(0, 5), jnp.arange(5) % CLASSES
    gradient = odds_and_gradient(linear, maximise)(target.params, (jnp.asarray(images), classes))[2]
    weights = np.asarray(target.params["weights"], np.float64)
    for index, own in enumerate(np.asarray(classes)):
        others = softmax(linear(target.params, images)[index])
        others[own] = 0.0
        less = weights @ (others / others.sum()) if maximise == "log_odds" else 0.0
        np.testing.assert_allclose(gradient[index].ravel(), weights[:, own] - less, atol=1e-4)


def test_passes_are_counted_as_they_happen():
    counts = Counter()

    def count(name, size):
        jax.debug.callback(lambda: counts.update({name: size}))

    @jax.custom_vjp
    def counted(images):
        count("forward", images.shape[0])
        return images

    def forward(images):
        return counted(images), None

    def backward(_, gradient):
        count("backward", gradient.shape[0])
        return (gradient,)

    counted.defvjp(forward, backward)
    target = Target(toys.target().params, lambda params, images: toys.logits(params, counted(images)))
    found = ascend_images(
        target, np.full((6, 6, 6, 1), 0.5), np.zeros(6, int), iterations=9, check_target=False
    )
    jax.effects_barrier()
    assert counts == {"forward": 6 * (8 + 1 + 1), "backward": 6 * 8}
    assert int(found.queries) == sum(counts.values())
