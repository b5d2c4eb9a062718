"""Shared by strategies that vary elites and keep nothing but the number of the generation."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from fooljax.checks import check_counts
from fooljax.engine.archive import Archive
from fooljax.engine.dealing import dealt, on_every_device
from fooljax.engine.types import Encoding, Genome, Offspring, Outcome, Problem, Strategy

Ask = Callable[[jax.Array, jax.Array, Archive, Problem], tuple[Offspring, jax.Array]]


def counting(name: str, batch_size: int, ask: Ask) -> Strategy:
    """Builds a strategy whose state is the number of the generation, from 0, for encodings with a schedule.

    Args:
      name: of the strategy.
      batch_size: children per generation, 1 or more.
      ask: as in `Strategy`; it must return its state unchanged.
    Raises:
      InputError: `batch_size` is below 1.
    """
    check_counts(batch_size=(batch_size, 1))

    def init(key: jax.Array, genomes: Genome, fitness: jax.Array) -> jax.Array:
        del key, genomes, fitness
        return jnp.int32(0)

    def tell(
        key: jax.Array, state: jax.Array, offspring: Offspring, outcome: Outcome
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        del key, offspring, outcome
        return state + 1, {}

    return Strategy(name, batch_size, init, ask, tell)


def vary_all(
    keys: jax.Array, encoding: Encoding, genomes: Genome, parents: jax.Array, generation: jax.Array
) -> Genome:
    """One child for each key, dealt to the devices where there are several.

    Args:
      keys: `[B]`.
      encoding: gives `vary`.
      genomes: leaves `[n, ...]`, among them the parents.
      parents: `[B, P]` int32, which of them.
      generation: `[]` int32.
    Returns:
      Children, leaves `[B, ...]`.
    """

    def children(shared: tuple[Genome, jax.Array], batch: tuple[jax.Array, jax.Array]) -> Genome:
        (genomes, generation), (keys, parents) = shared, batch
        chosen = jax.tree.map(lambda leaf: leaf[parents], genomes)
        return jax.vmap(encoding.vary, (0, 0, None))(keys, chosen, generation)

    return dealt(children, (genomes, generation), on_every_device((keys, parents)))
