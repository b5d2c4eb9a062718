"""Emitters: several searches side by side, each for one class, and a scheduler that gives them classes.

Source: after Fontaine et al. 2020 ("Covariance matrix adaptation for the rapid illumination of behavior
space", CMA-ME), whose emitters begin at an elite and begin again elsewhere once they no longer improve.
Differs: an emitter improves the fitness of one class; the archive still tries every child in every class. The
scheduler chooses for which class an emitter works next.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from fooljax.checks import check_counts
from fooljax.engine.archive import Archive
from fooljax.engine.dealing import on_every_device
from fooljax.engine.log_odds import to_log_odds
from fooljax.engine.types import Encoding, Genome, Offspring, Outcome, Problem, Strategy
from fooljax.errors import InputError
from fooljax.remembered import remembered

SCHEDULERS = ("gain", "equal")
WORST = -1e6
"""Stands for fitness that is not finite, where an emitter must compute with it."""
_MEMORY = 0.8
"""The share of a class's credit that is kept from turn to turn."""


class Emitter(NamedTuple):
    """A search for one class.

    Attributes:
      name: a short name for files and tables.
      population: `n`, genomes it asks for at a time.
      init: `init(key, genome) -> state`, a search that begins at a genome.
      ask: `ask(key, state) -> (genomes [n, ...], pending)`; `pending` is kept for `tell`.
      tell: `tell(key, pending, fitness [n]) -> (state, healthy)`. Fitness is finite, higher is better.
        `healthy`, `[]` bool, is False where the search has broken down or no longer moves; it then begins
        anew.
    """

    name: str
    population: int
    init: Callable[[jax.Array, Genome], Any]
    ask: Callable[[jax.Array, Any], tuple[Genome, Any]]
    tell: Callable[[jax.Array, Any, jax.Array], tuple[Any, jax.Array]]


@flax.struct.dataclass
class EmittersState:
    """State of `emitters`.

    Attributes:
      searches: states of the `M` emitters, leaves `[M, ...]`.
      pending: what each emitter's `ask` has kept for its `tell`, leaves `[M, ...]`; zeros before the first.
      cells: `[M]` int32, the cell that each works for.
      parents: `[M]` int32, the id of the elite that each began at.
      ages: `[M]` int32, generations since then.
      stalled: `[M]` int32, generations since its cell last got a new elite.
      ended: `[M]` bool: the emitter begins anew at the next ask.
      best: `[C]`, the highest log-odds seen, counted up to the goal.
      credit: `[C]`, how much log-odds each turn has gained lately.
    """

    searches: Any
    pending: Any
    cells: jax.Array
    parents: jax.Array
    ages: jax.Array
    stalled: jax.Array
    ended: jax.Array
    best: jax.Array
    credit: jax.Array


