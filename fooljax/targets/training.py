"""Training of targets: a pure function of a key, parameters and arrays, so that it stacks under `vmap`."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from fooljax.base import Params, Target
from fooljax.evaluation import score

Apply = Callable[[Params, jax.Array], jax.Array]


@dataclass(frozen=True)
class Recipe:
    """How a target is trained.

    Attributes:
      name: for files and tables.
      steps: gradient steps.
      optimizer: "sgd" (Caffe's solver: "inv" schedule, momentum, weight decay, biases at twice the rate) or
        "adamw" (cosine schedule).
      learning_rate: at the first step.
      weight_decay: per step; for "sgd" added to the gradient, for "adamw" decoupled.
      momentum: of "sgd".
      gamma, power: of the "inv" schedule, rate * (1 + gamma * step) ** -power.
      batch_size: images a step.
      shift: images are moved by up to so many pixels in both directions, at random.
    """

    name: str
    steps: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    momentum: float = 0.9
    gamma: float = 1e-4
    power: float = 0.75
    batch_size: int = 64
    shift: int = 0

    def make_optimizer(self) -> optax.GradientTransformation:
        """The recipe as an optax transformation."""
        if self.optimizer == "adamw":
            schedule = optax.cosine_decay_schedule(self.learning_rate, self.steps)
            return optax.adamw(schedule, weight_decay=self.weight_decay)

        def inverse(step: jax.Array) -> jax.Array:
            return jnp.asarray(self.learning_rate * (1.0 + self.gamma * step) ** -self.power)

        return optax.chain(
            optax.add_decayed_weights(self.weight_decay),
            optax.masked(optax.scale(2.0), lambda params: jax.tree.map(lambda leaf: leaf.ndim == 1, params)),
            optax.scale_by_learning_rate(inverse),
            # After the rate, as in Caffe, where a falling rate does not shrink the momentum already gained.
            optax.trace(decay=self.momentum),
        )


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("paper", steps=1000, optimizer="sgd", learning_rate=0.01, weight_decay=0.0005),
        Recipe("paper-full", steps=10_000, optimizer="sgd", learning_rate=0.01, weight_decay=0.0005),
        Recipe("strong", steps=700, optimizer="adamw", learning_rate=0.002, weight_decay=0.05, shift=2),
    )
}
"""By name.

"paper" and "paper-full" have the constants of Caffe's MNIST solver. Its 10,000 steps are 10.7 epochs of
MNIST's 60,000 digits; on the 4,000 embedded ones, 1,000 steps are 16 epochs, and more do not help.
"strong" is ours: AdamW, a cosine schedule and shifted digits.
"""


def train(
    apply: Apply, recipe: Recipe, key: jax.Array, params: Params, images: jax.Array, labels: jax.Array
) -> tuple[Params, jax.Array]:
    """Trains parameters by a recipe.

    Args:
      apply: `apply(params, images) -> logits`.
      recipe: optimiser, schedule and number of steps.
      key: decides the order of the images and their shifts.
      params: to start from.
      images: `[N, H, W, K]` uint8, `N >= recipe.batch_size`.
      labels: `[N]` int32.
    Returns:
      The trained parameters, and the loss of every step, `[steps]`.
    """
    order_key, shift_key = jax.random.split(key)
    optimizer = recipe.make_optimizer()
    total = recipe.steps * recipe.batch_size
    epochs = -(-total // images.shape[0])
    orders = jax.vmap(lambda k: jax.random.permutation(k, images.shape[0]))(
        jax.random.split(order_key, epochs)
    )
    batches = orders.reshape(-1)[:total].reshape(recipe.steps, recipe.batch_size)

    def loss(params: Params, pixels: jax.Array, names: jax.Array) -> jax.Array:
        logits = apply(params, pixels)
        return jnp.mean(optax.losses.softmax_cross_entropy_with_integer_labels(logits, names))

    def step(
        carry: tuple[Params, optax.OptState], batch: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[Params, optax.OptState], jax.Array]:
        params, state = carry
        indices, number = batch
        pixels = images[indices].astype(jnp.float32) / 255.0
        if recipe.shift:
            pixels = shifted(jax.random.fold_in(shift_key, number), pixels, recipe.shift)
        value, gradient = jax.value_and_grad(loss)(params, pixels, labels[indices])
        updates, state = optimizer.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), value

    (params, _), losses = jax.lax.scan(
        step, (params, optimizer.init(params)), (batches, jnp.arange(recipe.steps))
    )
    return params, losses


def shifted(key: jax.Array, images: jax.Array, most: int) -> jax.Array:
    """Moves each image, `[B, H, W, K]`, by its own offset of up to `most` pixels; black comes in."""
    batch, height, width, channels = images.shape
    padded = jnp.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))
    offsets = jax.random.randint(key, (batch, 2), 0, 2 * most + 1)

    def crop(image: jax.Array, offset: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (offset[0], offset[1], 0), (height, width, channels))

    return jax.vmap(crop)(padded, offsets)


def accuracy(target: Target, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int32]) -> float:
    """The share, in [0, 1], of images `[N, H, W, K]` that the target gives their label."""
    return float(np.mean(np.argmax(score(target, images), axis=1) == labels))
