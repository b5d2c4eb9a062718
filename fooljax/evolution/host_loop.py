"""The loop for a target that is asked on the host: compiled up to the images, and again from their logits."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.compiled import compile_program
from fooljax.engine.loop import EvolutionState, Search
from fooljax.engine.objective import Logits
from fooljax.engine.on_host import ask_runs, begin_runs, first_images, tell_runs
from fooljax.engine.placement import writing_for
from fooljax.engine.types import Genome, Problem
from fooljax.host_targets import HostFunction


def host_start(
    function: HostFunction,
    search: Search,
    count: int,
    logits: Logits,
    problem: Problem,
    keys: jax.Array,
    *genomes: Genome,
) -> Callable[[], Any]:
    """`() -> (state, (metrics, replaced))`, compiled but for the function: begins all runs.

    Args:
      function: gives the logits.
      search: encoding and strategy.
      count: how many genomes each run begins with.
      logits: shapes `[2, C]` of the function's logits for two images.
      problem: cells and objective.
      keys: `[R]`, the runs' keys.
      *genomes: leaves `[count, ...]`, to begin with instead of random ones.
    """
    first = compile_program(first_images, (search, count), (problem, keys, *genomes))
    drawn, _ = first.out_info
    expected = _resized(logits, len(keys), count, keys.sharding)
    begin = compile_program(begin_runs, (search,), (problem, keys, drawn, expected))

    def start() -> Any:
        found, images = first(problem, keys, *genomes)
        return begin(problem, keys, found, _ask(function, images, expected))

    return start


def host_start_shapes(search: Search, count: int, logits: Logits, problem: Problem, keys: jax.Array) -> Any:
    """Shapes of what `host_start` gives, without asking or compiling anything."""

    def begin(problem: Problem, keys: jax.Array, logits: Logits) -> Any:
        genomes, _ = first_images(search, count, problem, keys)
        return begin_runs(search, problem, keys, genomes, logits)

    return jax.eval_shape(begin, problem, keys, _resized(logits, len(keys), count))


def host_generation(
    function: HostFunction, search: Search, logits: Logits, problem: Problem, state: EvolutionState
) -> Callable[[EvolutionState], Any]:
    """`(state) -> (state, (metrics, replaced))`, compiled but for the function: a generation of all runs."""
    asking = compile_program(ask_runs, (search,), (problem, state))
    offspring, _, asked = asking.out_info
    expected = _resized(logits, len(state.key), search.strategy.batch_size, state.key.sharding)
    telling = compile_program(tell_runs, (search,), (problem, asked, offspring, expected))

    def generation(state: EvolutionState) -> Any:
        children, images, asked = asking(problem, state)
        state, rest = telling(problem, asked, children, _ask(function, images, expected))
        return state, jax.tree.map(lambda leaf: leaf[:, None], jax.device_get(rest))

    return generation


def lower_host_generation(search: Search, problem: Problem, runs: EvolutionState, logits: Logits) -> str:
    """The text of the programs of one generation of one run, see `compiled.lower_generation`."""
    search = search._replace(record=False)
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((1, *leaf.shape[1:]), leaf.dtype), runs)
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)), problem)
    with writing_for(None):
        asking = jax.jit(lambda problem, state: ask_runs(search, problem, state)).lower(shapes, one)
        offspring, _, asked = asking.out_info
        expected = _resized(logits, 1, search.strategy.batch_size)
        telling = jax.jit(lambda *arguments: tell_runs(search, *arguments)).lower(
            shapes, asked, offspring, expected
        )
        return asking.as_text() + telling.as_text()


def _ask(function: HostFunction, images: jax.Array, expected: Logits) -> Logits:
    """Logits `[R, B, C]` of 8-bit images `[R, B, H, W, K]`: each run's alone, as if there were no other."""
    pixels: npt.NDArray[np.uint8] = np.asarray(images)
    found = [function.of_pixels(run) for run in pixels]
    logits = jax.tree.map(lambda *parts: np.stack(parts), *found)
    function.check_shapes(logits, expected)
    return logits


def _resized(logits: Logits, runs: int, batch: int, place: jax.sharding.Sharding | None = None) -> Logits:
    """Shapes `[R, B, C]` of shapes `[2, C]`."""
    return jax.tree.map(
        lambda part: jax.ShapeDtypeStruct((runs, batch, part.shape[-1]), jnp.float32, sharding=place), logits
    )