@remembered
def emitters(
    encoding: Encoding,
    emitter: Emitter,
    *,
    batch_size: int,
    scheduler: str = "gain",
    turn: int = 40,
    patience: int = 15,
    goal: float = 0.9999,
) -> Strategy:
    """Builds a strategy of `batch_size / emitter.population` emitters side by side.

    Args:
      encoding: of the genomes.
      emitter: the kind of search that all of them are.
      batch_size: children per generation, a multiple of `emitter.population`.
      scheduler: how an emitter gets its next class. "gain" draws a class below the goal, in proportion to
        what such classes have gained lately. "equal" goes through all classes in order.
      turn: generations after which an emitter may get another class. If it gets the same one again, it goes
        on where it was.
      patience: generations without a new elite in its class after which an emitter begins anew.
      goal: confidence, in (0, 1), beyond which a class gains no more credit.
    Returns:
      The strategy.
    Raises:
      InputError: an argument is out of range.
    """
    check_counts(batch_size=(batch_size, 1))
    if batch_size % emitter.population:
        raise InputError(
            f"batch_size: expected a multiple of the population, {emitter.population}, got {batch_size}"
        )
    if scheduler not in SCHEDULERS:
        raise InputError(f"scheduler: expected one of {', '.join(SCHEDULERS)}, got {scheduler}")
    for name, value in (("turn", turn), ("patience", patience)):
        if value < 1:
            raise InputError(f"{name}: expected 1 or more, got {value}")
    threshold = to_log_odds(goal)
    number, population = batch_size // emitter.population, emitter.population

    def counted(fitness: jax.Array) -> jax.Array:
        return jnp.clip(fitness, WORST, threshold)

    def init(key: jax.Array, genomes: Genome, fitness: jax.Array) -> EmittersState:
        num_cells = fitness.shape[1]
        cells = jnp.arange(number, dtype=jnp.int32) % num_cells
        elites = jnp.argmax(fitness, axis=0).astype(jnp.int32)[cells]
        starts = jax.tree.map(lambda leaf: leaf[elites], genomes)
        keys = jax.random.split(key, number)
        searches = jax.vmap(emitter.init)(keys, starts)
        _, pending = jax.eval_shape(jax.vmap(emitter.ask), keys, searches)
        return EmittersState(
            searches=searches,
            pending=jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), pending),
            cells=cells,
            parents=elites,
            ages=jnp.zeros(number, jnp.int32),
            stalled=jnp.zeros(number, jnp.int32),
            ended=jnp.zeros(number, bool),
            best=counted(jnp.max(fitness, axis=0)),
            # A class that was not tried yet counts as promising.
            credit=jnp.full(num_cells, threshold, jnp.float32),
        )

    def assign(key: jax.Array, state: EmittersState, archive: Archive) -> jax.Array:
        num_cells = archive.fitness.shape[0]
        if scheduler == "equal":
            return (state.cells + number) % num_cells
        below = archive.occupied & (state.best < threshold)
        weight = jnp.where(below, state.credit + 0.1 * jnp.mean(state.credit) + 1e-3, 0.0)
        # Where all are fooled, any class will do. An empty cell has no elite to begin at.
        weight = jnp.where(jnp.any(below), weight, archive.occupied.astype(jnp.float32))
        return jax.random.categorical(key, jnp.log(weight), shape=(number,)).astype(jnp.int32)

    def ask(
        key: jax.Array, state: EmittersState, archive: Archive, problem: Problem
    ) -> tuple[Offspring, EmittersState]:
        del problem
        assign_key, init_key, ask_key = jax.random.split(key, 3)
        free = state.ended | (state.ages >= turn)
        cells = jnp.where(free, assign(assign_key, state, archive), state.cells)
        cells = jnp.where(archive.occupied[cells], cells, jnp.argmax(archive.fitness).astype(jnp.int32))
        anew = state.ended | (cells != state.cells)
        starts = jax.tree.map(lambda leaf: leaf[cells], archive.genomes)
        begun = jax.vmap(emitter.init)(jax.random.split(init_key, number), starts)

        def choose(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where(anew.reshape(number, *(1,) * (old.ndim - 1)), new, old)

        state = dataclasses.replace(
            state,
            searches=jax.tree.map(choose, begun, state.searches),
            cells=cells,
            parents=jnp.where(anew, archive.ids[cells], state.parents),
            ages=jnp.where(free, 0, state.ages),
            stalled=jnp.where(anew, 0, state.stalled),
            ended=anew,
        )
        genomes, pending = jax.vmap(emitter.ask)(jax.random.split(ask_key, number), state.searches)
        first = jnp.repeat(state.parents, population)[:, None]
        others = jnp.full((batch_size, encoding.num_parents - 1), -1, jnp.int32)
        # Split up, an emitter's sums would round otherwise: each device makes all, and draws its share.
        genomes, pending = on_every_device((genomes, pending))
        offspring = Offspring(
            genomes=jax.tree.map(lambda leaf: leaf.reshape(batch_size, *leaf.shape[2:]), genomes),
            parents=jnp.concatenate([first, others], axis=1),
            extra_passes=jnp.int32(0),
        )
        return offspring, dataclasses.replace(state, pending=pending)

    def tell(
        key: jax.Array,
        state: EmittersState,
        offspring: Offspring,
        outcome: Outcome,
    ) -> tuple[EmittersState, dict[str, jax.Array]]:
        del offspring
        fitness = outcome.fitness
        of_each = fitness.reshape(number, population, -1)
        own = jnp.take_along_axis(of_each, state.cells[:, None, None], axis=2)[..., 0]
        own = jnp.where(jnp.isfinite(own), own, WORST)
        searches, healthy = jax.vmap(emitter.tell)(jax.random.split(key, number), state.pending, own)
        best = jnp.maximum(state.best, counted(jnp.max(fitness, axis=0)))
        served = jnp.any(state.cells[:, None] == jnp.arange(best.size)[None], axis=0)
        credit = jnp.where(served, _MEMORY * state.credit + (1 - _MEMORY) * (best - state.best), state.credit)
        stalled = jnp.where(outcome.improved[state.cells], 0, state.stalled + 1)
        restarts = jnp.sum(state.ended, dtype=jnp.int32)
        after = dataclasses.replace(
            state,
            searches=searches,
            ages=state.ages + 1,
            stalled=stalled,
            ended=~healthy | (stalled >= patience),
            best=best,
            credit=credit,
        )
        return after, {"restarts": restarts, "classes_served": jnp.sum(served, dtype=jnp.int32)}

    return Strategy(emitter.name, batch_size, init, ask, tell)
