"""The steps of the loop for a target that is asked on the host: up to the images, and on from their logits.

Each is pure and does `R` runs side by side; `fooljax.evolution` compiles them and asks the target in between.
"""

from typing import Any

import jax
import jax.numpy as jnp

from fooljax.engine.batching import flat_batch
from fooljax.engine.compiled import recorded
from fooljax.engine.dealing import dealt, on_every_device
from fooljax.engine.fitness import draw_images, fitness_of_logits
from fooljax.engine.loop import EvolutionState, Search, ask, first_genomes, start, tell
from fooljax.engine.objective import Logits
from fooljax.engine.types import Coordinates, Genome, Offspring, Problem


def first_images(
    search: Search, count: int, problem: Problem, keys: jax.Array, genomes: Genome | None = None
) -> tuple[Genome, jax.Array]:
    """The genomes that `R` runs begin with, leaves `[R, count, ...]`, and their 8-bit images.

    Args:
      search: encoding and strategy.
      count: how many random genomes each run begins with.
      problem: coordinates, cells and objective.
      keys: `[R]`, the runs' keys.
      genomes: leaves `[count, ...]`, to begin every run with instead of random ones.
    """

    def first(key: jax.Array) -> Any:
        found = first_genomes(search.encoding, key, count) if genomes is None else genomes
        return found, _pixels(search, problem, found)

    return jax.vmap(first)(keys)


def begin_runs(search: Search, problem: Problem, keys: jax.Array, genomes: Genome, logits: Logits) -> Any:
    """Begins `R` runs whose first genomes were asked about, as `compiled.start_runs`; logits `[R, B, C]`."""

    def begin(key: jax.Array, genomes: Genome, logits: Logits) -> Any:
        return recorded(search, start(search, problem, key, genomes, _fitness(problem, logits)))

    return jax.vmap(begin)(keys, genomes, logits)


def ask_runs(search: Search, problem: Problem, state: EvolutionState) -> Any:
    """The children of the next generation of `R` runs, their 8-bit images, and the state to tell."""

    def ask_run(state: EvolutionState) -> Any:
        offspring, asked = ask(search, problem, state)
        return offspring, _pixels(search, problem, offspring.genomes), asked

    return jax.vmap(ask_run)(state)


def tell_runs(
    search: Search, problem: Problem, state: EvolutionState, offspring: Offspring, logits: Logits
) -> Any:
    """`(state, (metrics, replaced))` of `R` runs whose children were asked about; logits `[R, B, C]`."""

    def tell_run(state: EvolutionState, offspring: Offspring, logits: Logits) -> Any:
        return recorded(search, tell(search, problem, state, offspring, _fitness(problem, logits)))

    return jax.vmap(tell_run)(state, offspring, logits)


def _pixels(search: Search, problem: Problem, genomes: Genome) -> jax.Array:
    def pixels(coordinates: Coordinates, genomes: Genome) -> jax.Array:
        return jnp.round(draw_images(search.encoding, genomes, coordinates) * 255.0).astype(jnp.uint8)

    return on_every_device(dealt(pixels, problem.coordinates, genomes))


def _fitness(problem: Problem, logits: Logits) -> jax.Array:
    # One flat batch, so that a run among others gets the bits of the run alone.
    fitness: jax.Array = flat_batch(fitness_of_logits)(problem, logits)
    return fitness
