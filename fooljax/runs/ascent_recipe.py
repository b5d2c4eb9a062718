"""What kind of gradient ascent a command does: the network, its mean image, and all settings."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax import data
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.gradient import start_images
from fooljax.runs import ascent_words, words
from fooljax.runs.ascent_record import AscentRecord
from fooljax.runs.ascent_run import AscentPlan
from fooljax.runs.ascent_settings import AscentSettings, methods_of
from fooljax.runs.folder import FORMAT
from fooljax.runs.judge_names import names_of
from fooljax.runs.kinds import ASCENT, check_is_of_command
from fooljax.runs.plan import command_line
from fooljax.runs.reloading import check_built_in, given_choice
from fooljax.settings import compose, config_from, option
from fooljax.targets import cifar10, cifar10_choice, imagenet, imagenet_choice, mnist_choice
from fooljax.targets.choice import TargetChoice
from fooljax.targets.crops import Crops
from fooljax.targets.registry import find_target
from fooljax.terminal import Terminal

AUTHORS_CLASSES = "200,207,215,279,366,367,390,414,445,500,509,580,643,657,704,713,782,805,826,906"
"""Twenty classes of ImageNet. Source: the shell scripts of the authors' code, for their supplement."""

SMOKE = {"starts": 1, "iterations": 20, "optimiser_iterations": 20}
"""Settings with which an experiment ends soon, to see that all works."""

Mean = npt.NDArray[Any] | None
"""A mean image `[H, W, K]` in [0, 1]; None for black."""


@dataclass(frozen=True)
class MeanSettings:
    """The mean image of a network for digits."""

    mean: str = option(
        "none",
        "The image that noise is added to, and that decay pulls towards. none is black, because these "
        "networks subtract no mean image. training is the mean of the training images.",
        source="The authors' code uses the mean of ImageNet, which their network subtracts.",
        choices=("none", "training"),
    )


@dataclass(frozen=True)
class AscentRecipe:
    """A kind of gradient ascent.

    Attributes:
      command: the words that begin its command line.
      experiment: name of the experiment; None for `fooljax ascend`.
      target_name: of the network, as the user gave it; "" where one of the settings says it.
      network: what a page says of the network; None where only the network knows its name.
      config: the dataclass of all settings.
      choose: `choose(settings) -> TargetChoice`.
      mean: `mean(settings, target)`, the mean image.
      sizes: settings that belong together, by the name of a size.
    """

    command: tuple[str, ...]
    experiment: str | None
    target_name: str
    network: words.NetworkWords | None
    config: type[Any]
    choose: Callable[[Any], TargetChoice]
    mean: Callable[[Any, Target], Mean]
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def network_words(self, choice: TargetChoice | None = None) -> words.NetworkWords:
        """What a page says of the network; `choice` may say its name."""
        facts = choice.facts if choice else {}
        return self.network or words.own_network(shown(facts.get("network", self.target_name)))


def compose_ascent(target: str) -> AscentRecipe:
    """The gradient ascent of `fooljax ascend --target TARGET`.

    Args:
      target: a name in `fooljax.targets.TARGETS`, or MODULE:NAME.
    Raises:
      InputError: there is no such target.
    """
    known = find_target(target)
    command, name = ("fooljax", "ascend", "--target", target), "AscendSettings"
    if known.settings is mnist_choice.MnistSettings:
        return AscentRecipe(
            command,
            None,
            target,
            words.DIGITS,
            compose(name, (AscentSettings, known.settings, MeanSettings)),
            functools.partial(_choose_for_mnist, target),
            _mean_of_training,
        )
    if known.settings is imagenet_choice.ImageNetSettings:
        return AscentRecipe(
            command,
            None,
            target,
            words.PHOTOGRAPHS,
            compose(name, (AscentSettings, known.settings), classes=AUTHORS_CLASSES),
            known.choose,
            functools.partial(_mean_subtracted, imagenet.crops_of(target)),
        )
    if known.settings is cifar10_choice.Cifar10Settings:
        return AscentRecipe(
            command,
            None,
            target,
            words.PHOTOGRAPHS,
            compose(name, (AscentSettings, known.settings)),
            known.choose,
            functools.partial(_mean_subtracted, cifar10.HOW),
        )
    config = compose(name, (AscentSettings, known.settings))
    return AscentRecipe(command, None, target, None, config, known.choose, lambda settings, target: None)


def mnist_experiment(name: str) -> AscentRecipe:
    """The gradient ascent of an experiment on a network for digits, which `target_network` names."""
    parts = (AscentSettings, mnist_choice.NamedMnistSettings, MeanSettings)
    return AscentRecipe(
        ("python", "-m", f"experiments.{name}"),
        name,
        "",
        words.DIGITS,
        compose("Settings", parts),
        lambda settings: _choose_for_mnist(settings.target_network, settings),
        _mean_of_training,
        {"smoke": SMOKE},
    )


