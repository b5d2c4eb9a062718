"""MAP-Elites that draws the elites of classes that are not fooled yet more often as parents.

Ours, after Cully and Demiris 2018 ("Quality and diversity optimization: a unifying modular framework"), who
draw parents by what they are expected to give. It differs from `map_elites` only in how a parent is drawn:
with probability `focus` it is the elite of a class whose confidence is below the goal. Every child still
tries every class, so a class that is fooled goes on improving, more slowly.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from fooljax.checks import check_counts, check_within, is_number
from fooljax.engine.archive import Archive
from fooljax.engine.log_odds import to_log_odds
from fooljax.engine.types import Encoding, Genome, Offspring, Problem, Strategy
from fooljax.errors import InputError
from fooljax.remembered import remembered
from fooljax.strategies.varying import counting, vary_all

CHILDREN = 100
FOCUS = 0.5
"""Both were found by `experiments.strategy_comparison`."""
GOAL = 0.9999
"""What the paper calls fooled. Source: Nguyen et al. 2015, abstract."""


@remembered
def focused(
    encoding: Encoding, *, batch_size: int = CHILDREN, focus: float = FOCUS, goal: float = GOAL
) -> Strategy:
    """Builds focused MAP-Elites for an encoding. Its state is the number of the generation, from 0.

    Args:
      encoding: gives `vary` and the number of parents.
      batch_size: children per generation, 1 or more.
      focus: probability, in [0, 1], that a parent is drawn from the classes below the goal; 0 is MAP-Elites.
      goal: the confidence, in (0, 1), at which a class counts as fooled. Where the objective gives no
        log-odds, the same number is compared with its values.
    Returns:
      The strategy.
    Raises:
      InputError: an argument is out of range.
    """
    draw = focused_children(encoding, batch_size, focus, goal)

    def ask(
        key: jax.Array, state: jax.Array, archive: Archive, problem: Problem
    ) -> tuple[Offspring, jax.Array]:
        del problem
        children, cells = draw(key, state, archive)
        return Offspring(children, archive.ids[cells], jnp.int32(0)), state

    return counting("focused", batch_size, ask)


def focused_children(
    encoding: Encoding, batch_size: int, focus: float, goal: float
) -> Callable[[jax.Array, jax.Array, Archive], tuple[Genome, jax.Array]]:
    """Builds `draw(key, generation, archive) -> (children, cells)`, which draws parents and varies them.

    Children have leaves `[B, ...]`; `cells`, `[B, P]` int32, are those of their parents. Arguments and errors
    are those of `focused`.
    """
    check_counts(batch_size=(batch_size, 1))
    check_within(focus=(focus, 0.0, 1.0))
    if not is_number(goal) or not 0.0 < goal < 1.0:
        raise InputError(f"goal: expected a confidence inside (0, 1), got {goal}")
    threshold = to_log_odds(goal)

    def draw(key: jax.Array, generation: jax.Array, archive: Archive) -> tuple[Genome, jax.Array]:
        parent_key, vary_key = jax.random.split(key)
        cells = draw_cells(parent_key, archive, (batch_size, encoding.num_parents), focus, threshold)
        keys = jax.random.split(vary_key, batch_size)
        return vary_all(keys, encoding, archive.genomes, cells, generation), cells

    return draw


def draw_cells(
    key: jax.Array, archive: Archive, shape: tuple[int, ...], focus: float, threshold: float
) -> jax.Array:
    """Draws occupied cells, with replacement; with probability `focus` one below `threshold`.

    Args:
      key: a PRNG key.
      archive: at least one cell must be occupied.
      shape: of the draw.
      focus: in [0, 1].
      threshold: log-odds.
    Returns:
      Indices, `shape` int32.
    """
    below = archive.occupied & (archive.fitness < threshold)
    # One uniform number makes both choices: the cells' shares lie side by side on [0, 1).
    share = archive.occupied / jnp.sum(archive.occupied)
    aimed = jnp.where(jnp.any(below), below / jnp.maximum(jnp.sum(below), 1), share)
    upper = jnp.cumsum(focus * aimed + (1.0 - focus) * share)
    drawn = jax.random.uniform(key, shape) * upper[-1]
    cells = jnp.searchsorted(upper, drawn, side="right", method="scan_unrolled").astype(jnp.int32)
    # By rounding a number may lie past the last cell that has a share.
    last = archive.fitness.size - 1 - jnp.argmax(archive.occupied[::-1]).astype(jnp.int32)
    return jnp.minimum(cells, last)
