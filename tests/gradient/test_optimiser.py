"""The rule of an optax optimiser, by hand; its penalties lower what they are named after."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import toys
from linear_network import CLASSES, SHAPE, linear, linear_target, near_grey
from scipy.special import softmax

from fooljax.gradient import (
    ascend_images,
    odds_and_gradient,
    optimiser,
    start_images,
)
from fooljax.gradient.filters import variation


def test_adam_by_hand():
    """Three steps on the linear network, whose gradient is known."""
    target, start = linear_target(), near_grey(3, 1)
    weights, bias = (np.asarray(target.params[name], np.float64) for name in ("weights", "bias"))
    image, first, second = start[0].ravel().astype(np.float64), 0.0, 0.0
    for step in range(1, 4):
        p = softmax(image @ weights + bias)
        others = np.where(np.arange(CLASSES) == 1, 0.0, p)
        others /= others.sum()
        gradient = weights[:, 1] - weights @ others - 2 * 0.3 * (image - 0.25)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        rate = 0.2 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        image = np.clip(image + rate, 0, 1)
    found = ascend_images(target, start, [1], optimiser(optax.adam(0.2), l2=0.3), iterations=4, mean=0.25)
    np.testing.assert_allclose(found.images[0].ravel(), image, atol=1e-4)
    assert 0 < np.mean((image == 0) | (image == 1)) < 1  # some were clipped


def test_sigmoid_follows_the_chain_rule():
    target, start = linear_target(), near_grey(3, 1)
    found = ascend_images(
        target, start, [1], optimiser(optax.sgd(0.1), parameterisation="sigmoid"), iterations=2
    )
    gradient = odds_and_gradient(linear)(target.params, (jnp.asarray(start), jnp.asarray([1])))[2]
    moved = jax.scipy.special.logit(start) + 0.1 * start * (1 - start) * gradient
    np.testing.assert_allclose(found.images, jax.nn.sigmoid(moved), atol=1e-6)
    adam = optimiser(optax.adam(0.3), parameterisation="sigmoid")
    black = ascend_images(target, np.zeros((1, *SHAPE)), [1], adam, iterations=30)
    assert np.max(black.images) > 0.2


@pytest.mark.parametrize(
    ("name", "measure"), [("total_variation", variation), ("l2", lambda x: jnp.sum(x**2))]
)
def test_regularisers_lower_what_they_name(name, measure):
    start = start_images(jax.random.key(0), 2, (6, 6, 1), mode="randu")
    plain = ascend_images(toys.target(), start, [0, 1], optimiser(), iterations=60)
    held = ascend_images(toys.target(), start, [0, 1], optimiser(**{name: 2.0}), iterations=60)
    assert np.all(jax.vmap(measure)(held.images) < 0.7 * jax.vmap(measure)(plain.images))
