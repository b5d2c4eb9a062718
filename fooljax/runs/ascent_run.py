"""The job that every experiment with gradient ascent does: climb, save, read the saved images back, report.

Source: Nguyen et al. 2015, section 3.9, figure 13. An experiment gives its settings, network and words.
"""

import dataclasses
import logging
import math
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from fooljax.cli.command_line import parse
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.gradient import (
    PRESETS,
    START_MODES,
    ascend_images,
    ascent_identity,
    optimiser,
    progress,
    start_images,
)
from fooljax.gradient._optimiser import LEARNING_RATE
from fooljax.identity import check_identity
from fooljax.runs import ascent_results
from fooljax.runs.ascent_results import Climbed, Method
from fooljax.runs.evolution_run import check_same_target, keep_compiled_programs
from fooljax.runs.folder import RunFolder
from fooljax.runs.memory import COPIES, check_fits
from fooljax.settings import config_from, in_words, option
from fooljax.storage.trees import load_arrays, load_tree, save_tree
from fooljax.targets.choice import TargetChoice
from fooljax.terminal import Host, Interrupted, Signals, Terminal

logger = logging.getLogger("fooljax")

EXPLANATIONS = {
    "unregularised": "The authors' rule: steps sized by the gain in confidence that the gradient promises.",
    "seed_169": "The authors' rule with decay: each step takes 1 % of the image away.",
    "seed_188": "The authors' rule with a blur after every second step, and a little decay.",
    "seed_360": "The authors' rule with a blur and a little decay; after each step the fifth of the "
    "pixels that is nearest to black (or to the mean) becomes it, and then the fifth that matters least.",
    "adam": "Adam on the log-odds, pixels clipped to what a file can hold; no penalty.",
    "adam_smooth": "Adam on the log-odds minus a penalty on differences between neighbouring pixels.",
}


@dataclass(frozen=True)
class ClimbConfig:
    """Settings of the climbs; the defaults are the paper's where it has one."""

    starts: int = option(5, "start images; each climbs towards every class; paper: 5", least=1, most=100)
    start_mode: str = option("mean_plus", "as in the authors' code: mean_plus", choices=START_MODES)
    methods: str = option("all", "all, or names with commas between them: " + ", ".join(EXPLANATIONS))
    iterations: int | None = option(
        None, "of every published setting, instead of its own 500 to 1,500", kind=int, least=1, most=100_000
    )
    optimiser_iterations: int = option(100, "with Adam; ours", least=1, most=100_000)
    learning_rate: float = option(LEARNING_RATE, "of Adam, pixels from 0 to 1; ours", least=0.0)
    total_variation: float = option(
        0.2, "weight of the difference between neighbours, in adam_smooth; ours", least=0.0
    )
    seed: int = option(0, "of the start images", least=0, most=2**31 - 1)


@dataclass(frozen=True)
class Experiment:
    """What tells one experiment from another.

    Attributes:
      name: of the module, and of the run folder.
      title: of the page.
      introduction: paragraphs for the page's reader, who is a stranger.
      notes: what the page's reader should know besides what the subject tells.
      config: the dataclass of settings, a `ClimbConfig`.
      subject: `(config) -> TargetChoice`: the data and the network that the settings describe.
      mean: `(config, target) -> [H, W, K] or None`: the mean image that noise is added to, in [0, 1].
    """

    name: str
    title: str
    introduction: tuple[str, ...]
    notes: tuple[str, ...]
    config: type[Any]
    subject: Callable[[Any], TargetChoice]
    mean: Callable[[Any, Target], npt.NDArray[Any] | None]


def methods(config: ClimbConfig) -> list[Method]:
    """What is compared, in the order of display.

    Raises:
      InputError: a name in `config.methods` is unknown.
    """
    published = [
        Method(name, progress(settings), config.iterations or iterations, dataclasses.asdict(settings))
        for name, (settings, iterations) in PRESETS.items()
    ]
    adam = optax.adam(config.learning_rate)
    ours = [
        Method(
            name,
            optimiser(adam, total_variation=weight),
            config.optimiser_iterations,
            {"optimiser": "adam", "learning_rate": config.learning_rate, "total_variation": weight},
        )
        for name, weight in (("adam", 0.0), ("adam_smooth", config.total_variation))
    ]
    every = {method.name: method for method in published + ours}
    names = list(every) if config.methods == "all" else config.methods.split(",")
    for name in names:
        if name not in every or names.count(name) > 1:
            raise InputError(f"methods: expected all, or each once of {', '.join(every)}, got {name}")
    return [every[name] for name in names]


def run(experiment: Experiment, config: Any, outdir: Path, host: Host | None = None) -> dict[str, Any]:
    """Runs an experiment into a new or empty folder; returns what `summary.json` says.

    Raises:
      InputError: a setting, the data or the folder is not what was expected.
      FaultError: the disk failed, or a saved image is not what was climbed to.
    """
    host = host or Host()
    # Everything is checked before the folder is made, so that wrong input leaves nothing behind.
    compared = methods(config)
    with host.terminal.stage("data"):
        subject = experiment.subject(config)
    with RunFolder.create(
        outdir, {"experiment": experiment.name, "settings": dataclasses.asdict(config)}
    ) as folder:
        return _run_in(folder, experiment, config, compared, subject, host.terminal)


