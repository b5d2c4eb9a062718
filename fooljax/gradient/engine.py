"""The engine of gradient ascent: looks at images, steps, and takes notes, all in one compiled program.

Source: Nguyen et al. 2015, section 3.9, and the authors' `find_fooling_image.py`: look at the image (forward,
backward), note the first iteration at which the class is reached, step; the last iteration only looks.
Differences: images climb side by side, for as many classes and from as many starts as wished; "best", which
the authors overwrite in every iteration, is not kept; the last look needs no gradient.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.batching import backward_tile, flat_batch, tile_size, tiled_by_platform
from fooljax.engine.fitness import quantise
from fooljax.engine.log_odds import to_log_odds
from fooljax.engine.placement import gathered, place_of
from fooljax.engine.precision import as_float32, in_float32
from fooljax.engine.types import Params, Target, as_target
from fooljax.errors import InputError
from fooljax.gradient._progress import progress
from fooljax.gradient.rule import Look, Rule
from fooljax.gradient.starts import as_mean
from fooljax.identity import program_identity
from fooljax.probe import count_classes, probe
from fooljax.storage.trees import digest_tree

LEVELS = ("top-1", "99 %", "99.9 %", "99.99 %")
"""What is noted when first reached: being the arg-max class, then confidences, exceeded."""
_THRESHOLDS = tuple(to_log_odds(level) for level in (0.99, 0.999, 0.9999))
MAX_QUERIES = 2**31 - 1
"""Queries are counted in int32."""


class Climb(NamedTuple):
    """All that is fixed while a climb is compiled. Hashable: equal ones share their programs."""

    apply: Callable[[Params, jax.Array], jax.Array]
    rule: Rule
    iterations: int
    record_every: int = 1


@flax.struct.dataclass
class Reached:
    """When each image first reached each of `LEVELS`, and what it was then.

    X is the image minus the mean; times 255, lengths are in the authors' unit.

    Attributes:
      iteration: `[B, 4]` int32; -1 where it never did.
      norm: `[B, 4]`, |X|; NaN where it never did.
      distance: `[B, 4]`, from the start image.
      deviation: `[B, 4]`, standard deviation of X.
    """

    iteration: jax.Array
    norm: jax.Array
    distance: jax.Array
    deviation: jax.Array


@flax.struct.dataclass
class Ascent:
    """What a climb found.

    Attributes:
      images: `[B, H, W, K]` in [0, 1], after the last iteration.
      log_odds: `[B]`, of these images for their classes.
      log_odds_8_bit: `[B]`, of `quantise(images)`, which is what files hold.
      history: `[ceil(iterations / record_every), B]` log-odds at iterations 0, k, 2 k, ...
      reached: first iterations.
      queries: `[]` int32, network passes, forward and backward counted each: for every image one of both in
        each iteration but the last, which has a forward one alone, and one for `log_odds_8_bit`.
    """

    images: jax.Array
    log_odds: jax.Array
    log_odds_8_bit: jax.Array
    history: jax.Array
    reached: Reached
    queries: jax.Array

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The images as files hold them, `[B, H, W, K]`."""
        return np.asarray(jnp.round(quantise(self.images) * 255.0), np.uint8)


@in_float32
def ascend(
    target: Target | Callable[[jax.Array], jax.Array],
    start: npt.ArrayLike,
    classes: npt.ArrayLike,
    rule: Rule | None = None,
    *,
    iterations: int,
    mean: npt.ArrayLike | None = None,
    record_every: int = 1,
    check_target: bool = True,
) -> Ascent:
    """Climbs from each image towards its class.

    Args:
      target: a `Target`, or any JAX callable `images [B, H, W, K] -> logits [B, C]`, that has a gradient.
      start: `[B, H, W, K]` floats in [0, 1], as `start_images` gives them; not consumed.
      classes: `[B]` class indices.
      rule: the authors' by default, `progress()`; `PRESETS` holds their published settings.
      iterations: looks at each image, 1 or more; between two looks lies a step.
      mean: the mean image, for rules that pull towards it or measure from it: broadcast to `[H, W, K]`, in
        [0, 1]; black where None.
      record_every: iterations from one row of `history` to the next.
      check_target: shows the target some images first, see `fooljax.probe`.
    Raises:
      InputError: an argument is not as above, the target is not to be trusted, or log-odds or gradients
        became NaN.
    """
    target = as_target(target)
    place = place_of(target.params)
    target = dataclasses.replace(target, params=gathered(as_float32(target.params), place))
    rule = progress() if rule is None else rule
    for name, value in (("iterations", iterations), ("record_every", record_every)):
        if value < 1:
            raise InputError(f"{name}: expected 1 or more, got {value}")
    start = _checked_start(start)
    classes = _checked_classes(classes, len(start), count_classes(target, start.shape[1:]))
    if _num_queries(len(start), iterations) > MAX_QUERIES:
        raise InputError(f"iterations: expected at most {MAX_QUERIES:,} network passes, got more")
    if check_target:
        probe(target, start.shape[1:])
    _, height, width, channels = start.shape
    mean_image = as_mean(mean, (height, width, channels))
    program = _program(Climb(target.apply, rule, iterations, record_every))
    # Together on the parameters' device; the start images are a copy, which the program consumes.
    given = jax.device_put((target.params, start, classes, mean_image), place)
    found: Ascent = program(*given)
    found = found.replace(reached=_without_fillers(found.reached))  # type: ignore[attr-defined]
    if bad := int(jnp.sum(jnp.isnan(found.log_odds))):
        raise InputError(f"target: its log-odds or gradients are NaN for {bad} of {len(start)} images")
    return found


