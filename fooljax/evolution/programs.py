"""What a search compiles, and what it knows of its state before the first generation."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from fooljax.engine.compiled import (
    compile_advance,
    compile_start,
    lower_generation,
    prepare_advance,
    prepare_start,
    shapes_of_own_metrics,
    shapes_of_start,
)
from fooljax.engine.loop import EvolutionState
from fooljax.errors import InputError, shown
from fooljax.evolution.arguments import Plan
from fooljax.evolution.host_loop import (
    host_generation,
    host_start,
    host_start_shapes,
    lower_host_generation,
)

Step = Callable[..., Any]


class Shapes(NamedTuple):
    """Shapes and types of what a search keeps, found without running or compiling anything.

    Attributes:
      state: of all runs, leaves `[R, ...]`.
      metrics: of a generation, `[R]` by name, without the strategy's own.
      own: the strategy's own.
    """

    state: EvolutionState
    metrics: dict[str, Any]
    own: dict[str, Any]


def shapes_of(plan: Plan) -> Shapes:
    """Traces a plan's first generations.

    Raises:
      InputError: encoding and strategy do not go together.
    """
    search = plan.search
    try:
        state, (metrics, _) = _start_shapes(plan)
        return Shapes(state, metrics, shapes_of_own_metrics(search, plan.problem, state))
    except InputError:
        raise
    except Exception as error:  # a user's encoding or strategy, or one made for other genomes
        pair = f"{shown(search.strategy.name)} and the encoding {shown(search.encoding.name)}"
        reason = f"{type(error).__name__}: {shown(error)}"
        raise InputError(f"strategy: {pair} do not go together: {reason}") from error


def _start_shapes(plan: Plan) -> Any:
    if plan.host is not None:
        return host_start_shapes(plan.search, plan.init_size, plan.logits, plan.problem, plan.keys)
    return shapes_of_start(plan.search, plan.init_size, plan.problem, plan.keys, *plan.given)


def program_text(plan: Plan, shapes: Shapes) -> str:
    """The text of all programs that decide a search's results."""
    if plan.host is not None:
        return lower_host_generation(plan.search, plan.problem, shapes.state, plan.logits)
    return lower_generation(plan.search, plan.problem, shapes.state)


def prepare(plan: Plan, shapes: Shapes) -> None:
    """Begins to compile the first generation of a search, and the generations that follow.

    What was begun already is not begun again. Nothing is done where the target is asked on the host.
    """
    if plan.host is not None:
        return
    prepare_start(plan.search, plan.init_size, plan.problem, plan.keys, *plan.given)
    if plan.generations:
        state = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=plan.place), shapes.state
        )
        prepare_advance(plan.search, plan.next_chunk(0), plan.problem, state)


def start_program(plan: Plan, shapes: Shapes) -> Step:
    """`() -> (state, (metrics, replaced))`, compiled: begins all runs. See `prepare`."""
    prepare(plan, shapes)
    arguments = (plan.problem, plan.keys, *plan.given)
    if plan.host is not None:
        return host_start(plan.host, plan.search, plan.init_size, plan.logits, *arguments)
    return functools.partial(compile_start(plan.search, plan.init_size, *arguments), *arguments)


def advance_program(plan: Plan, state: EvolutionState, generations: int) -> Step:
    """`(state) -> (state, (metrics, replaced))`, compiled: some generations of all runs.

    Where the target is asked on the host it is one generation.
    """
    if plan.host is not None:
        return host_generation(plan.host, plan.search, plan.logits, plan.problem, state)
    program = compile_advance(plan.search, generations, plan.problem, state)

    def step(state: EvolutionState) -> Any:
        state, packed = program(plan.problem, state)
        kept = jax.device_get(packed).unpacked()
        return state, jax.tree.map(lambda leaf: np.swapaxes(leaf, 0, 1), kept)

    return step