def imagenet_experiment(name: str) -> AscentRecipe:
    """The gradient ascent of an experiment on a network for ImageNet, which the setting `target` names."""
    parts = (AscentSettings, imagenet_choice.NamedImageNetSettings)
    return AscentRecipe(
        ("python", "-m", f"experiments.{name}"),
        name,
        "",
        words.PHOTOGRAPHS,
        compose("Settings", parts, classes=AUTHORS_CLASSES),
        imagenet_choice.choose_named,
        lambda settings, target: _mean_subtracted(imagenet.crops_of(settings.target), settings, target),
        {"smoke": {"classes": "0-3", **SMOKE}},
    )


EXPERIMENTS = {"mnist_gradient": mnist_experiment, "imagenet_gradient": imagenet_experiment}
"""The experiments with gradient ascent, by name."""


def ascent_recipe_of(config: Mapping[str, Any], source: str) -> AscentRecipe:
    """The kind of gradient ascent that a `config.json` is of. No code of the user's is run.

    Args:
      config: content of the file.
      source: names the file in errors.
    Raises:
      InputError: it is of none that a command begins.
    """
    name = config.get("experiment")
    if isinstance(name, str) and name in EXPERIMENTS:
        return EXPERIMENTS[name](name)
    target = config.get("target")
    chosen = target.get("chosen_by") if isinstance(target, dict) else None
    if config.get("kind") == ASCENT:
        check_is_of_command(config, source, "a gradient ascent", "ascend")
    if config.get("kind") != ASCENT or config.get("command") is None or not isinstance(chosen, str):
        raise InputError(
            f"{source}: expected a gradient ascent that a command began, found "
            f"{shown(repr(name or 'another run'))}"
        )
    return compose_ascent(chosen)


def plan_of_ascent(recipe: AscentRecipe, settings: Any, terminal: Terminal) -> AscentPlan:
    """Chooses the network and the methods that the settings describe.

    Args:
      recipe: the kind of gradient ascent.
      settings: of the recipe's `config`.
      terminal: takes the time that loading of data takes.
    Raises:
      InputError: a setting, the network or the data is not what was expected.
    """
    methods = methods_of(settings)
    names_of(settings.judges)
    with terminal.stage("data"):
        choice = recipe.choose(settings)

    def starts(mean: Mean) -> npt.ArrayLike:
        key = jax.random.key(settings.seed)
        return start_images(key, settings.starts, choice.image_shape, mode=settings.start_mode, mean=mean)

    return AscentPlan(
        methods=methods,
        choice=choice,
        num_starts=settings.starts,
        starts=starts,
        mean=lambda target: recipe.mean(settings, target),
        judges=settings.judges,
        content=content_of(
            [method.name for method in methods],
            choice,
            recipe.network_words(choice),
            settings=asdict(settings),
            command=command_line(recipe.command, settings),
            experiment=recipe.experiment,
            chosen_by=recipe.target_name or None,
        ),
    )


def choice_of_ascent(record: AscentRecord, given: str | None) -> TargetChoice:
    """The network of a gradient ascent, before it is loaded again; see `fooljax.runs.recipe.choice_of`.

    Args:
      record: of the gradient ascent.
      given: MODULE:NAME of the network, where it does not come with fooljax; the user must have given it.
    Raises:
      InputError: it does not come with fooljax and was not given, or it cannot be had any more.
    """
    source, settings = str(record.path / "config.json"), record.config["settings"]
    if given is not None:
        return given_choice(given, settings, source)
    recipe = ascent_recipe_of(record.config, source)
    check_built_in(record.path, recipe.target_name, settings)
    return recipe.choose(config_from(recipe.config, settings, source))


def content_of(
    methods: list[str],
    choice: TargetChoice,
    network: words.NetworkWords,
    *,
    settings: Mapping[str, Any],
    command: str | None,
    experiment: str | None,
    chosen_by: str | None,
) -> dict[str, Any]:
    """The content of `config.json`, without the versions.

    Args:
      methods: their names.
      choice: of the target.
      network: what the page says of it.
      settings: of the run.
      command: the command line that does the same again; None where Python began the run.
      experiment: its name; None where the run is none.
      chosen_by: the name of the target, as the user gave it; None where the settings say it.
    """
    return {
        "format": FORMAT,
        "kind": ASCENT,
        "command": command,
        "experiment": experiment,
        "title": ascent_words.title(network),
        "introduction": list(ascent_words.introduction(network, methods)),
        "notes": [*choice.notes, *ascent_words.notes(methods)],
        "settings": dict(settings),
        "target": {"chosen_by": chosen_by, "facts": dict(choice.facts)},
    }


def _choose_for_mnist(network: str, settings: Any) -> TargetChoice:
    return mnist_choice.choose(network, settings, data_is_used=settings.mean != "none")


def _mean_of_training(settings: Any, target: Target) -> Mean:
    """The mean training image, where the settings want it."""
    del target
    if settings.mean == "none":
        return None
    return np.asarray(np.mean(data.load(settings.data).train_images, axis=0) / 255.0)


def _mean_subtracted(how: Crops, settings: Any, target: Target) -> Mean:
    """The mean that a network for photographs subtracts, as a colour in [0, 1], red first."""
    del settings
    colour = np.mean(np.asarray(target.params["mean"]).reshape(-1, 3), axis=0) / 255.0
    return np.broadcast_to(colour[::-1] if how.order == "bgr" else colour, (how.size, how.size, 3))