@in_float32
def identity(
    target: Target,
    start: npt.ArrayLike,
    classes: npt.ArrayLike,
    rule: Rule,
    *,
    iterations: int,
    mean: npt.ArrayLike | None = None,
) -> tuple[Ascent, dict[str, Any]]:
    """What a climb will give, before it is begun: for what keeps climbs in files.

    Args:
      target: see `ascend`, as for all others.
      start: images.
      classes: of the images.
      rule: how they climb.
      iterations: looks at each image.
      mean: image.
    Returns:
      Shapes and dtypes of the `Ascent`; and what decides its content, in JSON-ready facts: digests of the
      program (every setting of a rule and every line of a network's code is in it), of the parameters and of
      the images, the version of JAX, and what may change last digits.
    """
    target = dataclasses.replace(target, params=as_float32(target.params))
    start = _checked_start(start)
    given = (start, np.asarray(classes, np.int32), as_mean(mean, start.shape[1:]))  # type: ignore[arg-type]
    function = functools.partial(climb, Climb(target.apply, rule, iterations))
    program = jax.jit(function).lower(target.params, *given)
    return jax.eval_shape(function, target.params, *given), {
        "images_sha256": digest_tree(jax.device_get(given)),
        **program_identity("climb", target.params, program),
    }


@functools.lru_cache(maxsize=64)
def _program(what: Climb) -> Callable[..., Ascent]:
    # `ascend` gives it a copy of the start images, which the result then lies in.
    return jax.jit(functools.partial(climb, what), donate_argnums=(1,))


