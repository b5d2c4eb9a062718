"""A gradient ascent in a run folder: each method in turn, then the files, which are read back and scored.

What a method found is kept in the folder at once, so that a run which was stopped or killed goes on with the
method after it. Source: Nguyen et al. 2015, section 3.9, figure 13.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.analysis.panel import check_judges
from fooljax.engine.fitness import quantise
from fooljax.engine.types import Target, check_channels
from fooljax.errors import InputError, shown
from fooljax.gradient import ascend_images, ascent_identity
from fooljax.gradient.methods import Method
from fooljax.identity import check_identity
from fooljax.runs.ascent_images import (
    START,
    save_method,
    save_starts,
    score_method,
    score_starts,
    table_of_images,
)
from fooljax.runs.ascent_record import AscentRecord, open_ascent
from fooljax.runs.ascent_settings import AscentSettings
from fooljax.runs.ascent_summary import Done, line_of, summarise
from fooljax.runs.elites import replaced
from fooljax.runs.evolution_run import check_same_target, keep_compiled_programs
from fooljax.runs.folder import RunFolder
from fooljax.runs.judge_names import AUTO, named_judges
from fooljax.runs.judging import save_panel
from fooljax.runs.memory import COPIES, check_fits
from fooljax.settings import in_words
from fooljax.storage.files import write_bytes
from fooljax.storage.json_files import plain
from fooljax.storage.trees import load_arrays, load_tree, save_tree
from fooljax.targets.choice import TargetChoice
from fooljax.terminal import Interrupted, Terminal

logger = logging.getLogger("fooljax")


@dataclass(frozen=True)
class AscentPlan:
    """All that a gradient ascent does; its settings are checked already.

    Attributes:
      methods: in the order of display.
      choice: of the target.
      num_starts: `S`.
      starts: `starts(mean) -> [S, H, W, K]` in [0, 1].
      mean: `mean(target) -> [H, W, K]` in [0, 1], or None for black.
      content: of `config.json`, without the versions.
      check_target: whether the network is shown some images first, see `fooljax.probe`.
      judges: names of the networks that are asked about the images, see `fooljax.runs.judge_names`.
    """

    methods: tuple[Method, ...]
    choice: TargetChoice
    num_starts: int
    starts: Callable[[npt.NDArray[Any] | None], npt.ArrayLike]
    mean: Callable[[Target], npt.NDArray[Any] | None]
    content: Mapping[str, Any]
    check_target: bool = True
    judges: str = AUTO


Draw = Callable[[AscentRecord], object]
"""Makes the figures and the page of a run from its folder."""


def run_in(
    folder: RunFolder, plan: AscentPlan, terminal: Terminal, draw: Draw, before: Sequence[Done] = ()
) -> dict[str, Any]:
    """Runs a gradient ascent, or goes on with it, in a folder that was opened; returns its summary.

    Args:
      folder: of the run.
      plan: what is done.
      terminal: what is said, and to whom.
      draw: makes the figures and the page.
      before: what methods have found already, which then do not run again.
    Raises:
      InputError: a setting or the network is not what was expected, or what the folder keeps was made by
        something else.
      FaultError: the disk failed, or a saved image is not what the ascent had found.
      Interrupted: a signal came. The run can be resumed.
    """
    terminal.say(f"run folder: {folder.path}")
    terminal.say(plan.choice.source)
    keep_compiled_programs()
    with terminal.stage("target"):
        target = plan.choice.load(terminal.say)
        check_same_target(folder, target)
        judges = named_judges(plan.judges, plan.choice, terminal.say)
        check_judges(target, judges)
    cells = cells_of(plan.choice, target)
    check_memory(plan, cells)
    mean = plan.mean(target)
    starts = jnp.asarray(plan.starts(mean))
    every_start, classes = every_pair(starts, cells)
    done: list[Done] = list(before)
    try:
        for method in plan.methods[len(done) :]:
            with terminal.stage("gradient ascent and compiling"):
                check = plan.check_target and not done
                done.append(_done(folder, method, target, every_start, classes, mean, check))
            terminal.say(line_of(done[-1], len(starts)))
    except Interrupted as error:
        told = f"stopped, {len(done)} of {len(plan.methods)} methods are done"
        raise Interrupted(error.signal_number, told) from None
    with terminal.stage("report"):
        return save(folder, plan, target, starts, done, draw, terminal, judges)


def cells_of(choice: TargetChoice, target: Target) -> tuple[int, ...]:
    """Indices of the classes that images are made for."""
    return tuple(range(len(target.class_names))) if choice.cells is None else choice.cells


def every_pair(starts: jax.Array, cells: Sequence[int]) -> tuple[jax.Array, npt.NDArray[Any]]:
    """Each start image `[S, H, W, K]` with each class: images `[S * C, H, W, K]` and classes `[S * C]`."""
    return jnp.repeat(starts, len(cells), axis=0), np.tile(np.asarray(cells), len(starts))


def check_memory(plan: AscentPlan, cells: Sequence[int]) -> None:
    """Refuses more images than the machine's memory holds.

    Raises:
      InputError: there are more.
    """
    images = plan.num_starts * len(cells)
    check_fits(
        AscentSettings(starts=plan.num_starts),
        ("starts",),
        COPIES * images * 4 * math.prod(plan.choice.image_shape),
        f"the {images:,} images that are changed side by side",
    )


def ascend_with(
    method: Method,
    target: Target,
    start: jax.Array,
    classes: npt.NDArray[Any],
    mean: npt.NDArray[Any] | None,
    check_target: bool,
) -> Done:
    """Runs a method; the result is on the host."""
    begun = time.perf_counter()
    ascent = jax.device_get(
        ascend_images(
            target,
            start,
            classes,
            method.rule,
            iterations=method.iterations,
            mean=mean,
            check_target=check_target,
        )
    )
    return Done(method, ascent, time.perf_counter() - begun)


def _done(
    folder: RunFolder,
    method: Method,
    target: Target,
    start: jax.Array,
    classes: npt.NDArray[Any],
    mean: npt.NDArray[Any] | None,
    check_target: bool,
) -> Done:
    """What the folder keeps of a method, or else what it finds now, which the folder keeps from then on.

    Raises:
      InputError: what it keeps was made by something else.
    """
    path = folder.checkpoints / f"{method.name}.npz"
    shapes, expected = ascent_identity(
        target, start, classes, method.rule, iterations=method.iterations, mean=mean
    )
    if folder.resumed and path.exists():
        try:
            facts = load_arrays(path)[2]
        except InputError as error:
            logger.warning("%s; this method begins again", error)
        else:
            check_identity(path, facts, expected)
            kept, _ = load_tree(path, shapes)
            seconds = facts.get("seconds")
            if not isinstance(seconds, int | float) or not 0 <= seconds < np.inf:
                raise InputError(f"{path}: expected the seconds spent, found {shown(seconds)}")
            return Done(method, kept, float(seconds))
    done = ascend_with(method, target, start, classes, mean, check_target)
    folder.checkpoints.mkdir(exist_ok=True)
    save_tree(path, done.ascent, {**expected, "seconds": done.seconds})
    return done


def save(
    folder: RunFolder,
    plan: AscentPlan,
    target: Target,
    starts: npt.ArrayLike,
    done: Sequence[Done],
    draw: Draw,
    terminal: Terminal,
    judges: Mapping[str, Target] | None = None,
) -> dict[str, Any]:
    """Writes all files of a run folder but `config.json` and `target.json`; returns the summary.

    Args:
      folder: of the run.
      plan: what was done.
      target: the network.
      starts: `[S, H, W, K]` in [0, 1].
      done: of each method, `S * C` images, start by start.
      draw: makes the figures and the page.
      terminal: what is said, and to whom.
      judges: that were named, by name.
    Raises:
      FaultError: the disk failed, or a saved image is not what the ascent had found.
    """
    folder.begin_changes()
    cells, images = cells_of(plan.choice, target), folder.path / "images"
    pixels = np.asarray(np.round(quantise(jnp.asarray(starts)) * 255.0), np.uint8)
    with replaced(images) as draft:
        names = [save_starts(draft / START, pixels)]
        names += [save_method(draft / one.method.name, one.ascent, target, cells) for one in done]
    paths = [
        [images / folder_name / name for name in each]
        for folder_name, each in zip((START, *(one.method.name for one in done)), names, strict=True)
    ]
    control = score_starts(paths[0], plan.choice.image_shape, target, cells)
    scored = [
        score_method(one.method.name, each, one.ascent, target, cells)
        for one, each in zip(done, paths[1:], strict=True)
    ]
    save_tree(
        folder.path / "ascents.npz",
        {one.method.name: one.ascent for one in done},
        {"classes": list(cells), "starts": len(pixels)},
    )
    table = table_of_images(folder.path, [control, *scored], target.class_names, plan.choice.group)
    write_bytes(folder.path / "images.csv", table)
    settings, experiment = folder.config["settings"], folder.config.get("experiment")
    summary = plain(summarise(experiment, settings, plan.choice.facts, target, control, done, scored))
    record, second = open_ascent(folder.path, summary), plan.choice.second(terminal.say)
    summary["panel"] = save_panel(record, plan.choice, plan.judges, target, judges or {}, second)
    draw(record)
    folder.finish(summary)
    return summary


def begin(
    path: Path, plan: AscentPlan, terminal: Terminal, draw: Draw, done: Sequence[Done] = ()
) -> dict[str, Any]:
    """Runs a gradient ascent into a new or empty folder; returns its summary.

    Args:
      path: the folder.
      plan: what is done.
      terminal: what is said, and to whom.
      draw: makes the figures and the page.
      done: what methods have found already, which then do not run again.
    Raises:
      InputError, FaultError, Interrupted: see `run_in` and `RunFolder.create`.
    """
    check_channels(plan.choice.image_shape)
    with RunFolder.create(path, plan.content) as folder:
        return run_in(folder, plan, terminal, draw, done)


def resume_in(path: Path, plan: AscentPlan, terminal: Terminal, draw: Draw) -> dict[str, Any]:
    """Goes on with the gradient ascent in a folder; returns its summary.

    Raises:
      InputError: the run was begun with other settings; and see `run_in`.
      FaultError, Interrupted: see `run_in`.
    """
    with RunFolder.resume(path, plan.content["experiment"]) as folder:
        check_given(path, folder.config["settings"], plan.content["settings"])
        return run_in(folder, plan, terminal, draw)


def check_given(path: Path, begun_with: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Makes sure that settings are those that a run was begun with.

    Args:
      path: of the run.
      begun_with: the run's settings, by name.
      given: settings by name.
    Raises:
      InputError: one differs.
    """
    for name, value in given.items():
        if value != begun_with.get(name):
            begun = shown(in_words(begun_with.get(name)))
            raise InputError(
                f"{name}: the run in {shown(path)} was begun with {begun}, got {shown(in_words(value))}"
            )
