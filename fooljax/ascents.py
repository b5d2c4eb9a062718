"""`fooljax.ascend`: gradient ascent in memory, or with a run folder and a page."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.ascent_result import AscentResult, ascent_result_of
from fooljax.checks import is_whole, whole_numbers
from fooljax.engine.fitness import quantise
from fooljax.engine.types import Target, as_target
from fooljax.errors import InputError, shown
from fooljax.evolution.arguments import checked_key
from fooljax.gradient import Rule, start_images
from fooljax.gradient.methods import ITERATIONS, Method, choose_methods, named_methods
from fooljax.gradient.starts import START_MODES
from fooljax.own_settings import with_own_settings
from fooljax.report.ascent_page import write_ascent_page
from fooljax.runs import words
from fooljax.runs.ascent_recipe import content_of
from fooljax.runs.ascent_record import open_ascent
from fooljax.runs.ascent_run import (
    AscentPlan,
    ascend_with,
    begin,
    cells_of,
    check_memory,
    every_pair,
    resume_in,
)
from fooljax.storage.outputs import as_folder
from fooljax.targets.own_choice import choice_of
from fooljax.targets.registry import find_target
from fooljax.terminal import Terminal

logger = logging.getLogger("fooljax")


@with_own_settings
def ascend(
    target: Target | Callable[..., jax.Array] | str,
    classes: Sequence[int] | None = None,
    *,
    key: jax.Array | int,
    rule: str | Rule = "adam",
    starts: int | npt.ArrayLike = 1,
    start_mode: str = "mean_plus",
    mean: npt.ArrayLike | None = None,
    iterations: int | None = None,
    outdir: Path | str | None = None,
    resume: bool = False,
    check_target: bool = True,
) -> AscentResult:
    """Makes images that fool a network by following its gradient.

    Args:
      target: a `Target`, a JAX callable that says its `image_shape` by way of `as_target`, or the name of a
        network that comes with fooljax.
      classes: indices of the classes that images are made for; None for all.
      key: a PRNG key for the start images, or a seed for one.
      rule: how an image changes in one step: a `Rule`, or the name of a method, as "adam" or "seed_169".
        Several names with commas between them run one after another, and "all" runs all that are listed in
        `fooljax.gradient.methods`.
      starts: number of start images, or the start images `[S, H, W, K]` themselves, floats in [0, 1]. Each is
        changed towards every class.
      start_mode: how start images are drawn, see `fooljax.gradient.start_images`.
      mean: mean image that noise is added to and that decay pulls towards; broadcast to `[H, W, K]`, in
        [0, 1]. None means black.
      iterations: of each method; None for those that were published, or 100 where none were.
      outdir: folder of the run; it holds images, tables and a page. None keeps everything in memory.
      resume: go on with the run in `outdir`, if there is one.
      check_target: whether to show the target some images first; see `fooljax.probe`.
    Returns:
      The images and how sure the network is of each.
    Raises:
      InputError: an argument is not as above, or `outdir` holds something else.
      FaultError: a file cannot be written.
    """
    path = None if outdir is None else as_folder("outdir", outdir)
    plan = _plan(target, classes, key, rule, starts, start_mode, mean, iterations, check_target)
    if path is not None:
        terminal = Terminal(quiet=True)
        begun = (path / "config.json").exists()
        if resume and not begun:
            logger.warning("outdir: no run in %s yet, so a new one begins", shown(outdir))
        if resume and begun:
            resume_in(path, plan, terminal, write_ascent_page)
        else:
            begin(path, plan, terminal, write_ascent_page)
        return ascent_result_of(open_ascent(path))
    if resume:
        raise InputError("outdir: expected a folder, since resume is True, got none")
    return _in_memory(plan)


def _plan(
    target: Target | Callable[..., jax.Array] | str,
    classes: Sequence[int] | None,
    key: jax.Array | int,
    rule: str | Rule,
    starts: int | npt.ArrayLike,
    start_mode: str,
    mean: npt.ArrayLike | None,
    iterations: int | None,
    check_target: bool,
) -> AscentPlan:
    """Checks the arguments of `ascend` and builds what they describe."""
    if iterations is not None and not (is_whole(iterations) and iterations >= 1):
        raise InputError(f"iterations: expected a whole number, 1 or more, got {shown(repr(iterations))}")
    if start_mode not in START_MODES:
        raise InputError(
            f"start_mode: expected one of {', '.join(START_MODES)}, got {shown(repr(start_mode))}"
        )
    methods, key = _methods(rule, iterations), checked_key(key)
    if isinstance(target, str):
        known = find_target(target)
        choice = known.choose(known.settings())
    else:
        choice = choice_of(as_target(target))
    if classes is not None:
        choice = choice._replace(cells=_checked_classes(classes))
    count = _count_starts(starts, choice.image_shape)

    def draw_starts(mean: Any) -> npt.ArrayLike:
        if is_whole(starts):
            return start_images(key, count, choice.image_shape, mode=start_mode, mean=mean)
        return starts

    network = words.own_network(shown(choice.facts.get("network", target), 80))
    names = [method.name for method in methods]
    return AscentPlan(
        methods=methods,
        choice=choice,
        num_starts=count,
        starts=draw_starts,
        mean=lambda target: None if mean is None else np.asarray(mean),
        content=content_of(
            names,
            choice,
            network,
            settings={
                "key": np.asarray(jax.random.key_data(key)).tolist(),
                "starts": count,
                "start_mode": start_mode if is_whole(starts) else "given",
                "methods": ",".join(names),
                "iterations": iterations,
            },
            command=None,
            experiment=None,
            chosen_by=None,
        ),
        check_target=check_target,
    )


def _methods(rule: str | Rule, iterations: int | None) -> tuple[Method, ...]:
    if isinstance(rule, Rule):
        name = rule.name
        if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii() or name == "start":
            raise InputError(
                f"rule: expected a name of letters, digits, - and _ (not start), got {shown(repr(name))}"
            )
        explanation = f"The rule {name}, which the user of fooljax gave."
        return (Method(name, rule, iterations or ITERATIONS, {}, explanation),)
    if not isinstance(rule, str):
        raise InputError(f"rule: expected a Rule or the name of a method, got {shown(repr(rule))}")
    known = named_methods(published_iterations=iterations, iterations=iterations or ITERATIONS)
    try:
        return choose_methods(rule, known)
    except InputError as error:
        raise InputError(str(error).replace("methods:", "rule:", 1)) from None


def _count_starts(starts: int | npt.ArrayLike, image_shape: tuple[int, int, int]) -> int:
    """How many start images are meant: the number itself, or the length of the images that were given."""
    if is_whole(starts) and starts >= 1:
        return int(starts)
    try:
        shape = np.shape(starts)
    except ValueError:  # lists of different lengths
        shape = ()
    if not shape or not shape[0]:
        raise InputError(
            f"starts: expected a whole number, 1 or more, or images [S, H, W, K], got {shown(repr(starts))}"
        )
    if shape[1:] != image_shape:
        raise InputError(f"starts: expected images of shape {list(image_shape)}, got {list(shape[1:])}")
    values = np.asarray(starts)
    floats = jnp.issubdtype(values.dtype, jnp.floating)
    if not floats or not np.all((values >= 0.0) & (values <= 1.0)):
        came = "some outside of it" if floats else values.dtype
        raise InputError(f"starts: expected floats in [0, 1], got {came}")
    return shape[0]


def _checked_classes(classes: Sequence[int]) -> tuple[int, ...]:
    found = whole_numbers(classes)
    if not found:
        raise InputError(f"classes: expected whole numbers, got {shown(repr(classes))}")
    if len(set(found)) < len(found):
        raise InputError(f"classes: expected each class once, got {shown(repr(classes))}")
    return found


def _in_memory(plan: AscentPlan) -> AscentResult:
    target = plan.choice.load(lambda line: None)
    cells = cells_of(plan.choice, target)
    check_memory(plan, cells)
    mean = plan.mean(target)
    starts = jnp.asarray(plan.starts(mean))
    every_start, classes = every_pair(starts, cells)
    done = [
        ascend_with(method, target, every_start, classes, mean, plan.check_target) for method in plan.methods
    ]
    shape = (len(starts), len(cells))

    def write(path: Path) -> None:
        begin(path, plan, Terminal(quiet=True), write_ascent_page, done)

    return AscentResult(
        rows=tuple((one.method.name, start) for one in done for start in range(len(starts))),
        images=np.concatenate(
            [one.ascent.pixels().reshape(*shape, *plan.choice.image_shape) for one in done]
        ),
        log_odds=np.concatenate(
            [np.asarray(one.ascent.log_odds_8_bit, np.float64).reshape(shape) for one in done]
        ),
        histories={one.method.name: np.asarray(one.ascent.history).reshape(-1, *shape) for one in done},
        start_images=np.asarray(np.round(quantise(starts) * 255.0), np.uint8),
        cells=cells,
        class_names=target.class_names,
        queries=sum(int(one.ascent.queries) for one in done),
        write=write,
    )