def climb(what: Climb, params: Params, start: jax.Array, classes: jax.Array, mean: jax.Array) -> Ascent:
    """The pure function behind `ascend`: jits, vmaps, and takes weights and images as arguments.

    What `Reached` says of levels that were never reached is 0 here.

    Args:
      what: the fixed parts.
      params: the target's.
      start: `[B, H, W, K]` in [0, 1].
      classes: `[B]` int32.
      mean: `[H, W, K]`.
    """
    batch, rule = len(start), what.rule
    look = odds_and_gradient(what.apply, rule.climbs)
    opinion = flat_batch(_in_tiles(functools.partial(_own_odds, what.apply)))
    rows = -(-what.iterations // what.record_every)
    nothing = (batch, len(LEVELS))
    # Zeros, which `ascend` makes NaN: under JAX_DEBUG_NANS no program may return one.
    reached = Reached(jnp.full(nothing, -1, jnp.int32), *jnp.zeros((3, *nothing), jnp.float32))

    def note(notes: Any, iteration: jax.Array, images: jax.Array, odds: jax.Array, is_top: jax.Array) -> Any:
        history, reached = notes
        row = iteration // what.record_every
        kept = jnp.where(iteration % what.record_every == 0, odds, history[row])
        return history.at[row].set(kept), _reach(reached, iteration, images, start, mean, odds, is_top)

    def iterate(carry: Any, iteration: jax.Array) -> tuple[Any, None]:
        states, notes = carry
        images = jax.vmap(rule.image)(states)
        odds, is_top, gradient = look(params, (images, classes))
        notes = note(notes, iteration, images, odds, is_top)
        step = jax.vmap(lambda state, g, odds: rule.step(state, Look(g, odds, iteration, mean)))
        return (step(states, gradient, odds), notes), None

    last = what.iterations - 1
    begin = (jax.vmap(rule.init)(start), (jnp.zeros((rows, batch), jnp.float32), reached))
    (states, notes), _ = jax.lax.scan(iterate, begin, jnp.arange(last, dtype=jnp.int32))
    images = jax.vmap(rule.image)(states)
    # Both in one batch, so that the network is compiled once for them.
    both = jnp.concatenate([images, quantise(images)]), jnp.concatenate([classes, classes])
    odds, is_top = opinion(params, both)
    history, reached = note(notes, jnp.int32(last), images, odds[:batch], is_top[:batch])
    return Ascent(
        images=images,
        log_odds=odds[:batch],
        log_odds_8_bit=odds[batch:],
        history=history,
        reached=reached,
        queries=jnp.int32(_num_queries(batch, what.iterations)),
    )


def odds_and_gradient(
    apply: Callable[[Params, jax.Array], jax.Array], climbs: str = "log_odds"
) -> Callable[[Params, tuple[jax.Array, jax.Array]], tuple[jax.Array, jax.Array, jax.Array]]:
    """Builds `look(params, (images, classes))`: one forward and one backward pass for each image.

    On a CPU the batch goes through the network in near-equal tiles of at most `backward_tile` images, of a
    size that depends on `B` alone; on accelerators, of `MAX_TILE`. Under `vmap` the network still sees flat
    batches.

    Args:
      apply: the target's.
      climbs: "log_odds" or "logit", whose gradient it is.
    Returns:
      A function of images `[B, H, W, K]` and classes `[B]` that gives the log-odds of each image's class,
      `[B]`, whether that class is the arg-max, `[B]`, and the gradient `[B, H, W, K]`.
    """

    def tile(params: Params, batch: tuple[jax.Array, jax.Array]) -> Any:
        images, classes = batch

        def height(images: jax.Array) -> tuple[jax.Array, Any]:
            logits = apply(params, images).astype(jnp.float32)  # whatever the network gives
            odds, is_top = _of_class(logits, classes)
            climbed = odds if climbs == "log_odds" else jnp.take_along_axis(logits, classes[:, None], -1)
            return jnp.sum(climbed), (odds, is_top)

        (_, (odds, is_top)), gradient = jax.value_and_grad(height, has_aux=True)(images)
        return odds, is_top, gradient

    return flat_batch(_in_tiles(tile))


def _own_odds(
    apply: Callable[[Params, jax.Array], jax.Array], params: Params, batch: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    images, classes = batch
    return _of_class(apply(params, images), classes)


def _of_class(logits: jax.Array, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-odds of one class for each image, `[B]`, with an exact gradient, and whether it is the arg-max."""
    logits = logits.astype(jnp.float32)
    own = jax.nn.one_hot(classes, logits.shape[-1], dtype=bool)
    # As `evaluation.log_odds`, which works out all classes.
    rest = jax.nn.logsumexp(jnp.where(own, -jnp.inf, logits), axis=-1)
    return jnp.sum(jnp.where(own, logits, 0.0), axis=-1) - rest, jnp.argmax(logits, axis=-1) == classes


def _in_tiles(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`function(shared, batch)`, part by part."""

    def by_platform(shared: Any, batch: Any) -> Any:
        size = len(jax.tree.leaves(batch)[0])
        on_cpu = tile_size(size, backward_tile(batch[0].shape[1:]))
        return tiled_by_platform(function, on_cpu, tile_size(size), shared, batch)

    return by_platform


def _reach(
    reached: Reached,
    iteration: jax.Array,
    images: jax.Array,
    start: jax.Array,
    mean: jax.Array,
    odds: jax.Array,
    is_top: jax.Array,
) -> Reached:
    there = jnp.stack([is_top, *(odds > threshold for threshold in _THRESHOLDS)], axis=-1)
    new = there & (reached.iteration < 0)
    x, axes = images - mean[None], (1, 2, 3)

    def first(before: jax.Array, now: jax.Array) -> jax.Array:
        return jnp.where(new, now[:, None], before)

    return Reached(
        iteration=jnp.where(new, iteration, reached.iteration),
        norm=first(reached.norm, jnp.sqrt(jnp.sum(x**2, axes))),
        distance=first(reached.distance, jnp.sqrt(jnp.sum((images - start) ** 2, axes))),
        deviation=first(reached.deviation, jnp.std(x, axes)),
    )


def _without_fillers(reached: Reached) -> Reached:
    """On the host: NaN where a level was never reached."""
    reached = jax.device_get(reached)
    never = reached.iteration < 0

    def told(length: Any) -> Any:
        return np.where(never, np.float32(np.nan), length)

    return Reached(reached.iteration, told(reached.norm), told(reached.distance), told(reached.deviation))


def _num_queries(batch: int, iterations: int) -> int:
    return batch * (2 * (iterations - 1) + 2)


def _checked_start(start: npt.ArrayLike) -> jax.Array:
    """A copy of the start images, as float32."""
    if np.ndim(start) != 4 or 0 in np.shape(start):
        raise InputError(f"start: expected [B, H, W, K], got {list(np.shape(start))}")
    if not jnp.issubdtype(jnp.result_type(start), jnp.floating):
        raise InputError(f"start: expected floats in [0, 1], got {jnp.result_type(start)}")
    images = np.asarray(start, np.float32)
    if not np.all((images >= 0.0) & (images <= 1.0)):
        raise InputError("start: expected floats in [0, 1], got some outside of it")
    return jnp.array(images, copy=True)


def _checked_classes(classes: npt.ArrayLike, batch: int, num_classes: int) -> jax.Array:
    array = np.asarray(classes)
    if array.shape != (batch,) or not np.issubdtype(array.dtype, np.integer):
        raise InputError(
            f"classes: expected {batch} whole numbers, got {array.dtype} of shape {list(array.shape)}"
        )
    if np.any((array < 0) | (array >= num_classes)):
        wrong = array[(array < 0) | (array >= num_classes)][0]
        raise InputError(f"classes: expected class indices in [0, {num_classes - 1}], got {wrong}")
    return jnp.asarray(array, jnp.int32)
