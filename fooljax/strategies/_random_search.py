"""Random search: every child is a new random genome. Other strategies are compared with it."""

import jax
import jax.numpy as jnp

from fooljax.checks import check_counts
from fooljax.engine.archive import Archive
from fooljax.engine.loop import random_genomes
from fooljax.engine.types import Encoding, Genome, Offspring, Outcome, Problem, Strategy
from fooljax.remembered import remembered
from fooljax.strategies._map_elites import CHILDREN


@remembered
def random_search(encoding: Encoding, *, batch_size: int = CHILDREN) -> Strategy:
    """Builds random search for an encoding; it has no state.

    Args:
      encoding: gives `init`.
      batch_size: genomes per generation, 1 or more.
    Returns:
      The strategy.
    Raises:
      InputError: `batch_size` is below 1.
    """
    check_counts(batch_size=(batch_size, 1))

    def init(key: jax.Array, genomes: Genome, fitness: jax.Array) -> tuple[()]:
        del key, genomes, fitness
        return ()

    def ask(
        key: jax.Array, state: tuple[()], archive: Archive, problem: Problem
    ) -> tuple[Offspring, tuple[()]]:
        del archive, problem
        genomes = random_genomes(encoding, jax.random.split(key, batch_size))
        parents = jnp.full((batch_size, encoding.num_parents), -1, jnp.int32)
        return Offspring(genomes=genomes, parents=parents, extra_passes=jnp.int32(0)), state

    def tell(
        key: jax.Array, state: tuple[()], offspring: Offspring, outcome: Outcome
    ) -> tuple[tuple[()], dict[str, jax.Array]]:
        del key, offspring, outcome
        return state, {}

    return Strategy("random_search", batch_size, init, ask, tell)
