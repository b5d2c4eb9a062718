"""Shared by strategies that vary elites and keep nothing but the number of the generation."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from fooljax.engine.archive import Archive
from fooljax.engine.types import Encoding, Genome, Offspring, Outcome, Problem, Strategy
from fooljax.errors import InputError

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
    if batch_size < 1:
        raise InputError(f"batch_size: expected 1 or more, got {batch_size}")

    def init(key: jax.Array, genomes: Genome, fitness: jax.Array) -> jax.Array:
        del key, genomes, fitness
        return jnp.int32(0)

    def tell(
        key: jax.Array, state: jax.Array, offspring: Offspring, outcome: Outcome
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        del key, offspring, outcome
        return state + 1, {}

    return Strategy(name, batch_size, init, ask, tell)


def vary_all(keys: jax.Array, encoding: Encoding, parents: Genome, generation: jax.Array) -> Genome:
    """One child for each key `[B]` from parents with leaves `[B, P, ...]`."""
    return jax.vmap(encoding.vary, (0, 0, None))(keys, parents, generation)
