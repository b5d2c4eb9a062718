"""Gradient ascent from the host: checks its arguments, compiles the program, and runs it."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.placement import gathered, is_cpu, place_of
from fooljax.engine.precision import as_float32, in_full_precision
from fooljax.engine.types import Target, as_target
from fooljax.errors import InputError
from fooljax.gradient._progress import progress
from fooljax.gradient.ascent import Ascent, never_as_nan
from fooljax.gradient.program import Program, count_passes, run_program
from fooljax.gradient.rule import Rule
from fooljax.gradient.starts import as_mean
from fooljax.identity import program_identity
from fooljax.own_settings import with_own_settings
from fooljax.probe import count_classes, probe
from fooljax.storage.trees import digest_tree

MAX_PASSES = 2**31 - 1
"""Network passes are counted in int32."""


@with_own_settings
def ascend_images(
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
    """Changes each image by the network's gradient until it is named as its class.

    `fooljax.ascend` is the same with start images of its own, for many classes, and with a run folder.

    Args:
      target: a `Target`, or any JAX callable `images [B, H, W, K] -> logits [B, C]` that has a gradient.
      start: `[B, H, W, K]` floats in [0, 1], as `start_images` gives them; they are not consumed.
      classes: `[B]` class indices.
      rule: by default the authors', `progress()`; `PRESETS` holds their published settings.
      iterations: 1 or more. Between two iterations lies a step, so there is one step less.
      mean: the mean image, for rules that pull towards it or measure from it: broadcast to `[H, W, K]`, in
        [0, 1]. None means black.
      record_every: iterations from one row of `history` to the next.
      check_target: whether to show the target some images first; see `fooljax.probe`.
    Returns:
      What was found, for each image.
    Raises:
      InputError: an argument is not as above, the target does not behave as a classifier, or log-odds or
        gradients became NaN.
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
    if count_passes(len(start), iterations) > MAX_PASSES:
        raise InputError(f"iterations: expected at most {MAX_PASSES:,} network passes, got more")
    if check_target:
        probe(target, start.shape[1:])
    _, height, width, channels = start.shape
    mean_image = as_mean(mean, (height, width, channels))
    program = _compiled(Program(target.apply, rule, iterations, record_every), is_cpu(place))
    # Together on the parameters' device; the start images are a copy, which the program consumes.
    given = jax.device_put((target.params, start, classes, mean_image), place)
    found: Ascent = program(*given)
    found = found.replace(reached=never_as_nan(found.reached))  # type: ignore[attr-defined]
    if bad := int(jnp.sum(jnp.isnan(found.log_odds))):
        raise InputError(f"target: its log-odds or gradients are NaN for {bad} of {len(start)} images")
    return found


@with_own_settings
def ascent_identity(
    target: Target,
    start: npt.ArrayLike,
    classes: npt.ArrayLike,
    rule: Rule,
    *,
    iterations: int,
    mean: npt.ArrayLike | None = None,
) -> tuple[Ascent, dict[str, Any]]:
    """Describes what `ascend_images` will give, without running it, for whoever keeps ascents in files.

    Args:
      target: as for `ascend_images`, like all others.
      start: the start images.
      classes: their classes.
      rule: how images are changed.
      iterations: 1 or more.
      mean: the mean image.
    Returns:
      The shapes and dtypes of the `Ascent`; and what decides its content, in facts that are ready for JSON:
      digests of the program (which holds every setting of a rule and every line of a network's code), of the
      parameters and of the images, the version of JAX, and what may change the last digits.
    """
    target = dataclasses.replace(target, params=as_float32(target.params))
    start = _checked_start(start)
    given = (start, np.asarray(classes, np.int32), as_mean(mean, start.shape[1:]))  # type: ignore[arg-type]
    function = _named(Program(target.apply, rule, iterations), is_cpu(place_of(target.params)))
    traced = jax.jit(function).trace(target.params, *given)
    return traced.out_info, {
        "images_sha256": digest_tree(jax.device_get(given)),
        **program_identity("climb", target.params, traced.lower().as_text()),
    }


@functools.lru_cache(maxsize=64)
def _compiled(program: Program, on_cpu: bool) -> Callable[..., Ascent]:
    # `ascend_images` gives it a copy of the start images, whose memory the result then takes.
    return jax.jit(_named(program, on_cpu), donate_argnums=(1,))


@functools.lru_cache(maxsize=64)
def _named(program: Program, on_cpu: bool) -> Callable[..., Ascent]:
    """The function of a program, under the name "climb", in full precision. JAX traces equal ones once.

    The name is part of the compiled program's text, whose digest stands in the folders of earlier runs. For
    their sake full precision is not asked for on a CPU, which has no other.
    """

    def climb(*arguments: Any) -> Ascent:
        return run_program(program, *arguments)

    return climb if on_cpu else in_full_precision(climb)


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