def resume(
    experiment: Experiment, path: Path, given: Mapping[str, Any], host: Host | None = None
) -> dict[str, Any]:
    """Goes on with the climbs in a folder, which end as if nothing had happened; `given` must agree.

    Raises:
      InputError: as `run`; or `given` differs from the run's settings, or a climb that is kept in the folder
        was made by something else.
      FaultError: as `run`.
    """
    host = host or Host()
    with RunFolder.resume(path, experiment.name) as folder:
        config = config_from(experiment.config, folder.config["settings"], str(folder.path / "config.json"))
        for name, value in given.items():
            if value != (begun_with := getattr(config, name)):
                begun = shown(in_words(begun_with))
                raise InputError(
                    f"{name}: the run in {shown(path)} was begun with {begun}, got {in_words(value)}"
                )
        compared = methods(config)
        with host.terminal.stage("data"):
            subject = experiment.subject(config)
        return _run_in(folder, experiment, config, compared, subject, host.terminal)


def _run_in(
    folder: RunFolder,
    experiment: Experiment,
    config: Any,
    compared: Sequence[Method],
    subject: TargetChoice,
    terminal: Terminal,
) -> dict[str, Any]:
    terminal.say(f"run folder: {folder.path}")
    terminal.say(subject.source)
    keep_compiled_programs()
    with terminal.stage("target"):
        target = subject.load(terminal.say)
        check_same_target(folder, target)
    cells = tuple(range(len(target.class_names))) if subject.cells is None else subject.cells
    images = config.starts * len(cells)
    check_fits(
        config,
        ("starts",),
        COPIES * images * 4 * math.prod(subject.image_shape),
        f"the {images:,} images that climb side by side",
    )
    mean = experiment.mean(config, target)
    starts = start_images(
        jax.random.key(config.seed), config.starts, subject.image_shape, mode=config.start_mode, mean=mean
    )
    # Start by start, in each the classes.
    every_start = jnp.repeat(starts, len(cells), axis=0)
    classes = np.tile(np.asarray(cells), config.starts)
    climbed: list[Climbed] = []
    try:
        for method in compared:
            with terminal.stage("climbing and compiling"):
                climbed.append(_climbed(folder, method, target, every_start, classes, mean, not climbed))
            terminal.say(ascent_results.in_a_line(climbed[-1], config.starts))
    except Interrupted as error:
        command = f"python -m experiments.{experiment.name} --resume {shlex.quote(str(folder.path))}"
        done = f"{len(climbed)} of {len(compared)} methods are done"
        raise Interrupted(error.signal_number, f"stopped, {done}; go on with: {command}") from None
    with terminal.stage("report"):
        job = ascent_results.Job(
            experiment.name,
            experiment.title,
            experiment.introduction,
            EXPLANATIONS,
            config,
            subject,
            experiment.notes,
            cells,
        )
        return ascent_results.save(folder, job, target, starts, climbed)


def _climbed(
    folder: RunFolder,
    method: Method,
    target: Target,
    start: jax.Array,
    classes: npt.NDArray[Any],
    mean: npt.NDArray[Any] | None,
    check_target: bool,
) -> Climbed:
    """A method's climbs: those that the folder keeps, or new ones, which it keeps from now on.

    Raises:
      InputError: those that it keeps were made by something else.
    """
    path = folder.checkpoints / f"{method.name}.npz"
    shapes, expected = ascent_identity(
        target, start, classes, method.rule, iterations=method.iterations, mean=mean
    )
    if folder.resumed and path.exists():
        try:
            facts = load_arrays(path)[2]
        except InputError as error:
            logger.warning("%s; climbing again", error)
        else:
            check_identity(path, facts, expected)
            kept, _ = load_tree(path, shapes)
            seconds = facts.get("seconds")
            if not isinstance(seconds, int | float) or not 0 <= seconds < np.inf:
                raise InputError(f"{path}: expected the seconds spent, found {shown(seconds)}")
            return Climbed(method, kept, float(seconds))
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
    seconds = time.perf_counter() - begun
    folder.checkpoints.mkdir(exist_ok=True)
    save_tree(path, ascent, {**expected, "seconds": seconds})
    return Climbed(method, ascent, seconds)


def main(experiment: Experiment, argv: Sequence[str] | None) -> None:
    """An experiment's command.

    Raises:
      InputError, FaultError: see `run`.
    """
    given, flags = parse(experiment.config, f"{experiment.title}. {experiment.introduction[0]}", argv)
    terminal = Terminal(flags.quiet)
    with Signals() as signals:
        host = Host(terminal, signals)
        if flags.resume is not None:
            path = Path(flags.resume)
            resume(experiment, path, given, host)
        else:
            path = Path(flags.outdir or f"runs/{experiment.name}-{time.strftime('%Y%m%d-%H%M%S')}")
            run(experiment, experiment.config(**given), path, host)
    terminal.say(", ".join(f"{name} {seconds:.1f} s" for name, seconds in terminal.seconds.items()))
    terminal.say(f"page: {path / 'index.html'}")
