"""Training of targets: a pure function of a key, parameters and arrays, so that it stacks under `vmap`."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fooljax.engine.types import Apply, Params
from fooljax.targets.losses import PLAIN, Loss, facts_of_loss


@dataclass(frozen=True)
class Recipe:
    """How a target is trained.

    Attributes:
      name: a short name for files and tables.
      steps: the number of gradient steps.
      optimizer: "sgd" (Caffe's solver: "inv" schedule, momentum, weight decay, biases at twice the rate) or
        "adamw" (cosine schedule).
      learning_rate: at the first step.
      weight_decay: per step; for "sgd" added to the gradient, for "adamw" decoupled.
      momentum: used by "sgd" alone.
      gamma, power: the "inv" schedule is rate * (1 + gamma * step) ** -power.
      batch_size: images in each step.
      shift: images are moved by up to so many pixels in both directions, at random.
      loss: what is minimised, out of `fooljax.targets.losses` or a frozen dataclass of one's own.
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
    loss: Loss = PLAIN

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, JSON-ready, to tell the networks of different recipes apart.

        Plain cross-entropy is not named, so that networks stay known that were kept before it had a name.
        """
        facts = {**asdict(self), "loss": facts_of_loss(self.loss)}
        if self.loss == PLAIN:
            del facts["loss"]
        return facts

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


class Training(NamedTuple):
    """A training so far.

    Attributes:
      step: steps done.
      params: parameters after them.
      state: of the optimiser.
      losses: `[steps]`, the loss of each step; 0 where it is still to come.
      batches: `[steps, batch size]`, indices of the images of each step.
      shift_key: decides by how much images are moved.
      loss_key: decides what a loss draws.
    """

    step: jax.Array
    params: Params
    state: optax.OptState
    losses: jax.Array
    batches: jax.Array
    shift_key: jax.Array
    loss_key: jax.Array


def train(
    apply: Apply, recipe: Recipe, key: jax.Array, params: Params, images: jax.Array, labels: jax.Array
) -> tuple[Params, jax.Array]:
    """Trains parameters by a recipe.

    Args:
      apply: `apply(params, images) -> logits`.
      recipe: optimiser, schedule and number of steps.
      key: decides the order of the images and their shifts.
      params: to start from.
      images: `[N, H, W, K]` uint8, `N >= recipe.batch_size`; or floats `[N, ...]`, which `apply` is given as
        they are.
      labels: `[N]` int32, or whatever has `N` rows and the recipe's loss takes.
    Returns:
      The trained parameters, and the loss of every step, `[steps]`.
    """
    training = begin(recipe, key, params, images.shape[0])
    training = advance(apply, recipe, training, images, labels, recipe.steps)
    return training.params, training.losses


def begin(recipe: Recipe, key: jax.Array, params: Params, count: int) -> Training:
    """A training on `count` images before its first step; other arguments as `train`."""
    order_key, shift_key = jax.random.split(key)
    total = recipe.steps * recipe.batch_size
    epochs = -(-total // count)
    orders = jax.vmap(lambda k: jax.random.permutation(k, count))(jax.random.split(order_key, epochs))
    return Training(
        step=jnp.int32(0),
        params=params,
        state=recipe.make_optimizer().init(params),
        losses=jnp.zeros(recipe.steps),
        batches=orders.reshape(-1)[:total].reshape(recipe.steps, recipe.batch_size),
        shift_key=shift_key,
        # The third after the two of `split`, which stay as they were.
        loss_key=jax.random.fold_in(key, 2),
    )


def advance(
    apply: Apply,
    recipe: Recipe,
    training: Training,
    images: jax.Array,
    labels: jax.Array,
    until: int | jax.Array,
) -> Training:
    """Goes on with a training until step `until`; in how many parts it is done changes no bit."""
    optimizer = recipe.make_optimizer()
    slope = jax.value_and_grad(lambda params, *rest: recipe.loss(apply, params, *rest))

    def one(_: jax.Array, now: Training) -> Training:
        indices = now.batches[now.step]
        pixels = images[indices]
        if pixels.dtype == jnp.uint8:
            pixels = pixels.astype(jnp.float32) / 255.0
        if recipe.shift:
            pixels = shifted(jax.random.fold_in(now.shift_key, now.step), pixels, recipe.shift)
        loss_key = jax.random.fold_in(now.loss_key, now.step)
        value, gradient = slope(now.params, pixels, labels[indices], loss_key)
        updates, state = optimizer.update(gradient, now.state, now.params)
        return now._replace(
            step=now.step + 1,
            params=optax.apply_updates(now.params, updates),
            state=state,
            losses=now.losses.at[now.step].set(value),
        )

    return jax.lax.fori_loop(training.step, jnp.int32(until), one, training)


def shifted(key: jax.Array, images: jax.Array, most: int) -> jax.Array:
    """Moves each image, `[B, H, W, K]`, by its own offset of up to `most` pixels; black comes in."""
    batch, height, width, channels = images.shape
    padded = jnp.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))
    offsets = jax.random.randint(key, (batch, 2), 0, 2 * most + 1)

    def crop(image: jax.Array, offset: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (offset[0], offset[1], 0), (height, width, channels))

    return jax.vmap(crop)(padded, offsets)
