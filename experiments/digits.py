"""What the MNIST experiments fool: a network that is trained here, once, on digits."""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.command_line import option
from experiments.job import FoolingConfig, Subject
from fooljax import datasets
from fooljax.base import Target, TargetCard
from fooljax.targets.trained import NETWORKS, trained
from fooljax.targets.training import RECIPES


@dataclass(frozen=True)
class TrainedConfig:
    """Settings of the data and of the target's training."""

    data: str = option("auto", "auto, embedded, tfds, tfds:NAME or idx:DIR")
    target_network: str = option("lenet", "that is trained and fooled; paper: lenet", choices=tuple(NETWORKS))
    target_recipe: str = option("paper", "how the target is trained", choices=tuple(RECIPES))
    target_seed: int = option(0, "of the target's training", least=0, most=2**31 - 1)


@dataclass(frozen=True)
class DigitsConfig(TrainedConfig, FoolingConfig):
    """Settings of an evolution against a trained target."""


def digits(config: TrainedConfig) -> Subject:
    """The data, loaded, and the network that will be trained on it.

    Raises:
      InputError, FaultError: see `fooljax.datasets.load`; its `load`: see `fooljax.targets.trained`.
    """
    dataset = datasets.load(config.data)

    def load(say: Callable[[str], None]) -> tuple[Target, TargetCard]:
        target, card = trained(
            dataset,
            config.target_recipe,
            network=config.target_network,
            seed=config.target_seed,
            on_training=say,
        )
        say(f"target: {card.name}, names {card.clean_accuracy:.1%} of {held_out:,} held-out images")
        return target, card

    held_out = len(dataset.test_labels)
    learnt = f"The network learnt from {len(dataset.train_labels):,} images. {dataset.source}"
    return Subject(
        image_shape=dataset.image_shape,
        source=f"data: {dataset.source}",
        facts={"dataset": dataset.name, "target_seed": config.target_seed},
        notes=(learnt,),
        load=load,
    )
