"""The bound of a VAE, against the likelihood by integration over its one latent number."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bars import bars
from scipy.special import logsumexp

from fooljax.errors import InputError
from fooljax.generative import vae_training
from fooljax.generative.vae import VaeDensity, divergence, gram_of
from fooljax.generative.vae_training import VaeRecipe

SMALL = VaeDensity(latent=1, hidden=5, steps=10, draws=400)
PIXELS = 6


@pytest.fixture(scope="module")
def params():
    return SMALL.network(PIXELS).init(jax.random.key(1), jnp.zeros((1, PIXELS)))


@pytest.fixture(scope="module")
def images(params):
    """Some that the network draws itself, with noise, and some of uniform noise."""
    latent_key, noise_key, other_key = jax.random.split(jax.random.key(2), 3)
    drawn = SMALL.ask(params, PIXELS, "drawn", jax.random.normal(latent_key, (20, 1)))
    noisy = drawn + 0.3 * jax.random.normal(noise_key, drawn.shape)
    return jnp.concatenate([noisy, jax.random.uniform(other_key, (20, PIXELS))])


def bound(density, params, images):
    return np.asarray(jax.jit(density.bound)(params, gram_of(params), images))


def likelihood(params, images):
    """Log p(x) by the trapezium rule over the latent number."""
    latent = np.linspace(-9.0, 9.0, 3001, dtype=np.float32)
    drawn = np.asarray(SMALL.ask(params, PIXELS, "drawn", latent[:, None]), np.float64)
    noise = np.exp(float(params["params"]["log_noise"]))
    apart = np.sum((np.asarray(images, np.float64)[:, None] - drawn) ** 2, axis=-1)
    given = -0.5 * (apart / noise**2 + PIXELS * np.log(2 * np.pi * noise**2))
    prior = -0.5 * (latent.astype(np.float64) ** 2 + np.log(2 * np.pi))
    return logsumexp(given + prior, axis=1) + np.log(latent[1] - latent[0])


def test_the_bound_is_below_the_likelihood_and_near_it(params, images):
    exact = likelihood(params, images)
    gap = exact - bound(SMALL, params, images)
    assert gap.min() > -0.02  # the expectation is an average over draws
    assert np.median(gap) < np.median(exact - bound(dataclasses.replace(SMALL, steps=0), params, images))


def test_steps_in_latent_space_never_loosen_what_they_climb(params, images):
    """What is climbed is log p(x, z), and never falls."""
    reached = []
    for steps in (0, 3, 30):
        density = dataclasses.replace(SMALL, steps=steps)

        @jax.jit
        def climbed(images, density=density):
            means, log_deviations = density.ask(params, PIXELS, "encode", images)

            def fit(latent):
                given = density.ask(params, PIXELS, "log_likelihood", images, latent)
                each = given - 0.5 * jnp.sum(latent**2, axis=-1)
                return jnp.sum(each), each

            return fit(density._climbed(fit, means, jnp.exp(2 * log_deviations)))[1]

        reached.append(climbed(images))
    gains = np.diff(np.asarray(reached), axis=0)
    assert gains.min() > -1e-4
    assert gains.max() > 0.1


def test_the_short_way_to_the_likelihood_is_the_long_one(params, images):
    latent = jax.random.normal(jax.random.key(4), (len(images), 1))
    seen = SMALL.ask(params, PIXELS, "see", images)
    short = SMALL.ask(params, PIXELS, "log_likelihood_of_seen", seen, gram_of(params), latent)
    long = SMALL.ask(params, PIXELS, "log_likelihood", images, latent)
    np.testing.assert_allclose(short, long, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
def test_gradients_go_through_the_steps_in_latent_space(params, images):
    density = dataclasses.replace(SMALL, steps=3, draws=2)

    def total(image):
        return density.bound(params, gram_of(params), image[None])[0]

    image, way = images[0], jax.random.normal(jax.random.key(5), (PIXELS,))
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (params, image, way))
        params_64, image_64, way_64 = exact

        def along(step):
            return density.bound(params_64, gram_of(params_64), (image_64 + step * way_64)[None])[0]

        slope = float(jax.grad(along)(0.0))
        assert slope == pytest.approx(float(along(1e-5) - along(-1e-5)) / 2e-5, rel=1e-4)
    assert np.dot(jax.grad(total)(image), way) == pytest.approx(slope, rel=1e-2)


def test_the_divergence_of_the_prior_from_itself_is_zero_and_of_others_more():
    assert divergence(jnp.zeros(3), jnp.zeros(3)) == 0.0
    assert divergence(jnp.ones(1), jnp.log(jnp.full(1, 0.5))) == pytest.approx(
        0.5 * (1 + 0.25 - 1 - 2 * np.log(0.5))
    )


def test_a_class_without_images_is_told():
    images, labels = bars(40, 4)
    with pytest.raises(
        InputError, match=r"^dataset: expected training images of every class, got none of 4$"
    ):
        vae_training.fit(VaeDensity(), VaeRecipe(steps=1), images, labels, 5, 0)
