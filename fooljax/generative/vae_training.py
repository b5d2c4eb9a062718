"""Trains the networks of all classes in one program, each on the images of its class."""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from fooljax.engine.types import Params
from fooljax.errors import InputError
from fooljax.generative.vae import VaeDensity, divergence, gram_of
from fooljax.targets.fitting import in_parts

MANY_IMAGES = 10_000
"""From so many training images on, the training takes `VaeRecipe.steps`, and a fifth of them below."""


@dataclass(frozen=True)
class VaeRecipe:
    """How the networks are trained: by Adam, with a rate that falls to 0 by a cosine.

    Attributes:
      steps: of the optimiser.
      batch_size: images of each class in a step.
      learning_rate: at the first step.
    """

    steps: int = 2000
    batch_size: int = 32
    learning_rate: float = 4e-3

    def make_optimizer(self) -> optax.GradientTransformation:
        """The recipe as an optax transformation."""
        return optax.adam(optax.cosine_decay_schedule(self.learning_rate, self.steps))


class _Training(NamedTuple):
    """A training so far: steps done, parameters with leaves `[C, ...]`, and the optimiser's state."""

    step: jax.Array
    params: Params
    state: optax.OptState


def recipe_for(images: int) -> VaeRecipe:
    """The recipe for a number of training images of all classes."""
    whole = VaeRecipe()
    return whole if images >= MANY_IMAGES else VaeRecipe(steps=whole.steps // 5)


def blank(density: VaeDensity, num_classes: int, pixels: int) -> Params:
    """The shapes and dtypes of what `fit` gives for images of `pixels` numbers."""
    return jax.eval_shape(lambda: _with_gram(_first(density, num_classes, pixels, jax.random.key(0))))


def fit(
    density: VaeDensity,
    recipe: VaeRecipe,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int32],
    num_classes: int,
    seed: int,
) -> Params:
    """Trains the networks.

    Args:
      density: says how wide they are.
      recipe: how they are trained.
      images: `[N, H, W, K]` uint8.
      labels: `[N]`, their classes.
      num_classes: `C`; each needs an image.
      seed: of the first weights, the order of the images and the latent noise.
    Returns:
      The parameters of `density` but for `log_prior`.
    Raises:
      InputError: a class has no image.
    """
    members = [np.flatnonzero(labels == number) for number in range(num_classes)]
    counts = np.asarray([len(one) for one in members], np.int32)
    if not counts.all():
        raise InputError(f"dataset: expected training images of every class, got none of {counts.argmin()}")
    table = np.stack([np.resize(one, counts.max()) for one in members])
    first_key, key = jax.random.split(jax.random.key(seed))
    params = _first(density, num_classes, int(np.prod(images.shape[1:])), first_key)
    training = _Training(jnp.int32(0), params, recipe.make_optimizer().init(params))
    given = (jnp.asarray(images.reshape(len(images), -1)), jnp.asarray(table), jnp.asarray(counts), key)
    go_on = jax.jit(functools.partial(_advance, density, recipe), donate_argnums=0)
    training = in_parts(lambda now, until: go_on(now, *given, until), training, recipe.steps)
    return jax.device_get(_with_gram(training.params))


def _first(density: VaeDensity, num_classes: int, pixels: int, key: jax.Array) -> Params:
    """Random parameters, leaves `[C, ...]`."""
    network = density.network(pixels)
    return jax.vmap(lambda one: network.init(one, jnp.zeros((1, pixels))))(jax.random.split(key, num_classes))


def _with_gram(params: Params) -> dict[str, Any]:
    return {"networks": params, "gram": gram_of(params)}


def _advance(
    density: VaeDensity,
    recipe: VaeRecipe,
    training: _Training,
    images: jax.Array,
    table: jax.Array,
    counts: jax.Array,
    key: jax.Array,
    until: int | jax.Array,
) -> _Training:
    """Goes on until step `until`; in how many parts it is done changes no bit."""
    optimizer = recipe.make_optimizer()

    def loss(params: Params, pixels: jax.Array, key: jax.Array) -> jax.Array:
        ask = functools.partial(density.ask, params, pixels.shape[1])
        means, log_deviations = ask("encode", pixels)
        latent = means + jnp.exp(log_deviations) * jax.random.normal(key, means.shape)
        likelihood = ask("log_likelihood", pixels, latent)
        # By the pixel, so that one learning rate fits images of different sizes.
        return jnp.mean(divergence(means, log_deviations) - likelihood) / pixels.shape[1]

    def one(_: jax.Array, now: _Training) -> _Training:
        image_key, noise_key = jax.random.split(jax.random.fold_in(key, now.step))
        places = jax.random.randint(image_key, (len(counts), recipe.batch_size), 0, counts[:, None])
        pixels = images[jnp.take_along_axis(table, places, axis=1)].astype(jnp.float32) / 255.0
        keys = jax.random.split(noise_key, len(counts))
        gradient = jax.vmap(jax.grad(loss))(now.params, pixels, keys)
        updates, state = optimizer.update(gradient, now.state, now.params)
        return _Training(now.step + 1, optax.apply_updates(now.params, updates), state)

    return jax.lax.fori_loop(training.step, jnp.int32(until), one, training)
