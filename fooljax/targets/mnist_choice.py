"""The networks for MNIST by name: one that comes with fooljax, or one that is trained here, once."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from fooljax.data import loading
from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.settings import option
from fooljax.targets._trained import is_cached, trained
from fooljax.targets.choice import Say, TargetChoice
from fooljax.targets.nearest_neighbours import nearest_neighbours
from fooljax.targets.networks.trainable import NETWORKS
from fooljax.targets.shipped import SHIPPED_NETWORK, pretrained, shipped_seeds
from fooljax.targets.training import RECIPES

SHIPPED, DEFAULT_RECIPE, DEFAULT_DATA = "shipped", "paper", "auto"
QUICK, QUICK_STEPS = ("lenet", "mlp"), 1000
"""A training of these networks of so many steps takes less than half a minute."""


@dataclass(frozen=True)
class MnistSettings:
    """How a network for digits came to be; other images will do as well."""

    data: str = option(DEFAULT_DATA, loading.HELP)
    target_recipe: str = option(
        "auto",
        "How the network is trained. shipped: it comes with fooljax and learnt from MNIST's 60,000 digits, "
        "as the paper's did, so nothing is trained. The other names are recipes by which it is trained here, "
        "once. auto means shipped, but paper if --data or another network is given.",
        choices=("auto", SHIPPED, *RECIPES),
    )
    target_seed: int = option(
        0,
        "The seed of the network's training; networks that are trained alike differ in it. There are five "
        "shipped ones, 0 to 4.",
        least=0,
        most=2**31 - 1,
    )


@dataclass(frozen=True)
class NamedMnistSettings(MnistSettings):
    """The same, and which network it is."""

    target_network: str = option(
        SHIPPED_NETWORK, "The network that is fooled. The paper fools lenet.", choices=tuple(NETWORKS)
    )


class _Settings(Protocol):
    """What `choose` reads: `MnistSettings`, or settings that have those among others."""

    @property
    def data(self) -> str: ...
    @property
    def target_recipe(self) -> str: ...
    @property
    def target_seed(self) -> int: ...


def recipe_of(network: str, settings: _Settings) -> str:
    """The recipe that the settings mean for a network: "shipped", or a name in `RECIPES`."""
    if settings.target_recipe != "auto":
        return settings.target_recipe
    return SHIPPED if (network, settings.data) == (SHIPPED_NETWORK, DEFAULT_DATA) else DEFAULT_RECIPE


def choose(network: str, settings: _Settings, *, data_is_used: bool = False) -> TargetChoice:
    """The network that the settings describe. Where it is to be trained, the data is loaded at once.

    Args:
      network: a name in `NETWORKS`.
      settings: see `MnistSettings`.
      data_is_used: the data serves another purpose, so that it may be given beside a shipped network.
    Raises:
      InputError, FaultError: see `fooljax.data.load` and `fooljax.targets.pretrained`; `load` of the choice:
        see `fooljax.targets.trained`.
    """
    if recipe_of(network, settings) != SHIPPED:
        return _trained_here(network, settings)
    if network != SHIPPED_NETWORK:
        raise InputError(
            f"target_recipe: {network} does not come with fooljax; expected one of "
            f"{', '.join(RECIPES)}, got {SHIPPED}"
        )
    if settings.data != DEFAULT_DATA and not data_is_used:
        raise InputError(
            f"data: nothing is trained on it when --target-recipe is {SHIPPED}; "
            f"expected --target-recipe {', '.join(RECIPES)}"
        )
    return _shipped(network, settings.target_seed, settings.data)


def choose_named(settings: NamedMnistSettings) -> TargetChoice:
    """`choose` of the network that the settings name."""
    return choose(settings.target_network, settings)


def _shipped(network: str, seed: int, data: str) -> TargetChoice:
    try:
        target = pretrained(network, seed)
    except InputError as error:
        raise InputError(f"target_{error}") from error
    facts = target.provenance

    def load(say: Say) -> Target:
        say(_accuracy_line(target, facts["test_images"]))
        return target

    def second(say: Say) -> Target:
        del say
        seeds = shipped_seeds()
        return pretrained(network, seeds[(seeds.index(seed) + 1) % len(seeds)])

    return TargetChoice(
        image_shape=checked_shape(target.image_shape),
        source=f"network: {target.name}, seed {seed}, as shipped with fooljax",
        facts={"dataset": facts["dataset_name"], "target_seed": seed},
        notes=(
            f"The network comes with fooljax. It learnt from MNIST's {facts['train_images']:,} digits and "
            "names "
            f"{target.clean_accuracy:.2%} of the {facts['test_images']:,} that were held out.",
        ),
        load=load,
        second=second,
        clean=lambda: loading.load(data),
        judges=partial(_judges, network),
    )


def _judges(network: str, second: Target | None, data: Dataset) -> dict[str, Target]:
    """The second network, where there is one, and the nearest neighbours: neither needs a training."""
    kin = {} if second is None else {f"{network}-{second.provenance['seed']}": second}
    return {**kin, "knn": nearest_neighbours(data)}


def _trained_here(network: str, settings: _Settings) -> TargetChoice:
    dataset, recipe = loading.load(settings.data), RECIPES[recipe_of(network, settings)]
    held_out = len(dataset.test_labels)

    def train(seed: int, say: Say) -> Target:
        return trained(dataset, recipe, network=network, seed=seed, on_training=say)

    def load(say: Say) -> Target:
        target = train(settings.target_seed, say)
        say(_accuracy_line(target, held_out))
        return target

    def second(say: Say) -> Target | None:
        """The same with another seed; None where its training would take minutes."""
        seed = settings.target_seed + 1
        quick = network in QUICK and recipe.steps <= QUICK_STEPS
        if quick or is_cached(dataset, recipe, network, seed):
            return train(seed, say)
        say(f"no second network scores the images; to train one, run once with --target-seed {seed}")
        return None

    return TargetChoice(
        image_shape=dataset.image_shape,
        source=f"data: {dataset.source}",
        facts={"dataset": dataset.name, "target_seed": settings.target_seed},
        notes=(f"The network learnt from {len(dataset.train_labels):,} images. {dataset.source}",),
        load=load,
        second=second,
        clean=lambda: dataset,
        judges=partial(_judges, network),
    )


def _accuracy_line(target: Target, held_out: int) -> str:
    return f"target: {target.name}, names {target.clean_accuracy:.2%} of {held_out:,} held-out images"
