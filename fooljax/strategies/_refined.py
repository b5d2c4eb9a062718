"""Evolution changes the structure of genomes, and gradient ascent the weights of some children.

The strategy is ours. That it does both is the idea of memetic algorithms (Moscato 1989). Parents are drawn
and varied as in `focused`. Then some of the children are changed by Adam (Kingma and Ba 2015), along the
gradient of their fitness in their parent's cell, through the target and the encoding's differentiable
renderer. The result is a genome like any other. Each step takes two network passes, one forward and one
backward, and both are counted. The target must be a JAX function.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from fooljax.engine.archive import Archive
from fooljax.engine.batching import MAX_TILE, backward_tile, flat_batch, tiled_by_platform
from fooljax.engine.dealing import dealt, dealt_tile
from fooljax.engine.types import Encoding, Genome, Offspring, Problem, Strategy
from fooljax.errors import InputError
from fooljax.remembered import remembered
from fooljax.strategies._focused import FOCUS, GOAL, focused_children
from fooljax.strategies.varying import counting

CHILDREN = 20
STEPS = 20
LEARNING_RATE = 0.01
SHARE = 0.05
"""These four were found by `experiments.strategy_comparison`, on CPPNs."""


@remembered
def refined(
    encoding: Encoding,
    *,
    batch_size: int = CHILDREN,
    share: float = SHARE,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
    focus: float = FOCUS,
    goal: float = GOAL,
) -> Strategy:
    """Builds the strategy. Its state is the number of the generation, from 0.

    Args:
      encoding: must have `differentiable` and `bounds`.
      batch_size: children per generation, 1 or more.
      share: the share of the children that follow the gradient, in (0, 1]. It is rounded to whole children,
        and is one at least.
      steps: how many steps each of them takes, 1 or more.
      learning_rate: of Adam, as a share of the range that `encoding.bounds` gives; positive.
      focus: probability, in [0, 1], that a parent is drawn from the classes below the goal.
      goal: the confidence, in (0, 1), at which a class counts as fooled.
    Returns:
      The strategy.
    Raises:
      InputError: an argument is out of range, or the encoding has no gradient.
    """
    if encoding.differentiable is None or encoding.bounds is None:
        raise InputError(f"strategy: refined expected an encoding with a gradient, got {encoding.name}")
    for name, value in (("batch_size", batch_size), ("steps", steps)):
        if value < 1:
            raise InputError(f"{name}: expected 1 or more, got {value}")
    for name, number in (("share", share), ("learning_rate", learning_rate)):
        if not 0.0 < number <= 1.0:
            raise InputError(f"{name}: expected a number in (0, 1], got {number}")
    draw_children = focused_children(encoding, batch_size, focus, goal)
    count = min(batch_size, max(1, round(share * batch_size)))
    low, high = encoding.bounds
    optimiser = optax.adam(learning_rate * (high - low))
    draw = encoding.differentiable

    def follow_gradient(genomes: Genome, cells: jax.Array, problem: Problem) -> Genome:
        leaves, structure = jax.tree.flatten(genomes)
        moves = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
        fixed = [leaf for leaf, move in zip(leaves, moves, strict=True) if not move]
        classes = jnp.asarray(problem.cells, jnp.int32)[cells]

        def joined(numbers: list[jax.Array], fixed: list[jax.Array]) -> Genome:
            of = {True: iter(numbers), False: iter(fixed)}
            return jax.tree.unflatten(structure, [next(of[move]) for move in moves])

        def slope(problem: Problem, part: Any) -> list[jax.Array]:
            numbers, fixed, classes = part

            def loss(numbers: list[jax.Array]) -> jax.Array:
                images = jax.vmap(draw, (0, None))(joined(numbers, fixed), problem.coordinates)
                values = problem.objective.fitness(problem.apply(problem.params, images))
                return -jnp.sum(jnp.take_along_axis(values, classes[:, None], axis=1))

            return [jnp.where(jnp.isfinite(g), g, 0.0) for g in jax.grad(loss)(numbers)]

        # The network sees one flat batch however many runs there are, in parts that fit a CPU's caches.
        most = backward_tile(encoding.image_shape)
        tile = dealt_tile(count, most) or most
        slopes = flat_batch(lambda problem, batch: tiled_by_platform(slope, tile, MAX_TILE, problem, batch))

        def step(carry: Any, _: None) -> tuple[Any, None]:
            numbers, state = carry
            updates, state = optimiser.update(dealt(slopes, problem, (numbers, fixed, classes)), state)
            numbers = [jnp.clip(n + u, low, high) for n, u in zip(numbers, updates, strict=True)]
            return (numbers, state), None

        numbers = [leaf for leaf, move in zip(leaves, moves, strict=True) if move]
        (numbers, _), _ = jax.lax.scan(step, (numbers, optimiser.init(numbers)), length=steps)
        return joined(numbers, fixed)

    def ask(
        key: jax.Array, state: jax.Array, archive: Archive, problem: Problem
    ) -> tuple[Offspring, jax.Array]:
        children, cells = draw_children(key, state, archive)
        first = jax.tree.map(lambda leaf: leaf[:count], children)
        changed = follow_gradient(first, cells[:count, 0], problem)
        children = jax.tree.map(lambda new, old: jnp.concatenate([new, old[count:]]), changed, children)
        passes = jnp.int32(2 * steps * count)
        return Offspring(children, archive.ids[cells], passes), state

    return counting("refined", batch_size, ask)
