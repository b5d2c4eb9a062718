"""Projected gradient ascent to a class, within a ball around the original and the box of images.

Source: Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks". Differences: it
aims at a class, its loss are log-odds, its steps shrink to 0, and of all images on its way the nearest one
that is named as wanted is kept.
"""

import functools

import jax
import jax.numpy as jnp

from fooljax.gradient.passes import odds_and_gradient
from fooljax.perturbation.attempt import Method, SearchGoal, SearchInputs, SmallestChanges, keep_smallest

FIRST_STEP = 0.5
"""Length of the first step, as a share of the radius."""


@functools.lru_cache
def pgd(steps: int = 20) -> Method:
    """Projected gradient ascent.

    Args:
      steps: of an attempt. Each looks at the network's gradient once.
    """

    def attempt(
        wanted: SearchGoal, given: SearchInputs, found: SmallestChanges, radius: jax.Array
    ) -> tuple[SmallestChanges, jax.Array]:
        both_passes, norm = odds_and_gradient(wanted.apply), wanted.norm

        def inside(images: jax.Array) -> jax.Array:
            # Clipping moves every value towards its original, which is in the box, so none leaves the ball.
            change = norm.project(images - given.originals, radius)
            return jnp.clip(given.originals + change, 0.0, 1.0)

        def step(
            carry: tuple[SmallestChanges, jax.Array], number: jax.Array
        ) -> tuple[tuple[SmallestChanges, jax.Array], None]:
            found, any_named = carry
            shown = wanted.shown(found.here)
            odds, is_top, gradient = both_passes(given.params, (shown, given.classes))
            found, named = keep_smallest(wanted, given, found, shown, odds, is_top)
            stuck = ((found.here <= 0.0) & (gradient < 0.0)) | ((found.here >= 1.0) & (gradient > 0.0))
            length = radius * FIRST_STEP * (1.0 - number / steps)
            onward = length[:, None, None, None] * norm.steepest(jnp.where(stuck, 0.0, gradient))
            return (found.replace(here=inside(found.here + onward)), any_named | named), None  # type: ignore[attr-defined]

        begin = found.replace(here=inside(found.here)), jnp.zeros(len(radius), bool)  # type: ignore[attr-defined]
        carry: tuple[SmallestChanges, jax.Array] = jax.lax.scan(
            step, begin, jnp.arange(steps, dtype=jnp.float32)
        )[0]
        return carry

    return Method(attempt, lambda norm: norm.first, factor=2.0, passes=2 * steps)
