"""One variational autoencoder for each class, and what an image's density is under each.

A network of one class draws images of that class from a few latent numbers. How likely it is to draw a given
image is bounded from below by the evidence lower bound (ELBO). For each image and class the bound is
tightened: the encoder proposes where in latent space the image lies, and some steps of gradient ascent move
on from there. All of it is one differentiable function of the image, so an attack goes through all of it.

Source: Kingma and Welling 2014 (the bound); Schott et al. 2019, "Towards the first adversarially robust
neural network model on MNIST" (a network for each class, ascent in latent space as inference). Differs: dense
layers in place of convolutions, one noise level for each class that is learnt, and a search in latent space
that begins at the encoder's proposal alone.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from fooljax.engine.types import Params

FIRST_NOISE = 0.3
"""Standard deviation of a pixel, in units of the full range, before training."""
FIRST_STEP, LONGER, SHORTER = 0.5, 1.3, 0.4
"""Of the ascent in latent space: the first step, and what a step that helped, or did not, is multiplied by.
A step of 1 would be Newton's if the encoder's variances were right."""
FARTHEST_STEP = 1.0
"""A latent number moves by no more at once."""


class Seen(NamedTuple):
    """What the density of an image under one network depends on, however its latent numbers are chosen.

    The last layer is linear, so the squared error is a quadratic form of the layer before it. This keeps
    steps in latent space cheap: none of them touches the pixels.

    Attributes:
      along: `[B, F]`, products of the image's difference from the mean image with each feature's image.
      norm: `[B]`, squared length of that difference.
    """

    along: jax.Array
    norm: jax.Array


class _Ascent(NamedTuple):
    """An ascent so far: where it is, `[B, L]`; the value, the slope and the length of the next step there."""

    latent: jax.Array
    value: jax.Array
    slope: jax.Array
    length: jax.Array


class VAE(nn.Module):
    """The network of one class, for images `[B, D]` in [0, 1].

    Attributes:
      pixels: `D`, numbers of an image.
      latent: `L`, numbers that an image is drawn from.
      hidden: `F`, width of the one hidden layer of encoder and decoder.
    """

    pixels: int
    latent: int
    hidden: int

    def setup(self) -> None:
        """The layers."""
        self.sees = nn.Dense(self.hidden)
        self.codes = nn.Dense(2 * self.latent)
        self.draws = nn.Dense(self.hidden)
        self.images = self.param("images", nn.initializers.lecun_normal(), (self.hidden, self.pixels))
        self.mean = self.param("mean", nn.initializers.zeros, (self.pixels,))
        self.log_noise = self.param("log_noise", nn.initializers.constant(np.log(FIRST_NOISE)), ())

    def encode(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Means and log standard deviations of the latent numbers, `[B, L]` each.

        The deviations are below 1, that of the prior, as those of the true posterior are on average.
        """
        means, spreads = jnp.split(self.codes(nn.silu(self.sees(images))), 2, axis=-1)
        return means, 0.5 * nn.log_sigmoid(spreads)

    def features(self, latent: jax.Array) -> jax.Array:
        """What the last layer draws with, `[B, F]`, of latent numbers `[B, L]`."""
        features: jax.Array = nn.silu(self.draws(latent))
        return features

    def drawn(self, latent: jax.Array) -> jax.Array:
        """The images `[B, D]` of latent numbers `[B, L]`, without noise."""
        return self.mean[None] + self.features(latent) @ self.images

    def __call__(self, images: jax.Array) -> jax.Array:
        """The images as the network draws them after it has seen them; asks every layer."""
        return self.drawn(self.encode(images)[0])

    def log_likelihood(self, images: jax.Array, latent: jax.Array) -> jax.Array:
        """Log p(x | z) in nats, `[B]`, of images `[B, D]` for latent numbers `[B, L]`."""
        apart = images - self.drawn(latent)
        return self._log_normal(jnp.sum(apart * apart, axis=-1))

    def see(self, images: jax.Array) -> Seen:
        """What the density of images depends on."""
        apart = images - self.mean[None]
        return Seen(apart @ self.images.T, jnp.sum(apart * apart, axis=-1))

    def log_likelihood_of_seen(self, seen: Seen, gram: jax.Array, latent: jax.Array) -> jax.Array:
        """The same, `[B]`, without looking at the pixels again, for latent numbers `[B, L]`.

        Args:
          seen: of the images.
          gram: `[F, F]`, products of the features' images with each other.
          latent: the latent numbers.
        """
        features = self.features(latent)
        explained = jnp.sum(features * (2.0 * seen.along - features @ gram), axis=-1)
        return self._log_normal(seen.norm - explained)

    def _log_normal(self, squares: jax.Array) -> jax.Array:
        """Of noise whose squares sum to this, over all pixels."""
        noise = jnp.log(2.0 * jnp.pi) + 2.0 * self.log_noise
        return -0.5 * (squares * jnp.exp(-2.0 * self.log_noise) + self.pixels * noise)


