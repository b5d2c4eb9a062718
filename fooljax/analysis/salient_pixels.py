"""The pixels that a network needs: all others are taken away, the least telling first.

After Carter et al. 2021 ("Overinterpretation reveals image classification model pathologies"), who found that
networks stay sure of images of which 5 % of the pixels are left. As theirs for large images, the selection
follows gradients in batches. So it gives some pixels that suffice, and not the fewest.

Two rules say what tells least. By `gain` the pixels go first that cost the class log-odds, which is better
where few pixels are left. By `size` those go first that do little in either direction, which keeps an image
whole where most of it is ground.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.analysis.windows import isolate_windows
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Apply, Params, Target
from fooljax.errors import InputError, shown

RULES = ("gain", "size")
STEPS = 8
"""Times that the gradient is asked between one share of pixels and the next."""
TILE = 10
"""Images whose gradients are worked out at a time, for the sake of memory."""


def keep_salient_pixels(
    target: Target,
    images: npt.NDArray[np.uint8],
    classes: npt.NDArray[np.integer],
    shares: Sequence[float],
    rule: str = "gain",
    steps: int = STEPS,
) -> npt.NDArray[np.uint8]:
    """Images of which only some pixels are left, on a ground of their median colour.

    Step by step those pixels go whose loss costs the class the least log-odds by the gradient.

    Args:
      target: a network that JAX can differentiate.
      images: `[B, H, W, K]`.
      classes: `[B]`, of each.
      shares: of the pixels that are left, falling, in (0, 1].
      rule: out of `RULES`: what tells least.
      steps: times that the gradient is asked between one share and the next.
    Returns:
      `[S, B, H, W, K]`, for each share the images.
    Raises:
      InputError: the shares do not fall, or one is not in (0, 1], or there is no such rule.
    """
    if rule not in RULES:
        raise InputError(f"rule: expected one of {', '.join(RULES)}, got {shown(repr(rule))}")
    if any(not 0.0 < share <= 1.0 for share in shares) or sorted(set(shares), reverse=True) != list(shares):
        raise InputError(f"shares: expected falling numbers in (0, 1], got {list(shares)}")
    if len(images) > TILE:
        starts = range(0, len(images), TILE)
        tiles = [(images[start : start + TILE], classes[start : start + TILE]) for start in starts]
        return np.concatenate([keep_salient_pixels(target, *one, shares, rule, steps) for one in tiles], 1)
    ground = np.stack([isolate_windows(image, [], (1, 1)) for image in images])
    pixels = images.shape[1] * images.shape[2]
    left = np.ones((len(images), pixels), bool)
    ask = _costs(target.apply)
    made, before = [], 1.0
    for share in shares:
        for step in np.geomspace(before, share, steps + 1)[1:] if share < before else ():
            seen = np.where(left.reshape(images.shape[:3])[..., None], images, ground)
            costs = np.asarray(ask(target.params, seen, images, ground, np.asarray(classes)))
            costs = np.abs(costs) if rule == "size" else costs
            costs = np.where(left, costs.reshape(left.shape), -np.inf)  # what is gone stays gone
            gone = np.argsort(costs, axis=1, kind="stable")[:, : pixels - max(round(step * pixels), 1)]
            np.put_along_axis(left, gone, False, axis=1)
        before = share
        made.append(np.where(left.reshape(images.shape[:3])[..., None], images, ground))
    return np.stack(made)


@functools.lru_cache(maxsize=16)
def _costs(apply: Apply) -> Callable[..., jax.Array]:
    """The compiled function of the log-odds that each pixel brings, `[B, H, W]`, to first order."""

    def costs(
        params: Params, seen: jax.Array, images: jax.Array, ground: jax.Array, classes: jax.Array
    ) -> jax.Array:
        def own(inputs: jax.Array) -> jax.Array:
            return jnp.sum(jnp.take_along_axis(log_odds(apply(params, inputs)), classes[:, None], axis=1))

        slopes = jax.grad(own)(seen.astype(jnp.float32) / 255.0)
        return jnp.sum(slopes * (images.astype(jnp.float32) - ground.astype(jnp.float32)) / 255.0, axis=-1)

    return jax.jit(costs)
