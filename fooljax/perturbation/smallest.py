"""The smallest change that turns an image into a class: attempts, each of a strength found by bisection."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fooljax.engine.types import Params
from fooljax.gradient.passes import odds_alone
from fooljax.perturbation.attempt import Method, SearchGoal, SearchInputs, SmallestChanges, keep_smallest


class Program(NamedTuple):
    """All that is fixed while a search is compiled. Equal ones share the compiled program.

    Attributes:
      wanted: what is looked for.
      method: how a change of limited size is looked for.
      rounds: attempts, 1 or more.
    """

    wanted: SearchGoal
    method: Method
    rounds: int


def smallest_changes(
    program: Program, params: Params, originals: jax.Array, classes: jax.Array, within: jax.Array
) -> SmallestChanges:
    """Looks for the smallest change of each image; a pure function that jits.

    The strength of the first attempts grows by the method's factor until the network names the image as
    wanted. From then on it is the geometric mean of the least that was enough and the most that was not. An
    attempt begins where the best one ended. The originals are shown first: one that is named as wanted has a
    change of length 0.

    Args:
      program: the fixed parts.
      params: the network's.
      originals: `[B, H, W, K]` in [0, 1].
      classes: `[B]` int32.
      within: `[]`, the length up to which changes count.
    Returns:
      What was found. The log-odds are those that the network gave during the search.
    """
    wanted, method, batch = program.wanted, program.method, len(originals)
    given = SearchInputs(params, originals, classes)
    odds, is_top = odds_alone(wanted.apply)(params, (originals, classes))
    nothing = SmallestChanges(
        here=originals,
        images=originals,
        length=jnp.broadcast_to(within, (batch,)),
        log_odds=odds,
        named=jnp.zeros(batch, bool),
    )
    found, _ = keep_smallest(wanted, given, nothing, originals, odds, is_top)

    def attempt(carry: tuple[SmallestChanges, Any], _: None) -> tuple[tuple[SmallestChanges, Any], None]:
        found, (strength, too_little, enough) = carry
        found, named = method.attempt(wanted, given, found, strength)
        here = jnp.where(found.named[:, None, None, None], found.images, found.here)
        enough = jnp.where(named, jnp.minimum(strength, enough), enough)
        too_little = jnp.where(named, too_little, jnp.maximum(strength, too_little))
        between = jnp.sqrt(too_little) * jnp.sqrt(jnp.where(jnp.isinf(enough), 0.0, enough))
        strength = jnp.where(
            jnp.isinf(enough),
            strength * method.factor,
            jnp.where(too_little == 0.0, strength / method.factor, between),
        )
        return (found.replace(here=here), (strength, too_little, enough)), None  # type: ignore[attr-defined]

    first = jnp.full(batch, method.first(wanted.norm), jnp.float32)
    begin = (found, (first, jnp.zeros(batch), jnp.full(batch, jnp.inf)))
    (found, _), _ = jax.lax.scan(attempt, begin, length=program.rounds)
    return found


def count_passes(program: Program, batch: int) -> int:
    """Network passes of a search, where a gradient counts as two; see `Method.passes`."""
    return batch * (1 + program.rounds * program.method.passes)
