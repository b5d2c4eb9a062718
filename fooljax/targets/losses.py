"""What a training minimises: cross-entropy, or a loss that also shows noise to the network.

A loss is a frozen dataclass that is called, so that its settings stand in the facts about a network.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from fooljax.checks import check_counts, check_positive, check_within
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Apply, Params
from fooljax.errors import InputError, shown
from fooljax.targets.noise import noise_like

Loss = Callable[[Apply, Params, jax.Array, jax.Array, jax.Array], jax.Array]
"""`loss(apply, params, pixels, labels, key) -> scalar`: pixels `[B, H, W, K]` in [0, 1], labels `[B]`.

`key` is one step's own. `Recipe.loss` must be a frozen dataclass, see `facts_of_loss`.
"""


@dataclass(frozen=True)
class CrossEntropy:
    """The mean cross-entropy of the labels.

    Attributes:
      smoothing: the share of each label that is spread evenly over all classes, in [0, 1].

    Raises:
      InputError: it is not.
    """

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_within(smoothing=(self.smoothing, 0.0, 1.0))

    def __call__(
        self, apply: Apply, params: Params, pixels: jax.Array, labels: jax.Array, key: jax.Array
    ) -> jax.Array:
        """The loss of a batch."""
        del key
        logits = apply(params, pixels)
        if self.smoothing:
            wanted = optax.losses.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1]), self.smoothing)
            return jnp.mean(optax.losses.softmax_cross_entropy(logits, wanted))
        return _cross_entropy(logits, labels)


PLAIN = CrossEntropy()
"""What a recipe minimises unless it says otherwise."""


@dataclass(frozen=True)
class SoftLabels:
    """The mean cross-entropy of labels that are distributions over the classes, `[B, C]`.

    So a network can learn to say what another one says (Hinton et al. 2015).
    """

    def __call__(
        self, apply: Apply, params: Params, pixels: jax.Array, labels: jax.Array, key: jax.Array
    ) -> jax.Array:
        """The loss of a batch."""
        del key
        return jnp.mean(optax.losses.softmax_cross_entropy(apply(params, pixels), labels))


@dataclass(frozen=True)
class NoiseAsClass:
    """Cross-entropy of the batch, and of as many images of noise that belong to the last class.

    The network has one class more than the labels.

    Attributes:
      weight: of the noise's part, above 0.

    Raises:
      InputError: it is not.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check_positive(weight=self.weight)

    def __call__(
        self, apply: Apply, params: Params, pixels: jax.Array, labels: jax.Array, key: jax.Array
    ) -> jax.Array:
        """The loss of a batch."""
        of_images = apply(params, pixels)
        of_noise = apply(params, noise_like(key, pixels))
        rejected = jnp.full_like(labels, of_noise.shape[-1] - 1)
        return _cross_entropy(of_images, labels) + self.weight * _cross_entropy(of_noise, rejected)


@dataclass(frozen=True)
class UnsureOfNoise:
    """Cross-entropy of the batch, and of as many images of noise whose target is the uniform distribution.

    With `steps=0` this is training in the manner of outlier exposure (Hendrycks et al. 2019) and of CEDA
    (Hein et al. 2019). Otherwise the noise is first changed so that the network becomes sure of it, in the
    manner of ACET (Hein et al. 2019): signed gradient steps on the log-odds of the class named first, inside
    the box of images. Differs: Hein et al. lower the largest log-confidence; that, too, is least where all
    classes are alike.

    Attributes:
      weight: of the noise's part, above 0.
      steps: gradient steps that make the network sure of the noise.
      radius: how far they may change a pixel, in [0, 1].

    Raises:
      InputError: one of them is not what was expected.
    """

    weight: float = 1.0
    steps: int = 0
    radius: float = 0.3

    def __post_init__(self) -> None:
        check_positive(weight=self.weight)
        check_counts(steps=(self.steps, 0))
        check_within(radius=(self.radius, 0.0, 1.0))

    def __call__(
        self, apply: Apply, params: Params, pixels: jax.Array, labels: jax.Array, key: jax.Array
    ) -> jax.Array:
        """The loss of a batch."""
        noise_key, start_key = jax.random.split(key)
        noise = noise_like(noise_key, pixels)
        if self.steps:
            noise = self.maximised(apply, params, noise, start_key)
        of_images, of_noise = apply(params, pixels), apply(params, noise)
        return _cross_entropy(of_images, labels) + self.weight * _from_uniform(of_noise)

    def maximised(self, apply: Apply, params: Params, noise: jax.Array, key: jax.Array) -> jax.Array:
        """Noise of which the network is surer: from a random point within `radius` of it, by `steps`."""
        params = jax.lax.stop_gradient(params)
        low, high = jnp.maximum(noise - self.radius, 0.0), jnp.minimum(noise + self.radius, 1.0)

        def sureness(images: jax.Array) -> jax.Array:
            # Log-odds still have a slope where the softmax is already 1.
            return jnp.sum(jnp.max(log_odds(apply(params, images)), axis=-1))

        def step(_: int, images: jax.Array) -> jax.Array:
            slope = jax.grad(sureness)(images)
            return jnp.clip(images + 2.0 * self.radius / self.steps * jnp.sign(slope), low, high)

        start = jax.random.uniform(key, noise.shape, minval=low, maxval=high)
        return jax.lax.stop_gradient(jax.lax.fori_loop(0, self.steps, step, start))


def facts_of_loss(loss: Any) -> dict[str, Any]:
    """What tells a loss from others, JSON-ready: the name of its class, and its settings.

    Raises:
      InputError: it is no dataclass that can be called.
    """
    if not is_dataclass(loss) or isinstance(loss, type) or not callable(loss):
        raise InputError(f"loss: expected a frozen dataclass that can be called, got {shown(repr(loss))}")
    return {"kind": type(loss).__name__, **asdict(loss)}


def _cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return jnp.mean(optax.losses.softmax_cross_entropy_with_integer_labels(logits, labels))


def _from_uniform(logits: jax.Array) -> jax.Array:
    """The mean cross-entropy of the uniform distribution: ln C at least, where all logits are alike."""
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - jnp.mean(logits, axis=-1))