def gram_of(params: Params) -> jax.Array:
    """Products of the features' images with each other, `[..., F, F]`, of parameters of a `VAE`."""
    images = params["params"]["images"]
    return images @ jnp.swapaxes(images, -1, -2)


def divergence(means: jax.Array, log_deviations: jax.Array) -> jax.Array:
    """Kullback and Leibler's, in nats, of normal distributions `[..., L]` from the standard one; `[...]`."""
    return 0.5 * jnp.sum(means**2 + jnp.exp(2.0 * log_deviations) - 1.0 - 2.0 * log_deviations, axis=-1)


@dataclass(frozen=True)
class VaeDensity:
    """Log p(x, y) of images under the networks of all classes; equal for equal settings.

    Attributes:
      latent, hidden: see `VAE`.
      steps: of the ascent in latent space, for each image and class.
      draws: latent numbers over which the expectation in the bound is averaged, in pairs around the mean.
    """

    latent: int = 10
    hidden: int = 128
    steps: int = 5
    draws: int = 4

    def network(self, pixels: int) -> VAE:
        """The network of a class for images of so many numbers."""
        return VAE(pixels, self.latent, self.hidden)

    def ask(self, params: Params, pixels: int, method: str, *arguments: Any) -> Any:
        """What a method of the network of one class gives."""
        return self.network(pixels).apply(params, *arguments, method=method)

    def __call__(self, params: Mapping[str, Any], images: jax.Array) -> jax.Array:
        """Log p(x, y) in nats, `[B, C]`, of images `[B, H, W, K]` in [0, 1].

        Args:
          params: `networks` (of a `VAE`, leaves `[C, ...]`), `gram` `[C, F, F]`, `log_prior` `[C]`.
          images: the images.
        """
        flat = images.reshape(images.shape[0], -1)

        def one(part: tuple[Params, jax.Array]) -> jax.Array:
            return self.bound(*part, flat)

        return jax.lax.map(one, (params["networks"], params["gram"])).T + params["log_prior"][None]

    def bound(self, params: Params, gram: jax.Array, images: jax.Array) -> jax.Array:
        """The evidence lower bound of log p(x | y) in nats, `[B]`, under the network of one class.

        Args:
          params: of a `VAE`.
          gram: see `gram_of`.
          images: `[B, D]`.
        """
        ask = functools.partial(self.ask, params, images.shape[-1])
        means, log_deviations = ask("encode", images)
        seen = ask("see", images)

        def fit(latent: jax.Array) -> tuple[jax.Array, jax.Array]:
            likelihood = ask("log_likelihood_of_seen", seen, gram, latent)
            each = likelihood - 0.5 * jnp.sum(latent**2, axis=-1)
            return jnp.sum(each), each

        means = self._climbed(fit, means, jnp.exp(2.0 * log_deviations))
        half = np.random.default_rng(0).normal(size=(self.draws // 2, 1, self.latent)).astype(np.float32)
        around = means[None] + jnp.exp(log_deviations)[None] * np.concatenate([half, -half])
        likelihood = jax.vmap(lambda latent: ask("log_likelihood_of_seen", seen, gram, latent))(around)
        return jnp.mean(likelihood, axis=0) - divergence(means, log_deviations)

    def _climbed(
        self, fit: Callable[[jax.Array], tuple[jax.Array, jax.Array]], start: jax.Array, variances: jax.Array
    ) -> jax.Array:
        """Latent numbers after the ascent; a step that makes the image less likely is not taken."""
        climb = jax.value_and_grad(fit, has_aux=True)
        (_, value), slope = climb(start)
        length = jnp.full_like(value, FIRST_STEP)

        def step(now: _Ascent, _: None) -> tuple[_Ascent, None]:
            latent, value, slope, length = now
            move = jnp.clip(length[:, None] * variances * slope, -FARTHEST_STEP, FARTHEST_STEP)
            (_, reached), steepness = climb(latent + move)
            better = reached > value
            taken = better[:, None]
            return _Ascent(
                jnp.where(taken, latent + move, latent),
                jnp.where(better, reached, value),
                jnp.where(taken, steepness, slope),
                length * jnp.where(better, LONGER, SHORTER),
            ), None

        end, _ = jax.lax.scan(step, _Ascent(start, value, slope, length), length=self.steps)
        return end.latent
