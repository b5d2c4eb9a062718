"""MAP-Elites with classes as cells.

Source: Nguyen et al. 2015, section 2.2 (citing Cully, Clune and Mouret), and the authors' code: each
generation draws parents uniformly per occupied cell, varies them, and every child tries every cell. There is
no other population, no ageing and no pressure towards novelty.
"""

from typing import Any

import jax
import jax.numpy as jnp

from fooljax.archive import Archive, sample
from fooljax.base import Encoding, Genome, Offspring, Problem, Strategy
from fooljax.errors import InputError

CHILDREN = 200
"""Children per generation. Source: the authors' code (MNIST)."""


def map_elites(encoding: Encoding, *, batch_size: int = CHILDREN) -> Strategy:
    """Builds MAP-Elites for an encoding.

    Its state is the number of the generation, from 0, which encodings with a schedule want to know.

    Args:
      encoding: gives `vary` and the number of parents.
      batch_size: children per generation, 1 or more.
    Raises:
      InputError: `batch_size` is below 1.
    """
    if batch_size < 1:
        raise InputError(f"batch_size: expected 1 or more, got {batch_size}")

    def init(key: jax.Array, genomes: Genome, fitness: jax.Array) -> jax.Array:
        del key, genomes, fitness
        return jnp.int32(0)

    def ask(
        key: jax.Array, state: jax.Array, archive: Archive, problem: Problem
    ) -> tuple[Offspring, jax.Array]:
        del problem
        keys = jax.random.split(key, batch_size + 1)
        parents, ids = sample(keys[0], archive, (batch_size, encoding.num_parents))
        children = jax.vmap(encoding.vary, (0, 0, None))(keys[1:], parents, state)
        return Offspring(genomes=children, parents=ids, extra_passes=jnp.int32(0)), state

    def tell(
        key: jax.Array, state: jax.Array, offspring: Offspring, fitness: jax.Array, improved: jax.Array
    ) -> tuple[jax.Array, dict[str, Any]]:
        del key, offspring, fitness, improved
        return state + 1, {}

    return Strategy("map_elites", batch_size, init, ask, tell)
