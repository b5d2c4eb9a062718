"""The loop's programs, compiled for several runs side by side. Each is compiled once in a process.

JAX finds what it has traced by the function, so functions that are only traced are one for equal searches.

Programs can be prepared: they are written at once, and compiled in the background while others are written. A
search needs two, and waits little longer for both than for the larger one.
"""

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp

from fooljax.engine.fitness import evaluate
from fooljax.engine.loop import (
    EvolutionState,
    Search,
    advance,
    first_genomes,
    generation,
    replaced,
    start,
)
from fooljax.engine.packing import Packed, pack
from fooljax.engine.placement import everywhere, mesh_of_place, writing_for
from fooljax.engine.precision import precision_of_search
from fooljax.engine.types import Genome, Outcome, Problem

MOST_PROGRAMS = 64
"""Compiled programs that are kept; the one that was not used for longest goes first."""
_COMPILERS = ThreadPoolExecutor(2, thread_name_prefix="compile")


def start_runs(
    search: Search, count: int, problem: Problem, keys: jax.Array, genomes: Genome | None = None
) -> Any:
    """Begins `R` runs: `(state, (metrics, replaced))`, leaves `[R, ...]`.

    Args:
      search: encoding and strategy.
      count: how many random genomes each begins with.
      problem: target, cells and objective.
      keys: `[R]`, the runs' keys.
      genomes: leaves `[count, ...]`, to begin every run with instead of random ones.
    """

    def start_run(key: jax.Array) -> Any:
        found = first_genomes(search.encoding, key, count) if genomes is None else genomes
        fitness = evaluate(search.encoding, problem, found)
        return recorded(search, start(search, problem, key, found, fitness))

    return jax.vmap(start_run)(keys)


def compile_start(
    search: Search, count: int, problem: Problem, keys: jax.Array, *genomes: Genome
) -> jax.stages.Compiled:
    """The program `(problem, keys, *genomes) -> (state, (metrics, replaced))` of `start_runs`."""
    return compile_program(start_runs, (search, count), (problem, keys, *genomes))


def prepare_start(search: Search, count: int, problem: Problem, keys: jax.Array, *genomes: Genome) -> None:
    """Begins to compile what `compile_start` gives for the same arguments."""
    _prepare(start_runs, (search, count), (problem, keys, *genomes))


def compile_advance(
    search: Search, generations: int, problem: Problem, state: EvolutionState
) -> jax.stages.Compiled:
    """The program `(problem, state) -> (state, packed)` that advances `R` runs.

    `packed.unpacked()` is `(metrics, replaced)`, leaves `[generations, R, ...]`. The state that is passed in
    is donated: it cannot be used again.
    """
    return compile_program(_advance_runs, (search, generations), (problem, state), donated=(1,))


def prepare_advance(search: Search, generations: int, problem: Problem, state: EvolutionState) -> None:
    """Begins to compile what `compile_advance` gives for the same arguments, or for arrays of their shapes.

    Args:
      search: encoding and strategy.
      generations: of a call.
      problem: target, cells and objective.
      state: of all runs, or its shapes with the places where its arrays will be.
    """
    _prepare(_advance_runs, (search, generations), (problem, state), donated=(1,))


def _advance_runs(
    search: Search, generations: int, problem: Problem, state: EvolutionState
) -> tuple[EvolutionState, Packed]:
    # Not `advance` of each run: JAX takes several times as long to write a loop of one run for many as to
    # write a loop of many.
    def step(runs: EvolutionState, _: None) -> tuple[EvolutionState, Packed]:
        runs, kept = jax.vmap(lambda run: generation(search, problem, run))(runs)
        return runs, pack(kept)

    return jax.lax.scan(step, state, length=generations)


def recorded(search: Search, step: tuple[EvolutionState, Any, jax.Array]) -> Any:
    """`(state, (metrics, replaced))` of what `start` or `tell` gave."""
    state, metrics, improved = step
    return state, (metrics, replaced(search, state, improved))


def lower_generation(search: Search, problem: Problem, runs: EvolutionState) -> str:
    """The text of the program of one generation of one run: the same for any number of runs and chunks.

    It is the text of the program for a CPU, wherever the search runs.

    Args:
      search: encoding and strategy.
      problem: target, cells and objective.
      runs: the state of all runs, or its shapes, leaves `[R, ...]`.
    """
    run = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), runs)
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)), problem)
    with writing_for(None):
        traced = _one_generation(search._replace(record=False)).trace(shapes, run)
    # That for a CPU also where the search runs elsewhere: in a kernel's text stand the paths of source files.
    return traced.lower(lowering_platforms=("cpu",)).as_text()


