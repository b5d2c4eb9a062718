"""What kind of search a command does: the network that it fools, the encoding of its images, all settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.runs import version_0_1, words
from fooljax.runs.ascent_record import AscentRecord
from fooljax.runs.encoding_kinds import ENCODING_KINDS, EncodingKind, find_encoding
from fooljax.runs.kinds import check_is_of_command, check_is_search
from fooljax.runs.record import RunRecord
from fooljax.runs.reloading import check_built_in, given_choice
from fooljax.runs.search_settings import SearchSettings
from fooljax.settings import compose
from fooljax.targets.choice import TargetChoice
from fooljax.targets.cifar10_choice import Cifar10Settings, NamedCifar10Settings
from fooljax.targets.cifar10_choice import choose_named as choose_for_cifar10
from fooljax.targets.imagenet_choice import ImageNetSettings, NamedImageNetSettings
from fooljax.targets.imagenet_choice import choose_named as choose_for_imagenet
from fooljax.targets.mnist_choice import MnistSettings, NamedMnistSettings
from fooljax.targets.mnist_choice import choose_named as choose_for_mnist
from fooljax.targets.registry import KnownTarget, find_target


class Family(NamedTuple):
    """Networks that share their settings and their words.

    Attributes:
      target: its settings say which of them it is.
      words: what a page says of them.
      defaults: settings of the search that suit them better than those that hold for every search.
    """

    target: KnownTarget
    words: words.NetworkWords
    defaults: Mapping[str, Any]


FAMILIES = {
    "mnist": Family(
        KnownTarget(NamedMnistSettings, choose_for_mnist, "a network for digits"), words.DIGITS, {}
    ),
    "imagenet": Family(
        KnownTarget(NamedImageNetSettings, choose_for_imagenet, "a network for ImageNet"),
        words.PHOTOGRAPHS,
        {"runs": 1},
    ),
    "cifar10": Family(
        KnownTarget(NamedCifar10Settings, choose_for_cifar10, "a network for CIFAR-10"), words.PHOTOGRAPHS, {}
    ),
}
"""By the data that the networks learnt from."""
EXPERIMENTS = {
    **version_0_1.EXPERIMENTS,
    **{f"cifar_{encoding}": ("cifar10", encoding) for encoding in ENCODING_KINDS},
}
"""The family and the encoding of each experiment that evolves images."""
_FAMILY_OF = {MnistSettings: "mnist", ImageNetSettings: "imagenet", Cifar10Settings: "cifar10"}


@dataclass(frozen=True)
class Recipe:
    """A kind of search.

    Attributes:
      command: the words that begin its command line.
      experiment: name of the experiment; None for `fooljax evolve`.
      target_name: of the network, as the user gave it; "" where one of the settings says it.
      target: the network's settings, and how it is chosen by them.
      encoding_name: of the encoding, as the user gave it.
      encoding: the encoding's settings, and how it is built.
      network: what a page says of the network; None where only the network knows its name.
      config: the dataclass of all settings: of the search, of the target, of the encoding.
      sizes: settings that belong together, by the name of a size: `paper` for what the paper did.
    """

    command: tuple[str, ...]
    experiment: str | None
    target_name: str
    target: KnownTarget
    encoding_name: str
    encoding: EncodingKind
    network: words.NetworkWords | None
    config: type[Any]
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def words(self, choice: TargetChoice | None = None) -> tuple[str, tuple[str, ...]]:
        """The title and the introduction of a page.

        Args:
          choice: the network that was chosen, which may say its name; None before it is chosen.
        """
        facts = choice.facts if choice else {}
        network = self.network or words.own_network(shown(facts.get("network", self.target_name)))
        return words.title(network, self.encoding.words), words.introduction(network, self.encoding.words)


def compose_recipe(target: str, encoding: str) -> Recipe:
    """The search of `fooljax evolve --target TARGET --encoding ENCODING`.

    Args:
      target: a name in `fooljax.targets.TARGETS`, a file, or MODULE:NAME.
      encoding: a name in `ENCODING_KINDS`, or MODULE:NAME.
    Raises:
      InputError: there is no such target or encoding.
    """
    known, kind = find_target(target), find_encoding(encoding)
    family = FAMILIES.get(_FAMILY_OF.get(known.settings, ""))
    defaults = {**(family.defaults if family else {}), **kind.defaults}
    return Recipe(
        command=("fooljax", "evolve", "--target", target, "--encoding", encoding),
        experiment=None,
        target_name=target,
        target=known,
        encoding_name=encoding,
        encoding=kind,
        network=family.words if family else None,
        config=compose("EvolveSettings", (SearchSettings, known.settings, kind.settings), **defaults),
    )


def experiment(
    name: str,
    *,
    data: str,
    encoding: str,
    sizes: Mapping[str, Mapping[str, Any]] | None = None,
    **defaults: Any,
) -> Recipe:
    """The search of an experiment, which `python -m experiments.NAME` does.

    Args:
      name: of the experiment.
      data: the family of its networks, one of `FAMILIES`.
      encoding: a name in `ENCODING_KINDS`.
      sizes: settings that belong together, by the name of a size.
      defaults: settings that are other than those of every search.
    """
    family, kind = FAMILIES[data], find_encoding(encoding)
    parts = (SearchSettings, family.target.settings, kind.settings)
    return Recipe(
        command=("python", "-m", f"experiments.{name}"),
        experiment=name,
        target_name="",
        target=family.target,
        encoding_name=encoding,
        encoding=kind,
        network=family.words,
        config=compose("Settings", parts, **{**family.defaults, **defaults}),
        sizes=sizes or {},
    )


def recipe_of(config: Mapping[str, Any], source: str) -> Recipe:
    """The kind of search that a `config.json` is of. No code of the user's is run.

    Args:
      config: content of the file.
      source: names the file in errors.
    Raises:
      InputError: it is of no search that a command begins.
    """
    check_is_search(config, source)
    name = config.get("experiment")
    if isinstance(name, str) and name in EXPERIMENTS:
        data, encoding = EXPERIMENTS[name]
        return experiment(name, data=data, encoding=encoding)
    found = [config.get(part) for part in ("target", "encoding")]
    names = [one.get("chosen_by") if isinstance(one, dict) else None for one in found]
    check_is_of_command(config, source, "a run", "evolve")
    if config.get("command") is None or not all(isinstance(one, str) for one in names):
        raise InputError(
            f"{source}: expected a run that a command began, found {shown(repr(name or 'another run'))}"
        )
    return compose_recipe(str(names[0]), str(names[1]))


def target_of(record: RunRecord, given: str | None, say: Callable[[str], None]) -> Target:
    """The network that a run fooled, loaded again: see `choice_of` and `load_again`."""
    return load_again(record, choice_of(record, given), say)


def choice_of(record: RunRecord, given: str | None) -> TargetChoice:
    """The network that a run fooled, before it is loaded again.

    Args:
      record: of the run.
      given: MODULE:NAME or file of the network, where it does not come with fooljax; the user must have given
        it. What the run's settings say of such a network holds.
    Raises:
      InputError: it does not come with fooljax and was not given, or it cannot be had any more.
    """
    source = str(record.path / "config.json")
    if given is not None:
        return given_choice(given, record.settings, source)
    if record.command is None and record.experiment is None:
        raise InputError(
            f"target: expected the network of {record.path} as a file or MODULE:NAME, since the run was "
            "begun from Python; got none"
        )
    recipe = recipe_of(record.config, source)
    check_built_in(record.path, recipe.target_name, record.settings)
    return recipe.target.choose(recipe.target.settings_from(record.settings, source))


def load_again(record: RunRecord | AscentRecord, choice: TargetChoice, say: Callable[[str], None]) -> Target:
    """Loads the network that a run fooled.

    Args:
      record: of the run, a search or a gradient ascent.
      choice: of the network.
      say: takes a line for the user, of work that takes long.
    Raises:
      InputError: it is another one than the run's.
    """
    target = choice.load(say)
    if target.provenance.get("params_sha256") != record.target_sha256:
        raise InputError("target: expected the network of this run, got one of other parameters")
    return target
