"""A search that can begin: its settings, checked, and all that is built before a folder is made."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

import jax

from fooljax import encodings, strategies
from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.engine.types import Encoding, Genome, Strategy
from fooljax.errors import InputError, shown
from fooljax.evolution import MAX_QUERIES
from fooljax.runs.folder import FORMAT
from fooljax.runs.judge_names import AUTO, names_of
from fooljax.runs.memory import COPIES, check_fits, genome_bytes, most_unusual
from fooljax.runs.recipe import Recipe
from fooljax.runs.search_settings import strategy_settings
from fooljax.settings import OFF, part_of
from fooljax.storage.json_files import plain
from fooljax.targets.choice import TargetChoice
from fooljax.terminal import Terminal


class Initial(NamedTuple):
    """What a search begins with instead of random genomes.

    Attributes:
      genomes: leaves `[N, ...]`.
      evaluations: network passes that they had cost.
    """

    genomes: Genome
    evaluations: int


@dataclass(frozen=True)
class RunPlan:
    """All that a run needs, and what its `config.json` says of it.

    Attributes:
      config: content of `config.json`, but for the versions.
      choice: the network, before it is loaded.
      encoding: makes the images.
      strategy: proposes genomes.
      key: of the whole search.
      runs: `R`.
      generations: to do in all.
      init_size: random genomes that each run begins with.
      until: confidence at which the search stops; None to go on to the last generation.
      lineage: whether every replacement is recorded.
      objective: what is maximised.
      check_target: whether the network is shown some images first, see `fooljax.probe`.
      init_from: folder of a run whose elites the search begins with; None for random genomes.
      initial: those elites.
      judges: names of the networks that are asked about the images, see `fooljax.runs.judge_names`.
    """

    config: Mapping[str, Any]
    choice: TargetChoice
    encoding: Encoding
    strategy: Strategy
    key: jax.Array
    runs: int
    generations: int
    init_size: int
    until: float | None
    lineage: bool
    objective: Objective = LOG_ODDS
    check_target: bool = True
    init_from: str | None = None
    initial: Initial | None = None
    judges: str = AUTO

    @property
    def settings(self) -> Mapping[str, Any]:
        """All settings by name."""
        settings: Mapping[str, Any] = self.config["settings"]
        return settings


def plan_of(recipe: Recipe, settings: Any, terminal: Terminal) -> RunPlan:
    """Chooses the network and builds what the settings describe.

    Args:
      recipe: the kind of search.
      settings: of the recipe's `config`.
      terminal: takes the time that loading of data takes.
    Raises:
      InputError: a setting, the network or the data is not what was expected.
    """
    if settings.until is not None and not 0.0 < settings.until < 1.0:
        raise InputError(f"until: expected a confidence inside (0, 1), got {settings.until}")
    own = strategy_settings(settings.strategy, settings.set)
    names_of(settings.judges)
    if (settings.generations + 1) * settings.children > MAX_QUERIES:
        name = most_unusual(settings, ("generations", "children"))
        raise InputError(
            f"{name}: expected at most {MAX_QUERIES:,} images a run, children times generations, got more"
        )
    with terminal.stage("data"):
        choice = recipe.target.choose(settings)
    encoding = recipe.encoding.build(part_of(recipe.encoding.settings, settings), choice.image_shape)
    genomes = settings.runs * (settings.children + len(choice.cells or ()))
    check_fits(
        settings,
        ("runs", "children", "max_nodes", "max_connections"),
        COPIES * genomes * genome_bytes(encoding),
        f"the {genomes:,} genomes of a generation",
    )
    return RunPlan(
        config=config_of(
            choice,
            encoding,
            words=recipe.words(choice),
            settings=asdict(settings),
            strategy={"name": settings.strategy, "settings": dict(own)},
            command=command_line(recipe.command, settings),
            control_command=command_line(recipe.command, replace(settings, strategy="random_search", set="")),
            experiment=recipe.experiment,
            encoding_name=recipe.encoding_name,
            target_name=recipe.target_name or None,
        ),
        choice=choice,
        encoding=encoding,
        strategy=_strategy(settings, encoding, own),
        key=jax.random.key(settings.seed),
        runs=settings.runs,
        generations=settings.generations,
        init_size=settings.children,
        until=settings.until,
        lineage=settings.lineage,
        init_from=settings.init_from,
        judges=settings.judges,
    )


def command_line(begins: Sequence[str], settings: Any) -> str:
    """The command line that does a run again: how it `begins`, and all flags that are not as by default."""
    words = list(begins)
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value == field.default:
            continue
        words.append(("--no-" if value is False else "--") + field.name.replace("_", "-"))
        if not isinstance(value, bool):
            words.append(OFF if value is None else str(value))
    return shlex.join(words)


def config_of(
    choice: TargetChoice,
    encoding: Encoding,
    *,
    words: tuple[str, Sequence[str]],
    settings: Mapping[str, Any],
    strategy: Mapping[str, Any],
    command: str | None = None,
    control_command: str | None = None,
    experiment: str | None = None,
    encoding_name: str | None = None,
    target_name: str | None = None,
) -> dict[str, Any]:
    """The content of `config.json`, without the versions.

    Args:
      choice: of the target.
      encoding: of the genomes.
      words: title and introduction of the page.
      settings: of the run, by name.
      strategy: its name and its settings.
      command: the command line that does the same again; None where Python began the run.
      control_command: the same with random search.
      experiment: its name; None where the run is none.
      encoding_name: of the encoding, as the user gave it; None for a value.
      target_name: of the target, as the user gave it; None for a value, or where the settings say it.
    """
    title, introduction = words
    config: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "command": command,
            "control_command": control_command,
            "experiment": experiment,
            "title": title,
            "introduction": list(introduction),
            "notes": list(choice.notes),
            "settings": dict(settings),
            "encoding": {**encodings.describe(encoding), "chosen_by": encoding_name},
            "strategy": dict(strategy),
            "target": {"chosen_by": target_name, "facts": dict(choice.facts)},
        }
    )
    return config


def _strategy(settings: Any, encoding: Encoding, own: Mapping[str, str]) -> Strategy:
    """The strategy. Where it refuses its input, the message names the flags."""
    try:
        return strategies.build(settings.strategy, encoding, settings.children, own)
    except InputError as error:
        name, _, rest = str(error).partition(":")
        if name == "batch_size":
            raise InputError(f"children:{rest}") from error
        if name in strategies.settings_of(strategies.find(settings.strategy)):
            raise InputError(f"set: {shown(error)}") from error
        raise
