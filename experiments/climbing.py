"""The job that every experiment with gradient ascent does: climb, save, read the saved images back, report.

Source: Nguyen et al. 2015, section 3.9, figure 13. An experiment gives its settings, network and words.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from experiments import ascent_results
from experiments.ascent_results import Climbed, Method
from experiments.command_line import option, parse
from experiments.fooling import check_same_target, keep_compiled_programs
from experiments.job import Subject
from experiments.run_folder import RunFolder
from experiments.terminal import Host, Signals, Terminal
from fooljax.base import Target
from fooljax.errors import InputError
from fooljax.gradient_ascent import PRESETS, START_MODES, ascend, optimiser, progress, start_images
from fooljax.gradient_ascent.optimiser import LEARNING_RATE

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
      subject: `(config) -> Subject`: the data and the network that the settings describe.
      mean: `(config, target) -> [H, W, K] or None`: the mean image that noise is added to, in [0, 1].
    """

    name: str
    title: str
    introduction: tuple[str, ...]
    notes: tuple[str, ...]
    config: type[Any]
    subject: Callable[[Any], Subject]
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
    with RunFolder.create(outdir, experiment.name, dataclasses.asdict(config)) as folder:
        return _run_in(folder, experiment, config, compared, subject, host.terminal)


def _run_in(
    folder: RunFolder,
    experiment: Experiment,
    config: Any,
    compared: Sequence[Method],
    subject: Subject,
    terminal: Terminal,
) -> dict[str, Any]:
    terminal.say(f"run folder: {folder.path}")
    terminal.say(subject.source)
    keep_compiled_programs()
    with terminal.stage("target"):
        target, card = subject.load(terminal.say)
        check_same_target(folder, card)
    cells = tuple(range(len(card.class_names))) if subject.cells is None else subject.cells
    mean = experiment.mean(config, target)
    starts = start_images(
        jax.random.key(config.seed), config.starts, subject.image_shape, mode=config.start_mode, mean=mean
    )
    # Start by start, in each the classes.
    every_start = jnp.repeat(starts, len(cells), axis=0)
    classes = np.tile(np.asarray(cells), config.starts)
    climbed = []
    for method in compared:
        begun = time.perf_counter()
        with terminal.stage("climbing and compiling"):
            ascent = jax.device_get(
                ascend(target, every_start, classes, method.rule, iterations=method.iterations, mean=mean)
            )
        climbed.append(Climbed(method, ascent, time.perf_counter() - begun))
        terminal.say(ascent_results.in_a_line(climbed[-1], config.starts))
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
        return ascent_results.save(folder.path, job, (target, card), starts, climbed)


def main(experiment: Experiment, argv: Sequence[str] | None) -> None:
    """An experiment's command.

    Raises:
      InputError, FaultError: see `run`.
    """
    given, flags = parse(experiment.config, f"{experiment.title}. {experiment.introduction[0]}", argv)
    if flags.resume is not None:
        raise InputError("--resume: this experiment is short; begin it again with --outdir")
    terminal = Terminal(flags.quiet)
    with Signals() as signals:
        path = Path(flags.outdir or f"runs/{experiment.name}-{time.strftime('%Y%m%d-%H%M%S')}")
        run(experiment, experiment.config(**given), path, Host(terminal, signals))
    terminal.say(", ".join(f"{name} {seconds:.1f} s" for name, seconds in terminal.seconds.items()))
    terminal.say(f"page: {path / 'index.html'}")
