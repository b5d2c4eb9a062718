"""MNIST, gradient ascent: the comparison for evolution. Source: Nguyen et al. 2015, section 3.9, figure 13.

Run as `python -m experiments.mnist_gradient`; `--help` lists the settings with their sources. The paper
climbs a network for ImageNet, with settings chosen for it; here it is the LeNet that other experiments fool.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments import ascent_results
from experiments.ascent_results import Climbed, Method
from experiments.command_line import option, parse, run_command
from experiments.fooling import check_same_target, keep_compiled_programs
from experiments.run_folder import RunFolder
from experiments.terminal import Host, Signals, Terminal
from fooljax import datasets
from fooljax.datasets import Dataset
from fooljax.errors import InputError
from fooljax.gradient_ascent import PRESETS, START_MODES, ascend, optimiser, progress, start_images
from fooljax.gradient_ascent.optimiser import LEARNING_RATE
from fooljax.targets.trained import lenet
from fooljax.targets.training import RECIPES

NAME = "mnist_gradient"
TITLE = "Climbing a digit network's gradient"
INTRODUCTION = (
    "Changes an image step by step in the direction in which a network trained on handwritten digits becomes "
    "surer of a digit.",
    "This is the comparison for evolution of Nguyen, Yosinski and Clune 2015, section 3.9. Evolution only "
    "asks the network for its opinion; gradient ascent looks inside, and computes for every pixel how the "
    "opinion would change with it. Four ways are the authors', with the settings that they published and "
    "had chosen for another network, of photographs; two use Adam, a common optimiser.",
)
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
class Config:
    """Settings; the defaults are the paper's where it has one."""

    starts: int = option(5, "start images; each climbs towards every class; paper: 5", least=1, most=100)
    start_mode: str = option("mean_plus", "as in the authors' code: mean_plus", choices=START_MODES)
    mean: str = option(
        "none",
        "what noise is added to, and decay pulls towards: none is black (this network subtracts no mean), "
        "training the mean training image; authors' code: ImageNet's mean, which their network subtracts",
        choices=("none", "training"),
    )
    iterations: int | None = option(
        None, "of every published setting, instead of its own 500 to 1,500", kind=int, least=1, most=100_000
    )
    optimiser_iterations: int = option(100, "with Adam; ours", least=1, most=100_000)
    learning_rate: float = option(LEARNING_RATE, "of Adam, pixels from 0 to 1; ours", least=0.0)
    total_variation: float = option(
        0.2, "weight of the difference between neighbours, in adam_smooth; ours", least=0.0
    )
    seed: int = option(0, "of the start images", least=0, most=2**31 - 1)
    data: str = option("auto", "auto, embedded, tfds, tfds:NAME or idx:DIR")
    target_recipe: str = option("paper", "how the target is trained", choices=tuple(RECIPES))
    target_seed: int = option(0, "of the target's training", least=0, most=2**31 - 1)


def methods(config: Config) -> list[Method]:
    """What is compared, in the order of display."""
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
    return published + ours


def run(config: Config, outdir: Path, host: Host | None = None) -> dict[str, Any]:
    """Runs the experiment into a new or empty folder; returns what `summary.json` says.

    Raises:
      InputError: a setting, the data or the folder is not what was expected.
      FaultError: the disk failed, or a saved image is not what was climbed to.
    """
    host = host or Host()
    # Everything is checked before the folder is made, so that wrong input leaves nothing behind.
    compared = methods(config)
    with host.terminal.stage("data"):
        dataset = datasets.load(config.data)
    with RunFolder.create(outdir, NAME, dataclasses.asdict(config)) as folder:
        return _run_in(folder, config, compared, dataset, host.terminal)


def _run_in(
    folder: RunFolder, config: Config, compared: Sequence[Method], dataset: Dataset, terminal: Terminal
) -> dict[str, Any]:
    terminal.say(f"run folder: {folder.path}")
    terminal.say(f"data: {dataset.source}")
    keep_compiled_programs()
    with terminal.stage("target"):
        target, card = lenet(dataset, config.target_recipe, seed=config.target_seed, on_training=terminal.say)
        check_same_target(folder, card)
    held_out = len(dataset.test_labels)
    terminal.say(f"target: {card.name}, names {card.clean_accuracy:.1%} of {held_out:,} held-out images")
    mean = np.mean(dataset.train_images, axis=0) / 255.0 if config.mean == "training" else None
    starts = start_images(
        jax.random.key(config.seed), config.starts, dataset.image_shape, mode=config.start_mode, mean=mean
    )
    # Start by start, in each the classes.
    every_start = jnp.repeat(starts, dataset.num_classes, axis=0)
    classes = np.tile(np.arange(dataset.num_classes), config.starts)
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
        return ascent_results.save(
            folder.path,
            ascent_results.Job(NAME, TITLE, INTRODUCTION, EXPLANATIONS, config, dataset),
            (target, card),
            starts,
            climbed,
        )


def _main(argv: Sequence[str] | None) -> None:
    given, flags = parse(Config, f"{TITLE}. {INTRODUCTION[0]}", argv)
    if flags.resume is not None:
        raise InputError("--resume: this experiment is short; begin it again with --outdir")
    terminal = Terminal(flags.quiet)
    with Signals() as signals:
        path = Path(flags.outdir or f"runs/{NAME}-{time.strftime('%Y%m%d-%H%M%S')}")
        run(Config(**given), path, Host(terminal, signals))
    terminal.say(", ".join(f"{name} {seconds:.1f} s" for name, seconds in terminal.seconds.items()))
    terminal.say(f"page: {path / 'index.html'}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
