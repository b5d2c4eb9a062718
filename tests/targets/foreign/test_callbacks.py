"""A network that is asked on the host, but has a derivative: whatever follows gradients can follow these."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax
from fooljax.errors import InputError
from fooljax.strategies import refined
from fooljax.targets.foreign.callbacks import differentiable

SHAPE = (4, 4, 1)
WEIGHTS = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)


def forward(images):
    assert isinstance(images, np.ndarray)
    return np.tanh(images.reshape(len(images), -1) @ WEIGHTS) * 6.0


def backward(images, weights):
    slope = 6.0 * (1.0 - np.tanh(images.reshape(len(images), -1) @ WEIGHTS) ** 2)
    return ((weights * slope) @ WEIGHTS.T).reshape(images.shape)


def compiled(images):
    return jnp.tanh(images.reshape(images.shape[0], -1) @ WEIGHTS) * 6.0


HOSTED = fooljax.host_target(forward, image_shape=SHAPE, differentiable=differentiable(forward, backward, 3))
COMPILED = fooljax.as_target(compiled, image_shape=SHAPE)


def test_values_and_gradients_are_those_of_the_same_network_in_jax():
    images = jax.random.uniform(jax.random.key(0), (5, *SHAPE))
    of_host = differentiable(forward, backward, 3)

    def height(function, images):
        return jnp.sum(function(images)[:, 1] ** 2)

    for value, expected in zip(
        *(jax.jit(jax.value_and_grad(lambda x, f=f: height(f, x)))(images) for f in (of_host, compiled)),
        strict=True,
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)
    both = jnp.stack([images, 1.0 - images])
    np.testing.assert_allclose(jax.vmap(of_host)(both), jax.vmap(compiled)(both), atol=1e-5)


def test_gradient_ascent_climbs_as_on_the_compiled_network():
    one, other = (fooljax.ascend(target, key=0, iterations=6) for target in (HOSTED, COMPILED))
    np.testing.assert_allclose(one.log_odds, other.log_odds, atol=1e-3)


@pytest.mark.slow
def test_a_strategy_that_uses_gradients_takes_it():
    encoding = fooljax.encodings.direct(SHAPE)
    one, other = (
        fooljax.evolve(target, encoding, key=0, generations=3, strategy=refined(encoding, batch_size=8))
        for target in (HOSTED, COMPILED)
    )
    np.testing.assert_allclose(one.log_odds, other.log_odds, atol=1e-2)


@pytest.mark.slow
def test_changes_of_an_image_take_it():
    images = np.full((1, *SHAPE), 128, np.uint8)
    one, other = (
        fooljax.perturb(target, images, to=2, rounds=1, steps=5).log_odds for target in (HOSTED, COMPILED)
    )
    np.testing.assert_allclose(one, other, atol=1e-2)


def test_without_a_derivative_it_is_refused():
    with pytest.raises(InputError, match="expected a network with gradients"):
        fooljax.perturb(fooljax.host_target(forward), np.zeros((1, *SHAPE), np.uint8), to=2)
