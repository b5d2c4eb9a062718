"""The engine: one loop for every encoding, target and strategy.

The engine owns the archive and counts the queries; a strategy proposes. `advance` is the pure scan over
generations, which is what vmaps over runs; `evolve` drives it from the host in chunks, with progress,
checkpoints and early stop. The same key gives the same archive, bit for bit, under any chunking.
"""

import dataclasses
import functools
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.archive import Archive, empty, first_at, insert
from fooljax.engine.fitness import make_fitness
from fooljax.engine.genomes import check_genomes
from fooljax.engine.log_odds import FOOLED, SHARES, to_log_odds
from fooljax.engine.placement import gathered, place_of
from fooljax.engine.precision import as_float32, in_float32
from fooljax.engine.types import Apply, Encoding, Genome, Problem, Strategy, Target, as_target
from fooljax.errors import InputError, shown
from fooljax.identity import check_identity, search_identity
from fooljax.probe import count_classes, probe
from fooljax.rendering import draw
from fooljax.storage.checkpoints import Checkpoints
from fooljax.storage.trees import digest_tree, load_arrays, load_tree
from fooljax.strategies._map_elites import map_elites
from fooljax.strategies.registry import build

logger = logging.getLogger("fooljax")

CHUNK = 10
"""Generations per compiled call; also how often an early stop is looked for."""
CHECKPOINT_SECONDS = 10.0
BATCH_SIZE = 200
"""Children of a strategy that is given by its name. Source: the authors' code for MNIST."""
RECORD_ROWS = 16384
"""Most rows, cells x generations x runs, that a chunk may hold when replacements are recorded."""
MAX_QUERIES = 2**31 - 1
"""Ids are int32."""
MOST_NAN = 0.5
"""A target whose logits are NaN for a larger share of the first images is refused."""


class Search(NamedTuple):
    """All that is fixed while a search is compiled. Hashable: equal searches share their programs."""

    encoding: Encoding
    apply: Apply
    strategy: Strategy
    cells: tuple[int, ...]
    record: bool = False


@flax.struct.dataclass
class EvolutionState:
    """One run between two generations.

    Attributes:
      archive: `C` cells, the best elite of each.
      first: `C` cells, the first elite of each that was fooled (99.99 %); empty where none was yet.
      strategy: the strategy's own state.
      key: `[]`, the run's key; generation g uses `fold_in(key, g)` and nothing else.
      generation: `[]` int32; 0 after the first random genomes.
      queries: `[]` int32, network passes so far.
    """

    archive: Archive
    first: Archive
    strategy: Any
    key: jax.Array
    generation: jax.Array
    queries: jax.Array


class Replacements(NamedTuple):
    """Cells that changed hands, one row each; what ancestries are drawn from.

    Attributes:
      run, generation, cell, id: `[n]` int; `id` is the query number of the new elite.
      parents: `[n, P]` int, ids; -1 where there is none.
      genomes: leaves `[n, ...]`.
    """

    run: npt.NDArray[Any]
    generation: npt.NDArray[Any]
    cell: npt.NDArray[Any]
    id: npt.NDArray[Any]
    parents: npt.NDArray[Any]
    genomes: Genome


class Progress(NamedTuple):
    """What `on_chunk` is told after each chunk.

    Attributes:
      generation: generations done, of `generations`.
      generations: to do in all.
      metrics: of the generations of this chunk, `[R, n]` each.
      queries: network passes so far, over all runs.
      evaluations_per_second: of this chunk, over all runs.
    """

    generation: int
    generations: int
    metrics: Mapping[str, npt.NDArray[Any]]
    queries: int
    evaluations_per_second: float


