"""A whole gradient ascent as one pure function, which compiles into one program.

Source: Nguyen et al. 2015, section 3.9, and the authors' `find_fooling_image.py`. Each iteration makes a
forward and a backward pass, notes the levels that were reached for the first time, and takes a step. The last
iteration makes a forward pass alone.
Differences: any number of images, with any classes, are changed side by side. The authors' "best" image,
which their code overwrites in every iteration, is not kept.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fooljax.engine.fitness import quantise
from fooljax.engine.types import Apply, Params
from fooljax.gradient.ascent import Ascent, note_reached, nothing_reached
from fooljax.gradient.passes import odds_alone, odds_and_gradient
from fooljax.gradient.rule import Observation, Rule


class Program(NamedTuple):
    """All that is fixed while a gradient ascent is compiled. Equal ones share the compiled program.

    Attributes:
      apply: the target's.
      rule: how each image is changed.
      iterations: 1 or more.
      record_every: iterations from one row of `Ascent.history` to the next.
    """

    apply: Apply
    rule: Rule
    iterations: int
    record_every: int = 1


def run_program(
    program: Program, params: Params, start: jax.Array, classes: jax.Array, mean: jax.Array
) -> Ascent:
    """Runs a gradient ascent; a pure function that jits and vmaps.

    The lengths in `Ascent.reached` are 0 where a level was never reached.

    Args:
      program: the fixed parts.
      params: the target's.
      start: `[B, H, W, K]` in [0, 1].
      classes: `[B]` int32.
      mean: `[H, W, K]`.
    Returns:
      The images that the ascents ended with, and how they came there.
    """
    batch, rule = len(start), program.rule
    both_passes, forward = odds_and_gradient(program.apply, rule.maximise), odds_alone(program.apply)
    rows = -(-program.iterations // program.record_every)
    reached = nothing_reached(batch)

    def note(notes: Any, iteration: jax.Array, images: jax.Array, odds: jax.Array, is_top: jax.Array) -> Any:
        history, reached = notes
        row = iteration // program.record_every
        kept = jnp.where(iteration % program.record_every == 0, odds, history[row])
        # In this order: the folders of earlier runs hold a digest of the lowered program.
        history = history.at[row].set(kept)
        return history, note_reached(reached, iteration, images, start, mean, odds, is_top)

    def iterate(carry: Any, iteration: jax.Array) -> tuple[Any, None]:
        states, notes = carry
        images = jax.vmap(rule.image)(states)
        odds, is_top, gradient = both_passes(params, (images, classes))
        notes = note(notes, iteration, images, odds, is_top)
        step = jax.vmap(lambda state, g, odds: rule.step(state, Observation(g, odds, iteration, mean)))
        return (step(states, gradient, odds), notes), None

    last = program.iterations - 1
    begin = (jax.vmap(rule.init)(start), (jnp.zeros((rows, batch), jnp.float32), reached))
    (states, notes), _ = jax.lax.scan(iterate, begin, jnp.arange(last, dtype=jnp.int32))
    images = jax.vmap(rule.image)(states)
    # Both in one batch, so that the network is compiled once for them.
    both = jnp.concatenate([images, quantise(images)]), jnp.concatenate([classes, classes])
    odds, is_top = forward(params, both)
    history, reached = note(notes, jnp.int32(last), images, odds[:batch], is_top[:batch])
    return Ascent(
        images=images,
        log_odds=odds[:batch],
        log_odds_8_bit=odds[batch:],
        history=history,
        reached=reached,
        queries=jnp.int32(count_passes(batch, program.iterations)),
    )


def count_passes(batch: int, iterations: int) -> int:
    """Network passes of a whole ascent; see `Ascent.queries`."""
    return batch * (2 * (iterations - 1) + 2)
