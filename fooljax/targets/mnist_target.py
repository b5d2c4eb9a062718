"""What the MNIST experiments fool: a network that comes with fooljax, or one that is trained here, once."""

from collections.abc import Callable
from dataclasses import dataclass

from fooljax import data as datasets
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.runs.recipe import FoolingConfig, Subject
from fooljax.settings import option
from fooljax.targets._trained import NETWORKS, is_cached, trained
from fooljax.targets.shipped import pretrained, shipped_card
from fooljax.targets.training import RECIPES

SHIPPED, DEFAULT_RECIPE = "shipped", "paper"
QUICK_STEPS = 1000
"""A LeNet's training of so many steps takes less than half a minute."""


@dataclass(frozen=True)
class TrainedConfig:
    """Settings of the target: how it was trained, or is."""

    data: str = option(
        "auto", "what a network is trained on here: auto, embedded, tfds, tfds:NAME or idx:DIR"
    )
    target_network: str = option("lenet", "that is fooled; paper: lenet", choices=tuple(NETWORKS))
    target_recipe: str = option(
        "auto",
        "how it is trained here; shipped: not here, it comes with fooljax and learnt from MNIST's 60,000 "
        "digits, as the paper's; auto: shipped, or paper where --data or another network is given",
        choices=("auto", SHIPPED, *RECIPES),
    )
    target_seed: int = option(0, "of the target's training; shipped: 0 to 4", least=0, most=2**31 - 1)


@dataclass(frozen=True)
class DigitsConfig(TrainedConfig, FoolingConfig):
    """Settings of an evolution against such a target."""


def recipe_of(config: TrainedConfig) -> str:
    """The recipe that the settings mean: "shipped", or one of `RECIPES`."""
    if config.target_recipe != "auto":
        return config.target_recipe
    default = TrainedConfig()
    plain = (config.data, config.target_network) == (default.data, default.target_network)
    return SHIPPED if plain else DEFAULT_RECIPE


def digits(config: TrainedConfig, data_is_used: bool = False) -> Subject:
    """The network that the settings describe; where it is to be trained, the data is loaded at once.

    Args:
      config: the settings.
      data_is_used: `config.data` serves another purpose, so that a shipped network may go with it.
    Raises:
      InputError, FaultError: see `fooljax.data.load` and `fooljax.targets.pretrained`; its `load`: see
        `fooljax.targets.trained`.
    """
    if recipe_of(config) != SHIPPED:
        return _trained_here(config)
    if config.data != TrainedConfig().data and not data_is_used:
        others = ", ".join(RECIPES)
        raise InputError(
            f"data: the shipped network is not trained here; expected --target-recipe {others}, got shipped"
        )
    return _shipped(config)


def _shipped(config: TrainedConfig) -> Subject:
    try:
        target = pretrained(config.target_network, config.target_seed)
    except InputError as error:
        raise InputError(f"target_{error}") from error
    facts = target.provenance

    def load(say: Callable[[str], None]) -> Target:
        say(_told(target, facts["test_images"]))
        return target

    def second(say: Callable[[str], None]) -> Target:
        del say
        seeds = [entry["seed"] for entry in shipped_card()["weights"]]
        return pretrained(config.target_network, seeds[(seeds.index(config.target_seed) + 1) % len(seeds)])

    learnt = (
        f"The network comes with fooljax; it learnt from MNIST's {facts['train_images']:,} digits and names "
        f"{target.clean_accuracy:.2%} of the {facts['test_images']:,} that were held out."
    )
    return Subject(
        image_shape=checked_shape(target.image_shape),
        source=f"network: {target.name}, seed {config.target_seed}, as shipped with fooljax",
        facts={"dataset": facts["dataset_name"], "target_seed": config.target_seed},
        notes=(learnt,),
        load=load,
        second=second,
    )


def _trained_here(config: TrainedConfig) -> Subject:
    dataset, recipe = datasets.load(config.data), RECIPES[recipe_of(config)]
    held_out = len(dataset.test_labels)

    def train(seed: int, say: Callable[[str], None]) -> Target:
        return trained(dataset, recipe, network=config.target_network, seed=seed, on_training=say)

    def load(say: Callable[[str], None]) -> Target:
        target = train(config.target_seed, say)
        say(_told(target, held_out))
        return target

    def second(say: Callable[[str], None]) -> Target | None:
        """The same with another seed; None where its training would take minutes."""
        seed = config.target_seed + 1
        quick = config.target_network == "lenet" and recipe.steps <= QUICK_STEPS
        if quick or is_cached(dataset, recipe, config.target_network, seed):
            return train(seed, say)
        say(f"no second network judges the images: to train it, run once with --target-seed {seed}")
        return None

    return Subject(
        image_shape=dataset.image_shape,
        source=f"data: {dataset.source}",
        facts={"dataset": dataset.name, "target_seed": config.target_seed},
        notes=(f"The network learnt from {len(dataset.train_labels):,} images. {dataset.source}",),
        load=load,
        second=second,
    )


def _told(target: Target, held_out: int) -> str:
    return f"target: {target.name}, names {target.clean_accuracy:.2%} of {held_out:,} held-out images"
