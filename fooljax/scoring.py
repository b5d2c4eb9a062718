"""Scores images that are at hand, as those read back from files."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.checks import check_counts
from fooljax.engine.batching import largest_tile
from fooljax.engine.channels_last import channels_last
from fooljax.engine.objective import LOG_ODDS, Objective, check_objective
from fooljax.engine.placement import gathered, is_cpu, is_gpu, place_of
from fooljax.engine.precision import FEW_KERNELS, as_float32, in_full_precision
from fooljax.engine.types import Apply, Params, Target, as_target
from fooljax.errors import InputError, shown
from fooljax.host_targets import HostFunction
from fooljax.own_settings import with_own_settings

SCORED_TILE = 32
"""Images that `score` shows a network at a time on a CPU: few are padding, and LeNet gains by no more."""


@with_own_settings
def score(
    target: Target | Callable[[jax.Array], jax.Array],
    images: npt.NDArray[np.uint8],
    *,
    objective: Objective = LOG_ODDS,
    tile: int | None = None,
    full_precision: bool = True,
) -> npt.NDArray[np.float32]:
    """Scores saved images: by default the log-odds of every class.

    It runs where the parameters are, and is compiled once for equal `apply`, `objective`, `tile` and image
    shape, for however many images. Scores from different devices agree up to the rounding of float32.

    Args:
      target: the network, a `Target`, of `fooljax.host_target` too, or any JAX callable.
      images: `[B, H, W, K]` uint8.
      objective: what the images are scored by, see `fooljax.objectives`.
      tile: images per network call, the last of which is filled up; by default `SCORED_TILE` on a CPU, and
        elsewhere as many as a tile of the search.
      full_precision: whether matrix products are those of float32 on every device. With False they are as in
        a search, which on a GPU or TPU is faster and less exact, see `fooljax.engine.precision`.
    Returns:
      `[B, C]` float32, a column for each class or, with another objective, for each of its cells.
    Raises:
      InputError: `images` is not a `[B, H, W, K]` array of uint8 with an image or more, or the target does
        not take images of this shape or gives no logits `[B, C]`.
    """
    target = as_target(target)
    try:
        images = np.asarray(images)
    except ValueError as error:
        raise InputError(f"images: expected [B, H, W, K] uint8, got {shown(error)}") from error
    if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
        raise InputError(f"images: expected [B, H, W, K] uint8, got {list(images.shape)} {images.dtype}")
    if tile is not None:
        check_counts(tile=(tile, 1))
    check_objective(objective)
    if isinstance(target.apply, HostFunction):
        values = objective.fitness(jax.tree.map(jnp.asarray, target.apply.of_pixels(images, tile)))
        return np.asarray(values, np.float32)
    place = place_of(target.params)
    if tile is None:
        tile = SCORED_TILE if is_cpu(place) else largest_tile(images.shape[1:])
    params = gathered(as_float32(target.params), place)
    program = _scoring(target.apply, objective, full_precision, is_gpu(place))
    parts = []
    for start in range(0, len(images), tile):
        part = images[start : start + tile]
        filled = np.pad(part, ((0, tile - len(part)), (0, 0), (0, 0), (0, 0)))
        try:
            odds = program(params, jax.device_put(filled, place))
        except jax.errors.JaxRuntimeError:  # no memory, or a fault of the device
            raise
        except Exception as error:  # A network may raise whatever its library has.
            reason = shown(str(error).strip().partition("\n")[0])
            kind = type(error).__name__
            raise InputError(f"target: refused images {list(filled.shape)}: {kind}: {reason}") from error
        if odds.ndim != 2 or len(odds) != tile:
            raise InputError(f"target: expected logits [{tile}, C] of {tile} images, got {list(odds.shape)}")
        parts.append(np.asarray(odds, np.float32)[: len(part)])
    return np.concatenate(parts)


@functools.lru_cache(maxsize=16)
def _scoring(
    apply: Apply, objective: Objective, full_precision: bool, on_gpu: bool
) -> Callable[[Params, jax.Array], jax.Array]:
    """The compiled `(params, pixels) -> fitness`; it holds no parameters."""

    def score_tile(params: Params, pixels: jax.Array) -> jax.Array:
        return objective.fitness(apply(params, pixels.astype(jnp.float32) / 255.0))

    program = channels_last(score_tile)
    if not full_precision:
        return jax.jit(program)
    return jax.jit(in_full_precision(program), compiler_options=FEW_KERNELS if on_gpu else None)
