"""The engine: one loop for every encoding, target, objective and strategy.

The engine owns the archive and counts the queries; a strategy proposes. `advance` is a scan of three steps:
`ask` the strategy for children, `evaluate` them, `tell` archive and strategy how they did. The steps are
public, so that a program of your own can stand between them:

    genomes = first_genomes(encoding, key, 200)
    state, metrics, _ = start(search, problem, key, genomes, evaluate(encoding, problem, genomes))
    for _ in range(100):
        offspring, state = ask(search, problem, state)
        fitness = evaluate(encoding, problem, offspring.genomes)
        state, metrics, improved = tell(search, problem, state, offspring, fitness)

All of it is pure and of one run; `jax.jit` compiles it, `jax.vmap` does several runs. On a CPU the same key
gives the same archive, bit for bit, however many runs are done together; docs/guide/precision.md says what
holds elsewhere. `fooljax.evolution.search` drives the loop from the host.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from fooljax.engine.archive import Archive, empty, first_at, insert
from fooljax.engine.dealing import dealt, on_every_device
from fooljax.engine.fitness import evaluate
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.metrics import describe_elites
from fooljax.engine.types import Encoding, Genome, Offspring, Outcome, Problem, Strategy

Metrics = dict[str, jax.Array]


class Search(NamedTuple):
    """How a problem is searched. Hashable: equal searches share their compiled programs.

    Attributes:
      encoding: genome to image.
      strategy: proposes genomes.
      record: whether `advance` gives every replacement in the archive, from which ancestries are drawn.
    """

    encoding: Encoding
    strategy: Strategy
    record: bool = False


@flax.struct.dataclass
class EvolutionState:
    """One run between two generations.

    Attributes:
      archive: `C` cells, the best elite of each.
      first: `C` cells, the first elite of each that was fooled (99.99 %). A cell is empty where none was yet,
        or where the objective's values are not log-odds.
      strategy: the strategy's own state.
      key: `[]`, the run's key; generation g uses `fold_in(key, g)` and nothing else.
      generation: `[]` int32; 0 after the first genomes.
      queries: `[]` int32, network passes so far.
    """

    archive: Archive
    first: Archive
    strategy: Any
    key: jax.Array
    generation: jax.Array
    queries: jax.Array


def first_genomes(encoding: Encoding, key: jax.Array, count: int) -> Genome:
    """Random genomes for a run to begin with, leaves `[count, ...]`.

    Args:
      encoding: makes them.
      key: the run's key, the same that `start` is given: each of the two uses a part of its own.
      count: how many.
    Returns:
      Genomes, leaves `[count, ...]`.
    """
    return random_genomes(encoding, jax.random.split(jax.random.split(key, 3)[0], count))


def random_genomes(encoding: Encoding, keys: jax.Array) -> Genome:
    """One genome for each key, leaves `[B, ...]`, dealt to the devices where there are several."""
    return dealt(lambda _, keys: jax.vmap(encoding.init)(keys), (), keys)


def start(
    search: Search, problem: Problem, key: jax.Array, genomes: Genome, fitness: jax.Array
) -> tuple[EvolutionState, Metrics, jax.Array]:
    """Begins a run with its first genomes, which are generation 0.

    Args:
      search: encoding and strategy.
      problem: target, cells and objective.
      key: the run's key.
      genomes: leaves `[B0, ...]`, as `first_genomes` makes them or any others of the encoding.
      fitness: `[B0, C]`, as `evaluate` gives it. NaN counts as -inf.
    Returns:
      The state, the metrics of generation 0 (scalars by name), and `[C]` bool: the cells that got an elite.
    """
    _, strategy_key, run_key = jax.random.split(key, 3)
    encoding, count = search.encoding, fitness.shape[0]
    fitness, num_nan = _without_nan(fitness)
    blank = empty(jax.eval_shape(encoding.init, key), len(problem.cells), encoding.num_parents)
    parents = jnp.full((count, encoding.num_parents), -1, jnp.int32)
    ids = jnp.arange(count, dtype=jnp.int32)
    archive, improved = insert(blank, genomes, fitness, ids, parents, jnp.int32(0))
    state = EvolutionState(
        archive=archive,
        first=first_at(_fooled(problem), blank, archive, improved),
        strategy=search.strategy.init(strategy_key, on_every_device(genomes), fitness),
        key=run_key,
        generation=jnp.int32(0),
        queries=jnp.int32(count),
    )
    return state, _metrics(search, problem, state, improved, num_nan), improved


def ask(search: Search, problem: Problem, state: EvolutionState) -> tuple[Offspring, EvolutionState]:
    """Asks the strategy for the children of the next generation.

    Args:
      search: encoding and strategy.
      problem: target, cells and objective.
      state: of one run.
    Returns:
      The children, and the state to `tell` next. Random bits follow from the number of the generation, so
      asking twice without telling gives the same children.
    """
    return _ask(search, problem, state, _next(state)[1])


def tell(
    search: Search, problem: Problem, state: EvolutionState, offspring: Offspring, fitness: jax.Array
) -> tuple[EvolutionState, Metrics, jax.Array]:
    """Lets the children of a generation compete for the archive, and tells the strategy how they did.

    Args:
      search: encoding and strategy.
      problem: target, cells and objective.
      state: as `ask` gave it.
      offspring: as `ask` gave it.
      fitness: `[B, C]`, each child in each cell; higher is better. NaN counts as -inf.
    Returns:
      The new state, the metrics of the generation (scalars by name; the strategy's own begin with its name),
      and `[C]` bool: the cells whose elite was replaced.
    """
    generation, _, key = _next(state)
    return _tell(search, problem, state, offspring, fitness, generation, key)


def advance(
    search: Search, problem: Problem, state: EvolutionState, generations: int
) -> tuple[EvolutionState, tuple[Metrics, Any]]:
    """Does some generations of one run: a scan of `ask`, `evaluate` and `tell`.

    Args:
      search: encoding and strategy.
      problem: target, cells and objective; an argument, so that no program holds weights as constants.
      state: of one run.
      generations: how many, known when it is compiled.
    Returns:
      The new state, and per generation (leading axis) the metrics and, where `search.record`, what
      `replaced` gives.
    """
    return jax.lax.scan(lambda state, _: generation(search, problem, state), state, length=generations)


def generation(
    search: Search, problem: Problem, state: EvolutionState
) -> tuple[EvolutionState, tuple[Metrics, Any]]:
    """Does one generation of one run; see `advance`."""
    number, ask_key, tell_key = _next(state)
    offspring, state = _ask(search, problem, state, ask_key)
    fitness = evaluate(search.encoding, problem, offspring.genomes)
    state, metrics, improved = _tell(search, problem, state, offspring, fitness, number, tell_key)
    return state, (metrics, replaced(search, state, improved))


def replaced(search: Search, state: EvolutionState, improved: jax.Array) -> Any:
    """What a host needs to record a generation's replacements; None where the search does not record."""
    if not search.record:
        return None
    archive = state.archive
    return improved, state.generation, archive.ids, archive.parents, archive.genomes


def _next(state: EvolutionState) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The number of the next generation, a key to ask with and a key to tell with."""
    generation = state.generation + 1
    ask_key, tell_key = jax.random.split(jax.random.fold_in(state.key, generation))
    return generation, ask_key, tell_key


def _ask(
    search: Search, problem: Problem, state: EvolutionState, key: jax.Array
) -> tuple[Offspring, EvolutionState]:
    offspring, strategy = search.strategy.ask(key, state.strategy, state.archive, problem)
    return offspring, state.replace(strategy=strategy)  # type: ignore[attr-defined]


def _tell(
    search: Search,
    problem: Problem,
    state: EvolutionState,
    offspring: Offspring,
    fitness: jax.Array,
    generation: jax.Array,
    key: jax.Array,
) -> tuple[EvolutionState, Metrics, jax.Array]:
    fitness, num_nan = _without_nan(fitness)
    first_id = state.queries + offspring.extra_passes
    batch = offspring.parents.shape[0]
    ids = first_id + jnp.arange(batch, dtype=jnp.int32)
    archive, improved = insert(state.archive, offspring.genomes, fitness, ids, offspring.parents, generation)
    outcome = Outcome(fitness=fitness, improved=improved, ids=ids, generation=generation)
    strategy, extra = search.strategy.tell(key, state.strategy, on_every_device(offspring), outcome)
    first = first_at(_fooled(problem), state.first, archive, improved)
    state = EvolutionState(archive, first, strategy, state.key, generation, first_id + batch)
    metrics = _metrics(search, problem, state, improved, num_nan)
    return (
        state,
        metrics | {f"{search.strategy.name}/{name}": value for name, value in extra.items()},
        improved,
    )


def _metrics(
    search: Search, problem: Problem, state: EvolutionState, improved: jax.Array, num_nan: jax.Array
) -> Metrics:
    return {
        "generation": state.generation,
        "queries": state.queries,
        "replacements": jnp.sum(improved, dtype=jnp.int32),
        "nan": num_nan,
        **describe_elites(search.encoding, problem.objective, state.archive),
    }


def _without_nan(fitness: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Fitness `[B, C]` with -inf for NaN, and how many of the `B` images had any NaN."""
    nan = jnp.isnan(fitness)
    return jnp.where(nan, -jnp.inf, fitness), jnp.sum(jnp.any(nan, axis=1), dtype=jnp.int32)


def _fooled(problem: Problem) -> float:
    """The fitness at which an elite counts as fooled; none is, where fitness is no log-odds."""
    return FOOLED if problem.objective.is_log_odds else float("inf")