@dataclass(frozen=True)
class Evolution:
    """What `evolve` returns.

    Attributes:
      encoding: the encoding that draws the genomes.
      cells: class index of each cell.
      archive: `R` archives, leaves `[R, C, ...]`, on the host.
      first: the same of the first elite of each cell that was fooled: at that moment, before the search made
        it any better. Cells that were never fooled are empty.
      metrics: arrays `[R, T + 1]` by name, generations 0 to T: queries, replacements, children whose logits
        were NaN, and median, mean, min and max over cells of confidence and of log-odds, and the shares of
        cells at 90, 99 and 99.99 % or more; then the encoding's and the strategy's own.
      generations: `T`, done in all.
      completed: False where `stop` ended it early.
      seconds_search, seconds_compile: wall time, of the resumed parts too; compilation apart.
    """

    encoding: Encoding
    cells: tuple[int, ...]
    archive: Archive
    first: Archive
    metrics: dict[str, npt.NDArray[Any]]
    generations: int
    completed: bool
    seconds_search: float
    seconds_compile: float

    @property
    def log_odds(self) -> npt.NDArray[np.float32]:
        """`[R, C]` log-odds of the elites; -inf where a cell is empty."""
        return np.asarray(self.archive.fitness)

    def images(self) -> npt.NDArray[np.uint8]:
        """The elites as 8-bit images, `[R, C, H, W, K]`."""
        return self._drawn(self.archive)

    def first_images(self) -> npt.NDArray[np.uint8]:
        """The first fooled elites as 8-bit images, `[R, C, H, W, K]`; where there is none, any image."""
        return self._drawn(self.first)

    def _drawn(self, archive: Archive) -> npt.NDArray[np.uint8]:
        runs, cells = archive.fitness.shape
        flat = jax.tree.map(lambda leaf: leaf.reshape(runs * cells, *leaf.shape[2:]), archive.genomes)
        return draw(self.encoding, flat).reshape(runs, cells, *self.encoding.image_shape)


def start(
    search: Search, problem: Problem, key: jax.Array, init_size: int, genomes: Genome | None = None
) -> tuple[EvolutionState, Any]:
    """Evaluates and inserts the first genomes of one run (generation 0).

    Args:
      search: the fixed parts.
      problem: arrays that do not change.
      key: the run's key.
      init_size: how many they are.
      genomes: leaves `[init_size, ...]`; random ones where None.
    Returns:
      The state, and the metrics of generation 0.
    """
    genomes_key, strategy_key, run_key = jax.random.split(key, 3)
    encoding = search.encoding
    if genomes is None:
        genomes = jax.vmap(encoding.init)(jax.random.split(genomes_key, init_size))
    fitness, num_nan = _without_nan(_fitness(search)(problem, genomes))
    blank = empty(jax.eval_shape(encoding.init, key), len(search.cells), encoding.num_parents)
    parents = jnp.full((init_size, encoding.num_parents), -1, jnp.int32)
    ids = jnp.arange(init_size, dtype=jnp.int32)
    archive, improved = insert(blank, genomes, fitness, ids, parents, jnp.int32(0))
    state = EvolutionState(
        archive=archive,
        first=first_at(FOOLED, blank, archive, improved),
        strategy=search.strategy.init(strategy_key, genomes, fitness),
        key=run_key,
        generation=jnp.int32(0),
        queries=jnp.int32(init_size),
    )
    return state, (_engine_metrics(search, state, improved, num_nan), _replaced(search, state, improved))


