"""What a fooling experiment is: its settings, its words, and what is built from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fooljax.settings import option
from fooljax.runs.memory import COPIES, check_fits, genome_bytes, most_unusual
from fooljax.terminal import Terminal
from fooljax import strategies
from fooljax.engine.types import Encoding, Genome, Strategy
from fooljax.errors import InputError, shown
from fooljax.evolution import MAX_QUERIES
from fooljax.targets.choice import TargetChoice


@dataclass(frozen=True)
class FoolingConfig:
    """Settings of every fooling experiment."""

    runs: int = option(5, "independent runs, side by side", least=1)
    generations: int = option(
        1000, "generations of each run, at most; authors' code for MNIST: 1,010", least=0
    )
    children: int = option(
        200, "children per generation, and random images to begin with; authors' code: 200", least=1
    )
    seed: int = option(0, "of the search", least=0, most=2**31 - 1)
    strategy: str = option(
        "map_elites", "search strategy, see python -m fooljax.cli.strategies; paper: map_elites"
    )
    set: str = option("", "a setting of the strategy; may be given several times", repeated=True)
    until: float | None = option(
        0.9999,
        "stop when every class of every run has this confidence; off: go on to the last generation, as the "
        "paper does",
        kind=float,
        least=0.0,
        most=1.0,
        off=True,
    )
    init_from: str | None = option(
        None, "folder of a finished run, to begin with its elites instead of random images", kind=str
    )
    lineage: bool = option(
        False, "record every replacement, for fooljax.cli.lineage; large where a genome is the image itself"
    )


@dataclass(frozen=True)
class Experiment:
    """What tells one fooling experiment from another.

    Attributes:
      name: of the module, and of the run folder.
      title: of the page.
      introduction: paragraphs for the page's reader, who is a stranger.
      config: the dataclass of settings, a `FoolingConfig`.
      encoding: `(config, image_shape) -> Encoding`.
      subject: `(config) -> TargetChoice`: the data and the network that the settings describe.
    """

    name: str
    title: str
    introduction: tuple[str, ...]
    config: type[FoolingConfig]
    encoding: Callable[[Any, tuple[int, int, int]], Encoding]
    subject: Callable[[Any], TargetChoice]


class Initial(NamedTuple):
    """What a search begins with instead of random genomes.

    Attributes:
      genomes: leaves `[N, ...]`.
      evaluations: network passes that they had cost.
    """

    genomes: Genome
    evaluations: int


class Job(NamedTuple):
    """A checked config with what was built from it."""

    experiment: Experiment
    config: FoolingConfig
    subject: TargetChoice
    encoding: Encoding
    strategy: Strategy
    initial: Initial | None = None


def prepare(experiment: Experiment, config: FoolingConfig, terminal: Terminal) -> Job:
    """Loads the data and builds what the config describes.

    Raises:
      InputError: a setting or the data is not what was expected.
    """
    if config.until is not None and not 0.0 < config.until < 1.0:
        raise InputError(f"until: expected a confidence inside (0, 1), got {config.until}")
    settings = strategy_settings(config.strategy, config.set)
    if (config.generations + 1) * config.children > MAX_QUERIES:
        name = most_unusual(config, ("generations", "children"))
        raise InputError(
            f"{name}: expected at most {MAX_QUERIES:,} images a run, children times generations, got more"
        )
    with terminal.stage("data"):
        subject = experiment.subject(config)
    encoding = experiment.encoding(config, subject.image_shape)
    genomes = config.runs * (config.children + len(subject.cells or ()))
    check_fits(
        config,
        ("runs", "children", "max_nodes", "max_connections"),
        COPIES * genomes * genome_bytes(encoding),
        f"the {genomes:,} genomes of a generation",
    )
    strategy = _strategy(config, encoding, settings)
    return Job(experiment, config, subject, encoding, strategy)


def _strategy(config: FoolingConfig, encoding: Encoding, settings: Mapping[str, str]) -> Strategy:
    """The strategy; what it says of wrong input is told in the words of the flags."""
    try:
        return strategies.build(config.strategy, encoding, config.children, settings)
    except InputError as error:
        name, _, rest = str(error).partition(":")
        if name == "batch_size":
            raise InputError(f"children:{rest}") from error
        if name in strategies.settings_of(strategies.find(config.strategy)):
            raise InputError(f"set: {error}") from error
        raise


def strategy_settings(name: str, text: str) -> dict[str, str]:
    """Reads `--set`: `name=value` pairs with blanks between them.

    Raises:
      InputError: there is no such strategy, or a pair is not of that form.
    """
    strategies.find(name)
    settings = {}
    for pair in text.split():
        setting, equals, value = pair.partition("=")
        if not (setting and equals and value):
            raise InputError(f"set: expected NAME=VALUE, got {shown(pair)}")
        if setting in settings:
            raise InputError(f"set: expected each setting once, got {setting} twice")
        settings[setting] = value
    return settings
