"""An evolutionary algorithm for one class, which the authors compare MAP-Elites with.

Source: the authors' code for their next paper (Nguyen et al. 2015, "Innovation Engines"). A population of 100
is ranked by its fitness for one class; 60 % are kept, the others are replaced by children. Parents are drawn
by linear ranking with pressure 1.1 (Baker 1985). Differs: where no class is given, each class has a
population, and they take turns, so that a run can be compared with MAP-Elites. The archive tries every child
in every class.
"""

import flax.struct
import jax
import jax.numpy as jnp

from fooljax.checks import check_counts
from fooljax.engine.archive import Archive
from fooljax.engine.types import Encoding, Genome, Offspring, Outcome, Problem, Strategy
from fooljax.errors import InputError
from fooljax.remembered import remembered
from fooljax.strategies.varying import vary_all

KEEP_RATE = 0.6
PRESSURE = 1.1
CHILDREN = 40


@flax.struct.dataclass
class Populations:
    """State of `rank_ea`.

    Attributes:
      genomes: leaves `[Q, N, ...]`, the best first. `Q` is the number of classes, or 1.
      fitness: `[Q, N]`, the members' fitness for their population's class, falling.
      ids: `[Q, N]` int32, query numbers.
      next_id: `[]` int32, query number of the next child.
      turn: `[]` int32, generations so far; the population `turn mod Q` is next.
    """

    genomes: Genome
    fitness: jax.Array
    ids: jax.Array
    next_id: jax.Array
    turn: jax.Array


@remembered
def rank_ea(
    encoding: Encoding,
    *,
    batch_size: int = CHILDREN,
    cell: int | None = None,
    keep_rate: float = KEEP_RATE,
    pressure: float = PRESSURE,
) -> Strategy:
    """Builds the algorithm.

    Args:
      encoding: gives `vary` and the number of parents.
      batch_size: children per generation: the `1 - keep_rate` of a population that are replaced.
      cell: the cell to evolve for; None for all, which have a population each and take turns.
      keep_rate: share of the population that survives, in (0, 1).
      pressure: of linear ranking, in [1, 2]: how many children the best member is expected to have, where an
        average member has one.
    Returns:
      The strategy.
    Raises:
      InputError: an argument is out of range.
    """
    check_counts(batch_size=(batch_size, 1))
    if not 0.0 < keep_rate < 1.0:
        raise InputError(f"keep_rate: expected a number inside (0, 1), got {keep_rate}")
    if not 1.0 <= pressure <= 2.0:
        raise InputError(f"pressure: expected a number in [1, 2], got {pressure}")
    if cell is not None and cell < 0:
        raise InputError(f"cell: expected 0 or more, got {cell}")
    size = max(round(batch_size / (1.0 - keep_rate)), batch_size + 1)
    kept = size - batch_size

    def init(key: jax.Array, genomes: Genome, fitness: jax.Array) -> Populations:
        del key
        if cell is not None and cell >= fitness.shape[1]:
            raise InputError(f"cell: expected 0 to {fitness.shape[1] - 1}, got {cell}")
        own = fitness.T if cell is None else fitness.T[cell : cell + 1]
        # The best first; fewer first genomes than places fill them more than once.
        order = jnp.argsort(-own, axis=1)[:, jnp.arange(size) % fitness.shape[0]]
        return Populations(
            genomes=jax.tree.map(lambda leaf: leaf[order], genomes),
            fitness=jnp.take_along_axis(own, order, axis=1),
            ids=order.astype(jnp.int32),
            next_id=jnp.int32(fitness.shape[0]),
            turn=jnp.int32(0),
        )

    def ask(
        key: jax.Array, state: Populations, archive: Archive, problem: Problem
    ) -> tuple[Offspring, Populations]:
        del problem
        draw_key, vary_key = jax.random.split(key)
        population = state.turn % state.fitness.shape[0]
        # Linear ranking: the r-th of n is drawn in proportion to pressure - 2 (pressure - 1) r / (n - 1).
        slope = 2.0 * (pressure - 1.0) / max(size - 1, 1)
        upper = jnp.cumsum(pressure - slope * jnp.arange(size))
        drawn = jax.random.uniform(draw_key, (batch_size, encoding.num_parents)) * upper[-1]
        ranks = jnp.minimum(jnp.searchsorted(upper, drawn, side="right", method="scan_unrolled"), size - 1)
        members = jax.tree.map(lambda leaf: leaf[population], state.genomes)
        keys = jax.random.split(vary_key, batch_size)
        children = vary_all(keys, encoding, members, ranks, state.turn)
        return Offspring(children, state.ids[population][ranks], jnp.int32(0)), state

    def tell(
        key: jax.Array, state: Populations, offspring: Offspring, outcome: Outcome
    ) -> tuple[Populations, dict[str, jax.Array]]:
        del key
        num_populations = state.fitness.shape[0]
        population = state.turn % num_populations
        own = outcome.fitness[:, population if cell is None else cell]
        pooled = jnp.concatenate([state.fitness[population][:kept], own])
        order = jnp.argsort(-pooled)
        here = jnp.arange(num_populations) == population

        def renewed(old: jax.Array, children: jax.Array) -> jax.Array:
            members = jnp.concatenate([old[population][:kept], children])[order]
            return jnp.where(here.reshape(-1, *(1,) * (old.ndim - 1)), members[None], old)

        ids = state.next_id + jnp.arange(batch_size, dtype=jnp.int32)
        after = Populations(
            genomes=jax.tree.map(renewed, state.genomes, offspring.genomes),
            fitness=renewed(state.fitness, own),
            ids=renewed(state.ids, ids),
            next_id=state.next_id + batch_size,
            turn=state.turn + 1,
        )
        return after, {"population_mean_log_odds": jnp.mean(jnp.maximum(pooled[order][:size], -1e6))}

    return Strategy("rank_ea", batch_size, init, ask, tell)
