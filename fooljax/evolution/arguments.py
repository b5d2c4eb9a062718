"""Checks the arguments of a search: one line says what is wrong, before anything is compiled."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.checks import check_counts, check_switches, is_number, is_whole, whole_numbers
from fooljax.engine.genomes import check_genomes
from fooljax.engine.log_odds import to_log_odds
from fooljax.engine.loop import Search
from fooljax.engine.objective import Logits, Objective, check_objective
from fooljax.engine.placement import Devices, everywhere, gathered, mesh_of, near, place_of, put
from fooljax.engine.precision import as_float32
from fooljax.engine.types import Encoding, Genome, Problem, Strategy, Target, as_target
from fooljax.errors import InputError, shown
from fooljax.host_targets import HostFunction
from fooljax.probe import Probe, count_cells, logits_of_two, probe
from fooljax.storage.checkpoints import Checkpoints
from fooljax.storage.outputs import as_folder
from fooljax.strategies._map_elites import map_elites
from fooljax.strategies.registry import build

CHUNK = 10
"""Generations per compiled call; also how often an early stop is looked for."""
CHECKPOINT_SECONDS = 10.0
BATCH_SIZE = 200
"""Children of a strategy that is given by its name. Source: the authors' code for MNIST."""
RECORD_ROWS = 16384
"""Most rows, cells x generations x runs, that a chunk may hold when replacements are recorded."""
MAX_QUERIES = 2**31 - 1
"""Ids are int32."""


@dataclass(frozen=True)
class Plan:
    """A search that can begin: its arguments, checked and put in place.

    Attributes:
      search: encoding, strategy, and whether replacements are recorded.
      problem: target, cells and objective, on the device of the target's parameters or on all that are asked
        for.
      key: the whole search's key.
      keys: `[R]`, the runs' keys.
      given: the genomes to begin with, leaves `[init_size, ...]`, in a tuple; empty for random ones.
      init_size: how many genomes each run begins with.
      assumed: whether neither `init_size` nor genomes were given.
      generations: to do in all.
      chunk: generations per compiled call.
      threshold: the fitness at which all cells end the search; None where it goes to the last generation.
      place: the device, or the mesh of several.
      store: where checkpoints go, or None.
      resume: whether to go on from the newest of them.
      checkpoint_seconds: at least so long between checkpoints.
      logits: shapes `[2, C]` of the target's logits for two images.
      probed: what the target said of the probe's images; None where it was not shown them.
    """

    search: Search
    problem: Problem
    key: jax.Array
    keys: jax.Array
    given: tuple[Genome, ...]
    init_size: int
    assumed: bool
    generations: int
    chunk: int
    threshold: float | None
    place: jax.sharding.Sharding
    store: Checkpoints | None
    resume: bool
    checkpoint_seconds: float
    logits: Logits
    probed: Probe | None

    @property
    def host(self) -> HostFunction | None:
        """The function that is asked on the host, where the target is no JAX function."""
        apply = self.problem.apply
        return apply if isinstance(apply, HostFunction) else None

    @property
    def runs(self) -> int:
        """`R`."""
        return int(self.keys.shape[0])

    def next_chunk(self, done: int) -> int:
        """Generations of the compiled call after `done` generations, of which some are left."""
        length = min(self.chunk, self.generations - done)
        return length if self.threshold is None else min(length, CHUNK - done % CHUNK)


def planned(
    target: Target | Callable[..., Any],
    encoding: Encoding,
    strategy: Strategy | str | None,
    *,
    key: jax.Array | int,
    generations: int,
    runs: int,
    cells: Sequence[int] | None,
    objective: Objective,
    init_size: int | None,
    init_genomes: Genome | None,
    until: float | None,
    chunk: int,
    checkpoints: Path | str | None,
    resume: bool,
    checkpoint_seconds: float,
    check_target: bool,
    record: bool,
    devices: Devices | None,
) -> Plan:
    """Checks the arguments of `fooljax.evolution.search`, which says what they are.

    Raises:
      InputError: as `search`.
    """
    key = checked_key(key)
    target = as_target(target)
    mesh = None if devices is None else mesh_of(devices)
    place = place_of(target.params) if mesh is None else near(mesh)
    target = replace(target, params=gathered(as_float32(target.params), place))
    if not isinstance(encoding, Encoding):
        raise InputError(f"encoding: expected an Encoding, got {shown(repr(encoding))}")
    strategy = checked_strategy(strategy, encoding)
    check_objective(objective)
    given = () if init_genomes is None else (init_genomes,)
    assumed = init_genomes is None and init_size is None
    if init_genomes is not None:
        if init_size is not None:
            raise InputError(f"init_size: expected none where init_genomes are given, got {init_size}")
        init_size = _count_genomes(encoding, init_genomes)
    init_size = strategy.batch_size if init_size is None else init_size
    check_counts(generations=(generations, 0), runs=(runs, 1), init_size=(init_size, 1), chunk=(chunk, 1))
    check_seconds(checkpoint_seconds)
    store = _checked_store(checkpoints, resume)
    threshold = checked_level(until, objective)
    if init_size + generations * strategy.batch_size > MAX_QUERIES:
        raise InputError(
            f"generations: expected at most {MAX_QUERIES:,} queries a run, got {init_size:,} first images "
            f"and {generations:,} generations of {strategy.batch_size:,}"
        )
    logits = logits_of_two(target, encoding.image_shape)
    cells = _checked_cells(cells, count_cells(logits, objective))
    probed = probe(target, encoding.image_shape) if check_target else None
    place = place if mesh is None else everywhere(mesh)
    problem = Problem(target.params, encoding.coordinates(), target.apply, cells, objective)
    return Plan(
        search=Search(encoding, strategy, record=record),
        problem=put(problem, place),
        key=key,
        keys=put(_keys_of(key, runs), place),
        given=put(given, place),
        init_size=init_size,
        assumed=assumed,
        generations=generations,
        chunk=_chunk(chunk, runs * len(cells) if record else 0, isinstance(target.apply, HostFunction)),
        threshold=threshold,
        place=place,
        store=store,
        resume=resume,
        checkpoint_seconds=checkpoint_seconds,
        logits=logits,
        probed=probed,
    )