def advance(
    search: Search, problem: Problem, state: EvolutionState, generations: int
) -> tuple[EvolutionState, Any]:
    """Runs some generations of one run: a pure scan, which compiles, donates and vmaps over runs.

    Args:
      search: the fixed parts.
      problem: arrays that do not change; an argument, so that no program holds weights as constants.
      state: of one run.
      generations: how many, known at compile time.
    Returns:
      The new state; and per generation (leading axis) the metrics and, where `search.record`, the archive's
      replacements.
    """
    fitness_of = _fitness(search)

    def step(state: EvolutionState, _: None) -> tuple[EvolutionState, Any]:
        generation = state.generation + 1
        ask_key, tell_key = jax.random.split(jax.random.fold_in(state.key, generation))
        offspring, strategy_state = search.strategy.ask(ask_key, state.strategy, state.archive, problem)
        fitness, num_nan = _without_nan(fitness_of(problem, offspring.genomes))
        first_id = state.queries + offspring.extra_passes
        batch = offspring.parents.shape[0]
        archive, improved = insert(
            state.archive,
            offspring.genomes,
            fitness,
            first_id + jnp.arange(batch, dtype=jnp.int32),
            offspring.parents,
            generation,
        )
        strategy_state, extra = search.strategy.tell(tell_key, strategy_state, offspring, fitness, improved)
        first = first_at(FOOLED, state.first, archive, improved)
        state = EvolutionState(archive, first, strategy_state, state.key, generation, first_id + batch)
        metrics = {
            **_engine_metrics(search, state, improved, num_nan),
            **{f"{search.strategy.name}/{k}": v for k, v in extra.items()},
        }
        return state, (metrics, _replaced(search, state, improved))

    return jax.lax.scan(step, state, length=generations)