@functools.lru_cache(maxsize=MOST_PROGRAMS)
def _one_generation(search: Search) -> Any:
    # A lambda: its name stands in the text, whose digest the checkpoints of earlier runs hold.
    return jax.jit(lambda problem, state: advance(search, problem, state, 1))


def shapes_of_start(
    search: Search, count: int, problem: Problem, keys: jax.Array, *genomes: Genome
) -> tuple[EvolutionState, Any]:
    """Shapes of what the program of `compile_start` gives for the same arguments."""
    begin = _bound(start_runs, (search, count))
    # As `_compile` does on one device: what JAX has traced for the shapes it does not trace again.
    with writing_for(None):
        shapes: tuple[EvolutionState, Any] = jax.eval_shape(begin, problem, keys, *genomes)
    return shapes


@functools.lru_cache(maxsize=MOST_PROGRAMS)
def _bound(function: Callable[..., Any], fixed: tuple[Any, ...]) -> Callable[..., Any]:
    """`functools.partial`; the same object for equal arguments, so that JAX traces it once."""
    return functools.partial(function, *fixed)


def shapes_of_own_metrics(search: Search, problem: Problem, runs: EvolutionState) -> dict[str, Any]:
    """Shapes `[R]` of the strategy's own metrics, by their names in the metrics of a generation."""
    metrics = jax.eval_shape(_own_metrics(search), problem, runs)
    return {f"{search.strategy.name}/{name}": shape for name, shape in metrics.items()}


@functools.lru_cache(maxsize=MOST_PROGRAMS)
def _own_metrics(search: Search) -> Callable[[Problem, EvolutionState], dict[str, jax.Array]]:
    def own_metrics(problem: Problem, state: EvolutionState) -> dict[str, jax.Array]:
        offspring, strategy = search.strategy.ask(state.key, state.strategy, state.archive, problem)
        batch, cells = offspring.parents.shape[0], len(problem.cells)
        outcome = Outcome(
            fitness=jnp.zeros((batch, cells)),
            improved=jnp.zeros(cells, bool),
            ids=jnp.zeros(batch, jnp.int32),
            generation=state.generation,
        )
        return search.strategy.tell(state.key, strategy, offspring, outcome)[1]

    return jax.vmap(own_metrics, (None, 0))


def compile_program(
    function: Callable[..., Any], fixed: tuple[Any, ...], arguments: Any, donated: tuple[int, ...] = ()
) -> jax.stages.Compiled:
    """The program `(*arguments)` of `function(*fixed, *arguments)`.

    It is written for the devices that its arguments are on. Where each of several has a copy of them it is
    written for their mesh, see `fooljax.engine.dealing`, and each of them gets a copy of the result.

    Args:
      function: pure.
      fixed: its first arguments, hashable.
      arguments: all others, pytrees of arrays or of their shapes.
      donated: places among `arguments` of those whose memory the result may take.
    """
    try:
        return _prepare(function, fixed, arguments, donated).result()
    except Exception:  # the next call may find more memory
        _compile.cache_clear()
        raise


def _prepare(
    function: Callable[..., Any], fixed: tuple[Any, ...], arguments: Any, donated: tuple[int, ...] = ()
) -> Future[jax.stages.Compiled]:
    return _compile(function, fixed, donated, precision_of_search(), *_shapes(arguments))


def _shapes(arguments: Any) -> tuple[Any, tuple[jax.ShapeDtypeStruct, ...]]:
    """The structure, and for each array its shape, its type and the device that it is on."""
    leaves, structure = jax.tree.flatten(arguments)
    return structure, tuple(
        jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf), sharding=_place(leaf)) for leaf in leaves
    )


def _place(leaf: Any) -> jax.sharding.Sharding | None:
    """Where an array is. Copies on the devices of a mesh have one form, where JAX has several."""
    place = getattr(leaf, "sharding", None)
    mesh = mesh_of_place(place)
    return place if mesh is None else everywhere(mesh)


@functools.lru_cache(maxsize=MOST_PROGRAMS)
def _compile(
    function: Callable[..., Any],
    fixed: tuple[Any, ...],
    donated: tuple[int, ...],
    precision: str | None,
    structure: Any,
    shapes: Any,
) -> Future[jax.stages.Compiled]:
    del precision  # JAX puts it into the program; here it tells programs of different precision apart
    mesh = next(filter(None, (mesh_of_place(shape.sharding) for shape in shapes)), None)
    program = jax.jit(
        _bound(function, fixed),
        donate_argnums=donated,
        out_shardings=None if mesh is None else everywhere(mesh),
    )
    # Python writes one program after the other; XLA compiles without Python.
    with writing_for(mesh):
        return _COMPILERS.submit(program.lower(*jax.tree.unflatten(structure, shapes)).compile)
