"""MAP-Elites with classes as cells.

Source: Nguyen et al. 2015, section 2.2 (citing Cully, Clune and Mouret), and the authors' code: each
generation draws parents uniformly per occupied cell, varies them, and every child tries every cell. There is
no other population, no ageing and no pressure towards novelty.
"""

import jax
import jax.numpy as jnp

from fooljax.engine.archive import Archive, sample_cells
from fooljax.engine.types import Encoding, Offspring, Problem, Strategy
from fooljax.remembered import remembered
from fooljax.strategies.varying import counting, vary_all

CHILDREN = 200
"""Children per generation. Source: the authors' code (MNIST)."""


@remembered
def map_elites(encoding: Encoding, *, batch_size: int = CHILDREN) -> Strategy:
    """Builds MAP-Elites for an encoding.

    Its state is the number of the generation, from 0, which encodings with a schedule want to know.

    Args:
      encoding: gives `vary` and the number of parents.
      batch_size: children per generation, 1 or more.
    Returns:
      The strategy.
    Raises:
      InputError: `batch_size` is below 1.
    """

    def ask(
        key: jax.Array, state: jax.Array, archive: Archive, problem: Problem
    ) -> tuple[Offspring, jax.Array]:
        del problem
        keys = jax.random.split(key, batch_size + 1)
        cells = sample_cells(keys[0], archive, (batch_size, encoding.num_parents))
        children = vary_all(keys[1:], encoding, archive.genomes, cells, state)
        return Offspring(genomes=children, parents=archive.ids[cells], extra_passes=jnp.int32(0)), state

    return counting("map_elites", batch_size, ask)
