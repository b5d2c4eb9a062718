"""From genomes to fitness: render, quantise to 8 bits, classify, log-odds.

Fitness is the log-odds of a class against all others, ln p / (1 - p). It ranks images as the paper's
confidence p does, but in float32 a softmax over ten classes is exactly 1.0 from a margin near 17 and holds
only some 1,700 values above 0.9999; log-odds keep ranking. A confidence of 0.9999 is ln 9999 = 9.2103.
"""

import functools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.base import Coordinates, Encoding, Genome, Params, Problem, Target, as_target
from fooljax.batching import flat_batch
from fooljax.channels_last import channels_last
from fooljax.errors import InputError, shown
from fooljax.placement import by_platform, gathered, is_cpu, place_of
from fooljax.precision import as_float32, in_float32

BACKWARD_PIXELS = 100 * 28 * 28
"""Pixels that one backward pass takes on a CPU, all its images together."""
DRAWN_VALUES = 2**23
"""Pixel values that a thread of `draw` has in memory at a time, each some twelve bytes."""
LARGE_LOGITS = 1000.0
"""Where the largest logit is further from 0, log-odds are worked out after it is shifted to 0."""
MAX_TILE = 1024
"""Images that one network call sees at most; larger batches go through it tile by tile."""
SCORED_TILE = 32
"""Images that `score` shows a network at a time on a CPU: few are padding, and LeNet gains by no more."""
TILE_VALUES = 2**25
"""Pixel values that a tile has at most on a CPU, 134 MB: a thousand of ImageNet's images are six tiles."""


def log_odds(logits: jax.Array) -> jax.Array:
    """Log-odds of each class against all others, in O(B C) memory and in float32.

    Args:
      logits: `[..., C]`, unnormalised log-probabilities, `C >= 2`, of any floating-point type.
    Returns:
      `[..., C]` float32: `logits[c] - logsumexp(logits[others])`. The sum over the others is exact for the
      arg-max class too: it is summed without it, not found by a difference.
    """
    num_classes = logits.shape[-1]
    if num_classes < 2:
        raise InputError(f"logits: expected at least 2 classes on the last axis, got {num_classes}")
    logits = logits.astype(jnp.float32)
    is_top = jax.nn.one_hot(jnp.argmax(logits, axis=-1), num_classes, dtype=bool)
    top = jnp.max(logits, axis=-1, keepdims=True)
    # Large logits would swallow the sum over the others. Log-odds are the same after any shift. Smaller
    # logits are not shifted, so that their log-odds keep every bit that published results have.
    shift = jnp.where(jnp.abs(top) > LARGE_LOGITS, top, 0.0)
    logits, top = logits - shift, top - shift
    others = jnp.where(is_top, -jnp.inf, logits)
    rest_of_top = jax.nn.logsumexp(others, axis=-1, keepdims=True)
    # For any other class the arg-max class dominates the sum, so a difference is safe there: 1 + (s - e).
    shares = jnp.exp(others - top)
    rest_of_other = top + jnp.log1p(jnp.maximum(jnp.sum(shares, axis=-1, keepdims=True) - shares, 0.0))
    return logits - jnp.where(is_top, rest_of_top, rest_of_other)


