"""Szegedy's attack: the squared length of the change plus a weighted loss, minimised in the box by L-BFGS.

Source: Szegedy et al. 2014, "Intriguing properties of neural networks", section 4.1. Differences: the length
is squared, and its box is kept by clipping what the network is shown, while the length is that of what was
not clipped, so that values are pulled back into the box. On digits the changes are as small as those of
SciPy's L-BFGS-B, which keeps the box exactly but takes one image at a time; a change of variables by tanh,
the other usual way, gave changes a third longer, since most of a digit's values lie at the ends of the box.
"""

import functools

import jax
import jax.numpy as jnp
import optax

from fooljax.gradient.passes import odds_alone, odds_and_gradient
from fooljax.perturbation.attempt import Method, SearchGoal, SearchInputs, SmallestChanges, keep_smallest

MEMORY = 10
"""Pairs of steps and gradients that the approximate Hessian is made of."""
LOOKS = 4
"""Most looks at the network in one line search."""


@functools.lru_cache
def lbfgs(steps: int = 20) -> Method:
    """Box-constrained L-BFGS. The length that is minimised is Euclidean.

    Args:
      steps: of an attempt; each is a line search.
    """
    search = optax.scale_by_zoom_linesearch(LOOKS, initial_guess_strategy="one")
    optimiser = optax.lbfgs(memory_size=MEMORY, linesearch=search)

    def attempt(
        wanted: SearchGoal, given: SearchInputs, found: SmallestChanges, weight: jax.Array
    ) -> tuple[SmallestChanges, jax.Array]:
        both_passes, forward = odds_and_gradient(wanted.apply), odds_alone(wanted.apply)

        def minimised(original: jax.Array, wanted_class: jax.Array, weight: jax.Array) -> jax.Array:
            @jax.custom_vjp
            def odds(image: jax.Array) -> jax.Array:
                return forward_and_backward(image)[0]

            def forward_and_backward(image: jax.Array) -> tuple[jax.Array, jax.Array]:
                one = image[None], wanted_class[None]
                value, _, gradient = both_passes(given.params, one)
                return value[0], gradient[0]

            odds.defvjp(forward_and_backward, lambda gradient, above: (above * gradient,))

            def height(image: jax.Array) -> jax.Array:
                loss = jax.nn.softplus(-odds(jnp.clip(image, 0.0, 1.0)))
                return jnp.sum((image - original) ** 2) + weight * loss

            def step(
                carry: tuple[jax.Array, optax.OptState], _: None
            ) -> tuple[tuple[jax.Array, optax.OptState], None]:
                image, state = carry
                value, gradient = look(image, state=state)
                update, state = optimiser.update(
                    gradient, state, image, value=value, grad=gradient, value_fn=height
                )
                return (optax.apply_updates(image, update), state), None

            look = optax.value_and_grad_from_state(height)
            (image, _), _ = jax.lax.scan(step, (original, optimiser.init(original)), length=steps)
            return image

        images = jax.vmap(minimised)(given.originals, given.classes, weight)
        shown = wanted.shown(images)
        odds, is_top = forward(given.params, (shown, given.classes))
        return keep_smallest(wanted, given, found, shown, odds, is_top)

    return Method(attempt, lambda norm: 1.0, factor=10.0, passes=2 * steps + 1)