@in_float32
def evolve(
    encoding: Encoding,
    target: Target | Callable[[jax.Array], jax.Array],
    strategy: Strategy | str | None = None,
    *,
    key: jax.Array | int,
    generations: int,
    runs: int = 1,
    cells: Sequence[int] | None = None,
    init_size: int | None = None,
    init_genomes: Genome | None = None,
    until: float | None = None,
    chunk: int = CHUNK,
    checkpoints: Path | str | None = None,
    resume: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    check_target: bool = True,
    on_chunk: Callable[[Progress], None] | None = None,
    on_replacements: Callable[[Replacements], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Evolution:
    """Evolves one image per class and run that the target names with confidence.

    Args:
      encoding: genome to image.
      target: a `Target`, or any JAX callable `images [B, H, W, K] -> logits [B, C]`.
      strategy: proposes genomes: a `Strategy`, or the name of one in `fooljax.strategies.STRATEGIES`, with
        its default settings; MAP-Elites with 200 children by default.
      key: a PRNG key, or a seed for one; run r uses `fold_in(key, r)`, so run r is the same however many runs
        there are.
      generations: how many after the first random genomes, 0 or more.
      runs: `R`, independent runs side by side, 1 or more.
      cells: class indices to evolve for; all classes by default.
      init_size: random genomes to start from; the strategy's `batch_size` by default.
      init_genomes: genomes to start from instead, the same in every run: leaves `[N, ...]`. Generation 0
        evaluates them, `N` queries a run, and all that goes by generations (schedules, ids, births) counts
        from there.
      until: a confidence in (0, 1): stops when every cell of every run has reached it (looked for every
        `CHUNK` generations, so that the end does not depend on chunking).
      chunk: generations per compiled call.
      checkpoints: a folder for checkpoints; none are written where None.
      resume: goes on from the newest whole checkpoint in that folder, or starts over if there is none. All
        that decides the results must be what it was begun with; `init_genomes` need not be given again.
      checkpoint_seconds: at least so long between checkpoints. One is always written at the end.
      check_target: shows the target some images first, see `fooljax.probe`. False lets a target pass whose
        verdict is random or depends on its batch, when that is what is studied.
      on_chunk: is told the progress after each chunk (and once after generation 0).
      on_replacements: is given each chunk's replacements; the chunk shortens so that they stay bounded.
      stop: asked after each chunk; True saves a checkpoint and ends the call with `completed=False`.
    Raises:
      InputError: an argument is not what was expected, the target is not to be trusted (see `probe`) or its
        logits are NaN for most of the first images, or a checkpoint does not belong to this search.
      FaultError: a checkpoint cannot be written.
    """
    key = _checked_key(key)
    target = as_target(target)
    place = place_of(target.params)
    target = dataclasses.replace(target, params=gathered(as_float32(target.params), place))
    if not isinstance(encoding, Encoding):
        raise InputError(f"encoding: expected an Encoding, got {shown(repr(encoding))}")
    strategy = _checked_strategy(strategy, encoding)
    given = () if init_genomes is None else (init_genomes,)
    untold = init_genomes is None and init_size is None
    if init_genomes is not None:
        if init_size is not None:
            raise InputError(f"init_size: expected none where init_genomes are given, got {init_size}")
        init_size = _count_genomes(encoding, init_genomes)
    init_size = strategy.batch_size if init_size is None else init_size
    for name, value, least in (
        ("generations", generations, 0),
        ("runs", runs, 1),
        ("init_size", init_size, 1),
        ("chunk", chunk, 1),
    ):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise InputError(f"{name}: expected a whole number, {least} or more, got {shown(repr(value))}")
    if not _is_number(checkpoint_seconds) or not 0.0 <= checkpoint_seconds < math.inf:
        raise InputError(f"checkpoint_seconds: expected 0 or more, got {shown(repr(checkpoint_seconds))}")
    if until is not None and not (_is_number(until) and 0.0 < until < 1.0):
        raise InputError(f"until: expected a confidence inside (0, 1), got {shown(repr(until))}")
    for name, called in (("on_chunk", on_chunk), ("on_replacements", on_replacements), ("stop", stop)):
        if called is not None and not callable(called):
            raise InputError(f"{name}: expected a function, got {shown(repr(called))}")
    store = _checked_store(checkpoints, resume)
    threshold = None if until is None else to_log_odds(until)
    if init_size + generations * strategy.batch_size > MAX_QUERIES:
        raise InputError(
            f"generations: expected at most {MAX_QUERIES:,} queries a run, got {init_size:,} first images "
            f"and {generations:,} generations of {strategy.batch_size:,}"
        )
    num_classes = count_classes(target, encoding.image_shape)
    cells = _checked_cells(cells, num_classes)
    if check_target:
        probe(target, encoding.image_shape)

    search = Search(encoding, target.apply, strategy, cells, record=on_replacements is not None)
    problem = jax.device_put(Problem(target.params, encoding.coordinates(), target.apply, cells), place)
    if search.record:
        chunk = max(1, min(chunk, RECORD_ROWS // (runs * len(cells))))
    keys = jax.device_put(jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(runs)), place)

    clock = time.perf_counter()
    given = jax.device_put(given, place)
    try:
        state_shapes, (metric_shapes, _) = jax.eval_shape(
            functools.partial(_start_runs, search, init_size), problem, keys, *given
        )
        blank = _blank_metrics(search, problem, state_shapes)
    except InputError:
        raise
    except Exception as error:  # a user's encoding or strategy, or one made for other genomes
        pair = f"{shown(strategy.name)} and the encoding {shown(encoding.name)}"
        reason = f"{type(error).__name__}: {shown(error)}"
        raise InputError(f"strategy: {pair} do not go together: {reason}") from error
    identity: dict[str, Any] = {}
    if store is not None:
        identity = {
            "key": np.asarray(jax.random.key_data(key)).tolist(),
            "init_size": init_size,
            "init_genomes": None if init_genomes is None else digest_tree(init_genomes),
            **search_identity(encoding, strategy, problem, _lower_generation(search, problem, state_shapes)),
        }
    history: list[dict[str, npt.NDArray[Any]]] = []
    latest = store.latest() if store is not None and resume else None
    spent = {"seconds_search": 0.0, "seconds_compile": 0.0}
    if latest is None:
        begin = compile_start(search, init_size, problem, keys, *given)
        spent["seconds_compile"] += time.perf_counter() - clock
        clock = time.perf_counter()
        state, (metrics, replaced) = begin(problem, keys, *given)
        if (bad := int(np.sum(metrics["nan"]))) > MOST_NAN * runs * init_size:
            raise InputError(f"target: its logits are NaN for {bad} of the first {runs * init_size} images")
        history.append({name: np.asarray(value)[:, None] for name, value in metrics.items()} | blank)
        if on_replacements:
            on_replacements(_rows(_with_generation_axis(replaced)))
        spent["seconds_search"] += time.perf_counter() - clock
    else:
        state, history, spent, facts = _load(
            latest, encoding, state_shapes, {**metric_shapes, **blank}, identity, untold
        )
        state = jax.device_put(state, place)
        identity |= {name: facts[name] for name in ("init_size", "init_genomes") if name in facts}
        if generations < (done := history[-1]["generation"][0, -1]):
            raise InputError(f"generations: expected {done} or more, as many as are done, got {generations}")
    if on_chunk:
        on_chunk(_progress(history[-1], generations, 0.0))

    last_saved = time.perf_counter()
    done = history[-1]["generation"][0, -1]
    stopped = saved = False
    while done < generations and not (stopped := stop is not None and stop()):
        length = min(chunk, generations - done, CHUNK - done % CHUNK if threshold is not None else chunk)
        if threshold is not None and done % CHUNK == 0 and _all_reached(history[-1], threshold):
            break
        clock = time.perf_counter()
        program = compile_advance(search, length, problem, state)
        spent["seconds_compile"] += time.perf_counter() - clock
        clock = time.perf_counter()
        state, (metrics, replaced) = program(problem, state)
        history.append({name: np.asarray(value) for name, value in metrics.items()})
        seconds = time.perf_counter() - clock
        spent["seconds_search"] += seconds
        done = history[-1]["generation"][0, -1]
        if np.any(history[-1]["queries"] < 0):
            raise InputError(f"generations: expected at most {MAX_QUERIES:,} queries a run, got more")
        if on_replacements:
            on_replacements(_rows(replaced))
        if on_chunk:
            on_chunk(_progress(history[-1], generations, runs * strategy.batch_size * length / seconds))
        saved = store is not None and time.perf_counter() - last_saved > checkpoint_seconds
        if store is not None and saved:
            _save(store, state, history, {**identity, **spent})
            last_saved = time.perf_counter()
    if store is not None and not saved:
        _save(store, state, history, {**identity, **spent})
    metrics = _joined(history)
    if nan := int(np.sum(metrics["nan"])):
        shares = nan / max(1, int(np.sum(metrics["queries"][:, -1])))
        logger.warning("target: its logits were NaN for %d images (%.2g %%)", nan, 100.0 * shares)
    return Evolution(
        encoding=encoding,
        cells=cells,
        archive=jax.device_get(state.archive),
        first=jax.device_get(state.first),
        metrics=metrics,
        generations=int(done),
        completed=not stopped,
        **spent,
    )


def _fitness(search: Search) -> Callable[[Problem, Genome], jax.Array]:
    return make_fitness(search.encoding, search.apply, search.cells)


def _start_runs(
    search: Search, init_size: int, problem: Problem, keys: jax.Array, genomes: Genome | None = None
) -> Any:
    return jax.vmap(lambda key: start(search, problem, key, init_size, genomes))(keys)


def _advance_runs(search: Search, generations: int, problem: Problem, state: EvolutionState) -> Any:
    return jax.vmap(lambda run: advance(search, problem, run, generations))(state)


def compile_start(
    search: Search, init_size: int, problem: Problem, keys: jax.Array, *genomes: Genome
) -> jax.stages.Compiled:
    """The program `(problem, keys [R]) -> (state, metrics)` that starts `R` runs.

    Where genomes to start from are given it takes them as a third argument.
    """
    return _compile(_start_runs, search, init_size, (), *_shapes((problem, keys, *genomes)))


def compile_advance(
    search: Search, generations: int, problem: Problem, state: EvolutionState
) -> jax.stages.Compiled:
    """The program `(problem, state [R]) -> (state, metrics)` that advances `R` runs; the state is donated.

    Compiled once for equal searches and shapes in a process.
    """
    return _compile(_advance_runs, search, generations, (1,), *_shapes((problem, state)))


def _shapes(arguments: Any) -> tuple[Any, tuple[jax.ShapeDtypeStruct, ...]]:
    """The structure, and for each array its shape, its type and the device that it is on."""
    leaves, structure = jax.tree.flatten(arguments)
    return structure, tuple(
        jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf), sharding=getattr(leaf, "sharding", None))
        for leaf in leaves
    )


@functools.lru_cache(maxsize=64)
def _compile(
    function: Callable[..., Any],
    search: Search,
    count: int,
    donated: tuple[int, ...],
    structure: Any,
    shapes: Any,
) -> jax.stages.Compiled:
    program = jax.jit(functools.partial(function, search, count), donate_argnums=donated)
    return program.lower(*jax.tree.unflatten(structure, shapes)).compile()


def _without_nan(fitness: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Fitness `[B, C]` with -inf for NaN, and how many of the `B` images had any NaN."""
    nan = jnp.isnan(fitness)
    return jnp.where(nan, -jnp.inf, fitness), jnp.sum(jnp.any(nan, axis=1), dtype=jnp.int32)


def _engine_metrics(
    search: Search, state: EvolutionState, improved: jax.Array, num_nan: jax.Array
) -> dict[str, jax.Array]:
    odds = state.archive.fitness
    metrics = {
        "generation": state.generation,
        "queries": state.queries,
        "replacements": jnp.sum(improved, dtype=jnp.int32),
        "nan": num_nan,
    }
    # Not jnp.median, which is NaN where -inf (an empty cell) is among the values.
    ordered = jnp.sort(odds)
    middle = ordered[jnp.asarray([(odds.size - 1) // 2, odds.size // 2])]
    for name, scale in (("confidence", jax.nn.sigmoid), ("log_odds", jnp.asarray)):
        metrics[f"median_{name}"] = jnp.mean(scale(middle))
        metrics[f"mean_{name}"] = jnp.mean(scale(odds))
        metrics[f"min_{name}"] = scale(ordered[0])
        metrics[f"max_{name}"] = scale(ordered[-1])
    for name, threshold in SHARES.items():
        metrics[name] = jnp.mean(odds >= threshold, dtype=jnp.float32)
    encoding, occupied = search.encoding, state.archive.occupied
    for name, values in jax.vmap(encoding.measure)(state.archive.genomes).items():
        total = jnp.sum(jnp.where(occupied, values, 0), dtype=jnp.float32)
        metrics[f"{encoding.name}/{name}"] = total / jnp.maximum(jnp.sum(occupied), 1)
    return metrics


def _lower_generation(search: Search, problem: Problem, runs: EvolutionState) -> jax.stages.Lowered:
    """The program of one generation of one run: the same however many runs, chunks and devices there are.

    Args:
      search: the fixed parts.
      problem: arrays that do not change.
      runs: shapes of the state of all runs, leaves `[R, ...]`.
    """
    run = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), runs)
    search = search._replace(record=False)
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)), problem)
    return jax.jit(lambda problem, state: advance(search, problem, state, 1)).lower(shapes, run)


def _blank_metrics(
    search: Search, problem: Problem, runs: EvolutionState
) -> dict[str, npt.NDArray[np.float32]]:
    """NaN, `[R, 1]`, for each of the strategy's own metrics, which has told nothing in generation 0."""

    def one_generation(problem: Problem, state: EvolutionState) -> dict[str, jax.Array]:
        offspring, strategy = search.strategy.ask(state.key, state.strategy, state.archive, problem)
        fitness = jnp.zeros((offspring.parents.shape[0], len(search.cells)))
        improved = jnp.zeros(len(search.cells), bool)
        return search.strategy.tell(state.key, strategy, offspring, fitness, improved)[1]

    names = jax.eval_shape(jax.vmap(one_generation, (None, 0)), problem, runs)
    return {
        f"{search.strategy.name}/{name}": np.full((shape.shape[0], 1, *shape.shape[1:]), np.nan, np.float32)
        for name, shape in names.items()
    }


def _replaced(search: Search, state: EvolutionState, improved: jax.Array) -> Any:
    if not search.record:
        return None
    archive = state.archive
    return improved, state.generation, archive.ids, archive.parents, archive.genomes


def _with_generation_axis(replaced: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[:, None], replaced)


def _rows(replaced: Any) -> Replacements:
    improved, generation, ids, parents, genomes = jax.device_get(replaced)
    run, when, cell = np.nonzero(improved)
    return Replacements(
        run=run,
        generation=generation[run, when],
        cell=cell,
        id=ids[run, when, cell],
        parents=parents[run, when, cell],
        genomes=jax.tree.map(lambda leaf: leaf[run, when, cell], genomes),
    )


def _count_genomes(encoding: Encoding, genomes: Genome) -> int:
    """How many genomes these are, after making sure that they are of this encoding."""
    one_genome = jax.eval_shape(encoding.init, jax.random.key(0))
    expected, _ = jax.tree_util.tree_flatten_with_path(one_genome)
    structures: list[Any] = [jax.tree.structure(tree) for tree in (one_genome, genomes)]
    if structures[0] != structures[1]:
        raise InputError(f"init_genomes: expected {structures[0]}, got {structures[1]}")
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(genomes)]
    count = int(leaves[0].shape[0]) if leaves[0].ndim else 0
    for (path, one), leaf in zip(expected, leaves, strict=True):
        if leaf.shape != (count, *one.shape) or leaf.dtype != one.dtype or not count:
            name = f"init_genomes{jax.tree_util.keystr(path)}"
            shape = ", ".join(["N", *map(str, one.shape)])
            raise InputError(f"{name}: expected {one.dtype}[{shape}], got {leaf.dtype}{list(leaf.shape)}")
    try:
        check_genomes(encoding, genomes)
    except InputError as error:
        raise InputError(f"init_genomes: {error}") from error
    return count


def _checked_key(key: jax.Array | int) -> jax.Array:
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        if not 0 <= key < 2**32:
            raise InputError(f"key: expected a seed from 0 to {2**32 - 1}, got {key}")
        return jax.random.key(int(key))
    if not isinstance(key, jax.Array) or not jnp.issubdtype(key.dtype, jax.dtypes.prng_key) or key.shape:
        raise InputError("key: expected one typed PRNG key, as jax.random.key(0), or a seed")
    return key


def _checked_strategy(strategy: Strategy | str | None, encoding: Encoding) -> Strategy:
    if strategy is None:
        return map_elites(encoding)
    if isinstance(strategy, str):
        return build(strategy, encoding, BATCH_SIZE, {})
    if not isinstance(strategy, Strategy):
        raise InputError(f"strategy: expected a Strategy or the name of one, got {shown(repr(strategy))}")
    return strategy


def _checked_store(checkpoints: Path | str | None, resume: bool) -> Checkpoints | None:
    if not isinstance(resume, bool):
        raise InputError(f"resume: expected True or False, got {shown(repr(resume))}")
    if checkpoints is None:
        if resume:
            raise InputError("checkpoints: expected a folder to resume from, got none")
        return None
    if not isinstance(checkpoints, Path | str) or not str(checkpoints) or "\0" in str(checkpoints):
        raise InputError(f"checkpoints: expected a folder, got {shown(repr(checkpoints))}")
    store = Checkpoints(Path(checkpoints))
    if store.paths() and not resume:
        raise InputError(
            f"checkpoints: {shown(checkpoints)} holds those of another search; expected another folder, or "
            "resume=True"
        )
    return store


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _checked_cells(cells: Sequence[int] | None, num_classes: int) -> tuple[int, ...]:
    if cells is None:
        return tuple(range(num_classes))
    found = np.asarray(cells)
    if found.ndim != 1 or not found.size or not np.issubdtype(found.dtype, np.integer):
        raise InputError(f"cells: expected a list of class indices, got {shown(repr(cells))}")
    if len(set(found.tolist())) != found.size or found.min() < 0 or found.max() >= num_classes:
        raise InputError(
            f"cells: expected different class indices in [0, {num_classes - 1}], got {shown(found.tolist())}"
        )
    return tuple(found.tolist())


def _all_reached(metrics: Mapping[str, npt.NDArray[Any]], threshold: float) -> bool:
    return bool(np.all(metrics["min_log_odds"][:, -1] >= threshold))


def _progress(metrics: dict[str, npt.NDArray[Any]], generations: int, rate: float) -> Progress:
    generation, queries = int(metrics["generation"][0, -1]), int(np.sum(metrics["queries"][:, -1]))
    return Progress(generation, generations, metrics, queries, rate)


def _joined(history: list[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """All metrics, `[R, T + 1]`."""
    return {name: np.concatenate([part[name] for part in history], axis=1) for name in history[0]}


def _save(store: Checkpoints, state: EvolutionState, history: list[Any], header: Mapping[str, Any]) -> None:
    metrics = _joined(history)
    history[:] = [metrics]
    store.save(int(metrics["generation"][0, -1]), {"state": state, "metrics": metrics}, header)


def _load(
    path: Path,
    encoding: Encoding,
    state: EvolutionState,
    metrics: Mapping[str, Any],
    identity: Mapping[str, Any],
    untold: bool,
) -> tuple[EvolutionState, list[dict[str, npt.NDArray[Any]]], dict[str, float], dict[str, Any]]:
    """The state, metrics, seconds spent and facts of a checkpoint that belongs to this search."""
    arrays, _, facts = load_arrays(path)
    if untold and facts.get("init_genomes") is not None:
        # The checkpoint holds all that came of the genomes that the search began with.
        identity = {name: fact for name, fact in identity.items() if not name.startswith("init_")}
    check_identity(path, facts, identity)
    kept = {name.removeprefix("metrics/") for name in arrays if name.startswith("metrics/")}
    # What versions before 0.2 did not keep: how many logits were NaN, and which elites were fooled first.
    old = "state/first/fitness" not in arrays
    if missing := set(metrics) - kept - ({"nan"} if old else set()):
        raise InputError(f"{path}: expected metrics/{min(missing)}, found no such entry")
    if old:
        logger.warning("%s: an older version of fooljax wrote it, without the elites fooled first", path)
        loaded = _load_old(path, state)
        arrays["metrics/nan"] = np.zeros_like(arrays["metrics/generation"])
    else:
        loaded, _ = load_tree(path, state, under="state")
    history = {name: arrays[f"metrics/{name}"] for name in metrics}
    runs = state.archive.fitness.shape[0]
    shape = (runs, max(1, history["generation"].size // runs))
    for name, rows in history.items():
        if rows.shape != shape or rows.dtype.kind != np.dtype(metrics[name].dtype).kind:
            raise InputError(
                f"{path}: expected metrics/{name} {metrics[name].dtype}{list(shape)}, "
                f"found {rows.dtype}{list(rows.shape)}"
            )
    spent: dict[str, Any] = {name: facts.get(name) for name in ("seconds_search", "seconds_compile")}
    if not all(isinstance(seconds, int | float) for seconds in spent.values()):
        raise InputError(f"{path}: expected the seconds spent, found {shown(spent)}")
    for archive in (loaded.archive, loaded.first):
        genomes = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), archive.genomes)
        try:
            check_genomes(encoding, genomes)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    return jax.tree.map(jnp.asarray, loaded), [history], spent, facts


def _load_old(path: Path, state: EvolutionState) -> EvolutionState:
    """The state from a checkpoint of a version before 0.2; no elite counts as fooled yet."""
    names = ("archive", "strategy", "key", "generation", "queries")
    parts, _ = load_tree(path, {name: getattr(state, name) for name in names}, under="state")
    runs, cells = state.archive.fitness.shape
    genome = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape[2:], leaf.dtype), state.archive.genomes
    )
    blank = empty(genome, cells, state.archive.parents.shape[2])
    first = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[None], (runs, *leaf.shape)), blank)
    return EvolutionState(first=first, **parts)