def confidence(odds: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The softmax probability that belongs to log-odds, in float64; for display, never for ranking."""
    odds = np.asarray(odds, np.float64)
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-odds))


def to_log_odds(probability: float) -> float:
    """The log-odds of a probability in (0, 1): `to_log_odds(0.9999)` is ln 9999.

    Raises:
      InputError: `probability` is not inside (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise InputError(f"probability: expected a number inside (0, 1), got {probability}")
    return math.log(probability / (1.0 - probability))


def quantise(images: jax.Array) -> jax.Array:
    """Images as their 8-bit files would give them back: clipped to [0, 1], rounded to multiples of 1/255.

    Idempotent, so encodings that truncate to 8 bits themselves (as the authors' code does) are not changed.
    """
    return jnp.round(jnp.clip(images, 0.0, 1.0) * 255.0) / 255.0


@in_float32
def draw(
    encoding: Encoding, genomes: Genome, coordinates: Coordinates | None = None
) -> npt.NDArray[np.uint8]:
    """Renders genomes, leaves `[B, ...]`, into 8-bit images: those that the search scores, unless resized.

    On a CPU the batch is shared out among threads, since a program that draws CPPNs keeps one core busy.

    Args:
      encoding: draws them.
      genomes: one or more.
      coordinates: what `encoding.coordinates_at` gave, for another size; by default the encoding's own.
    Returns:
      `[B, H, W, K]` uint8.
    """
    render, own_coordinates = _drawing(encoding)
    coordinates = own_coordinates if coordinates is None else coordinates
    place = place_of((genomes, coordinates))
    genomes, coordinates = jax.tree.map(np.asarray, genomes), jax.device_put(coordinates, place)
    size = _batch(genomes)
    workers = min(os.cpu_count() or 1, size) if is_cpu(place) else 1
    values = math.prod(jax.eval_shape(encoding.render, *_one(genomes, coordinates)).shape)
    part = min(-(-size // workers), max(1, DRAWN_VALUES // values))
    # Parts of one size, so that one program serves; the last may draw some genomes of the one before again.
    starts = [min(start, size - part) for start in range(0, size, part)]

    pieces = [
        jax.device_put(jax.tree.map(lambda leaf, start=start: leaf[start : start + part], genomes), place)
        for start in starts
    ]
    with ThreadPoolExecutor(workers) as pool:
        # Waited for inside the threads: outside, the programs would run one after another.
        one = in_float32(lambda some: jax.block_until_ready(render(some, coordinates)))
        drawn = list(pool.map(one, pieces))
    images = np.empty((size, *drawn[0].shape[1:]), np.uint8)
    for start, pixels in zip(starts, drawn, strict=True):
        images[start : start + part] = pixels
    return images


def _one(genomes: Genome, coordinates: Coordinates) -> tuple[Genome, Coordinates]:
    return jax.tree.map(lambda leaf: leaf[0], genomes), coordinates


@functools.lru_cache(maxsize=16)
def _drawing(encoding: Encoding) -> tuple[Callable[[Genome, Coordinates], jax.Array], Coordinates]:
    """The compiled renderer to 8 bits, and the encoding's own coordinates."""

    def render(genomes: Genome, coordinates: Coordinates) -> jax.Array:
        images = quantise(jax.vmap(encoding.render, (0, None))(genomes, coordinates))
        return jnp.round(images * 255.0).astype(jnp.uint8)

    return jax.jit(render), encoding.coordinates()


@in_float32
def score(
    target: Target | Callable[[jax.Array], jax.Array],
    images: npt.NDArray[np.uint8],
    *,
    tile: int | None = None,
) -> npt.NDArray[np.float32]:
    """Scores saved images: the log-odds of every class, on the device where the parameters are.

    Compiled once for equal `apply`, `tile` and image shape, for however many images.

    Args:
      target: the network, a `Target` or any JAX callable.
      images: `[B, H, W, K]` uint8.
      tile: images per network call, the last of which is filled up; by default `SCORED_TILE` on a CPU, and
        elsewhere as many as a tile of the search.
    Returns:
      `[B, C]` float32.
    Raises:
      InputError: `images` is not a `[B, H, W, K]` array of uint8 with an image or more, or the target does
        not take images of this shape.
    """
    target = as_target(target)
    try:
        images = np.asarray(images)
    except ValueError as error:
        raise InputError(f"images: expected [B, H, W, K] uint8, got {shown(error)}") from error
    if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
        raise InputError(f"images: expected [B, H, W, K] uint8, got {list(images.shape)} {images.dtype}")
    if tile is not None and (not isinstance(tile, int | np.integer) or tile < 1):
        raise InputError(f"tile: expected a whole number, 1 or more, got {shown(repr(tile))}")
    place = place_of(target.params)
    if tile is None:
        tile = SCORED_TILE if is_cpu(place) else _largest_tile(images.shape[1:])
    params, program = gathered(as_float32(target.params), place), _scoring(target.apply)
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
        parts.append(np.asarray(odds, np.float32)[: len(part)])
    return np.concatenate(parts)


@functools.lru_cache(maxsize=16)
def _scoring(apply: Callable[[Params, jax.Array], jax.Array]) -> Callable[[Params, jax.Array], jax.Array]:
    """The compiled `(params, pixels) -> log-odds`; it holds no parameters."""

    def score_tile(params: Params, pixels: jax.Array) -> jax.Array:
        return log_odds(apply(params, pixels.astype(jnp.float32) / 255.0))

    return jax.jit(channels_last(score_tile))


def _largest_tile(image_shape: tuple[int, ...]) -> int:
    return min(MAX_TILE, max(1, TILE_VALUES // math.prod(image_shape)))


def make_fitness(
    encoding: Encoding, apply: Callable[[Params, jax.Array], jax.Array], cells: tuple[int, ...]
) -> Callable[[Problem, Genome], jax.Array]:
    """Builds `fitness(problem, genomes)`: log-odds `[B, len(cells)]` of genomes with leaves `[B, ...]`.

    The network sees one flat batch whatever is vmapped around it: runs and children are laid end to end and
    cut into tiles of a size that depends on `B` alone, so a run under `vmap` meets the network as the same
    run alone does. (A run axis inside the network costs 5 to 7 times on CPU: pooling becomes 5-D.) Where the
    parameters themselves are batched, networks are taken one after another.
    """

    def of_tile(problem: Problem, genomes: Genome) -> jax.Array:
        images = quantise(jax.vmap(encoding.render, (0, None))(genomes, problem.coordinates))
        odds = log_odds(apply(problem.params, images))
        return odds if cells == tuple(range(odds.shape[-1])) else odds[:, np.asarray(cells)]

    def fitness(problem: Problem, genomes: Genome) -> jax.Array:
        tile = tile_size(_batch(genomes), _largest_tile(encoding.image_shape))

        def of_batch(problem: Problem, genomes: Genome) -> jax.Array:
            # An accelerator is fastest on the whole batch; there bit-equality with a lone run is lost.
            odds: jax.Array = tiled_by_platform(of_tile, tile, 16 * MAX_TILE, problem, genomes)
            return odds

        return flat_batch(of_batch)(problem, genomes)

    return fitness


def backward_tile(image_shape: tuple[int, ...]) -> int:
    """Images that one backward pass takes on a CPU: more leave its caches; small images go by the hundred.

    Args:
      image_shape: `(H, W, K)`.
    """
    return max(2, BACKWARD_PIXELS // math.prod(image_shape[:2]))


def tile_size(batch: int, most: int = MAX_TILE) -> int:
    """Images per network call for a batch of them: near-equal parts of at most `most`."""
    parts = -(-batch // most)
    return -(-batch // parts)


def _batch(tree: Genome) -> int:
    return int(jax.tree.leaves(tree)[0].shape[0])


def tiled(function: Callable[[Any, Any], Any], tile: int, constants: Any, batch: Any) -> Any:
    """`function(constants, part)` over equal parts of `batch`, the last filled up with zeros.

    Args:
      function: of constants and of a part, leaves `[tile, ...]`; gives leaves with that leading axis.
      tile: members of a part.
      constants: any pytree.
      batch: leaves `[B, ...]`.
    Returns:
      What `function` gives, leaves `[B, ...]`.
    """
    size = _batch(batch)
    parts = -(-size // tile)

    def cut(leaf: jax.Array) -> jax.Array:
        filled = jnp.pad(leaf, ((0, parts * tile - size),) + ((0, 0),) * (leaf.ndim - 1))
        return filled.reshape(parts, tile, *leaf.shape[1:])

    pieces = jax.tree.map(cut, batch)
    if parts == 1:
        result = function(constants, jax.tree.map(lambda leaf: leaf[0], pieces))
    else:
        result = jax.lax.map(lambda piece: function(constants, piece), pieces)
        result = jax.tree.map(lambda leaf: leaf.reshape(parts * tile, *leaf.shape[2:]), result)
    return jax.tree.map(lambda leaf: leaf[:size], result)


def tiled_by_platform(
    function: Callable[[Any, Any], Any], on_cpu: int, elsewhere: int, constants: Any, batch: Any
) -> Any:
    """`tiled` with parts of one size on a CPU and of another elsewhere, each at most the whole batch.

    On a CPU its convolutions have their channels last. Where both sizes are the same, `function` is traced
    once.
    """
    function = channels_last(function)
    on_cpu, elsewhere = (min(tile, _batch(batch)) for tile in (on_cpu, elsewhere))
    if on_cpu == elsewhere:
        return tiled(function, on_cpu, constants, batch)
    return by_platform(
        lambda constants, batch: tiled(function, on_cpu, constants, batch),
        lambda constants, batch: tiled(function, elsewhere, constants, batch),
        constants,
        batch,
    )