@functools.partial(jax.jit, static_argnums=1)
def _keys_of(key: jax.Array, runs: int) -> jax.Array:
    """The runs' keys, `[R]`."""
    return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(runs))


def _chunk(asked: int, rows: int, on_host: bool) -> int:
    """Generations of a chunk: fewer where it would hold too many replacements, one where the host is asked.

    Args:
      asked: what the caller wants.
      rows: most replacements of a generation; 0 where none are recorded.
      on_host: whether the host asks the target in each generation anyway.
    """
    if on_host:
        return 1
    return max(1, min(asked, RECORD_ROWS // rows)) if rows else asked


def checked_functions(**functions: Any) -> None:
    """Makes sure that each is a function or None.

    Raises:
      InputError: one is neither.
    """
    for name, called in functions.items():
        if called is not None and not callable(called):
            raise InputError(f"{name}: expected a function, got {shown(repr(called))}")


def check_seconds(checkpoint_seconds: float) -> None:
    """Makes sure that a time between checkpoints is one.

    Raises:
      InputError: it is not a number of seconds, 0 or more.
    """
    if not is_number(checkpoint_seconds) or not 0.0 <= checkpoint_seconds < math.inf:
        raise InputError(f"checkpoint_seconds: expected 0 or more, got {shown(repr(checkpoint_seconds))}")


def checked_key(key: jax.Array | int) -> jax.Array:
    """A typed PRNG key, of a key or of a seed.

    Raises:
      InputError: it is neither.
    """
    if is_whole(key):
        if not 0 <= key < 2**32:
            raise InputError(f"key: expected a seed from 0 to {2**32 - 1}, got {key}")
        return jax.random.key(int(key))
    if not isinstance(key, jax.Array) or not jnp.issubdtype(key.dtype, jax.dtypes.prng_key) or key.shape:
        raise InputError("key: expected one typed PRNG key, as jax.random.key(0), or a seed")
    return key


def checked_strategy(strategy: Strategy | str | None, encoding: Encoding) -> Strategy:
    """The strategy itself, or the one of a name; MAP-Elites for None.

    Raises:
      InputError: it is neither, or does not go with the encoding.
    """
    if strategy is None:
        return map_elites(encoding)
    if isinstance(strategy, str):
        return build(strategy, encoding, BATCH_SIZE, {})
    if not isinstance(strategy, Strategy):
        raise InputError(f"strategy: expected a Strategy or the name of one, got {shown(repr(strategy))}")
    return strategy


def checked_level(until: float | None, objective: Objective) -> float | None:
    """The fitness that belongs to a confidence; None for none.

    Raises:
      InputError: `until` is no confidence inside (0, 1), or the objective has none.
    """
    if until is None:
        return None
    if not (is_number(until) and 0.0 < until < 1.0):
        raise InputError(f"until: expected a confidence inside (0, 1), got {shown(repr(until))}")
    if not objective.is_log_odds:
        name = shown(objective.name)
        raise InputError(f"until: expected none, since the objective {name} gives no log-odds, got {until}")
    return to_log_odds(until)


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


def _checked_store(checkpoints: Path | str | None, resume: bool) -> Checkpoints | None:
    check_switches(resume=resume)
    if checkpoints is None:
        if resume:
            raise InputError("checkpoints: expected a folder to resume from, got none")
        return None
    store = Checkpoints(as_folder("checkpoints", checkpoints))
    if store.paths() and not resume:
        raise InputError(
            f"checkpoints: {shown(checkpoints)} holds those of another search; expected another folder, or "
            "resume=True"
        )
    return store


def _checked_cells(cells: Sequence[int] | None, most: int) -> tuple[int, ...]:
    if cells is None:
        return tuple(range(most))
    found = checked_indices(cells)
    if len(set(found)) != len(found) or min(found) < 0 or max(found) >= most:
        raise InputError(
            f"cells: expected different class indices in [0, {most - 1}], got {shown(list(found))}"
        )
    return found


def checked_indices(cells: Sequence[int]) -> tuple[int, ...]:
    """The cells as whole numbers, before it is known how many cells there are.

    Raises:
      InputError: they are no list of whole numbers.
    """
    found = whole_numbers(cells)
    if not found:
        raise InputError(f"cells: expected a list of class indices, got {shown(repr(cells))}")
    return found
