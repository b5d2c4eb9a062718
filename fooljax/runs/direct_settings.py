"""Settings of the direct encoding, one gene a pixel and channel. Source: Nguyen et al. 2015, section 2.2."""

from dataclasses import dataclass

from fooljax import encodings
from fooljax.encodings._direct import (
    CROSSOVER_ETA,
    HALVING_GENERATIONS,
    MUTATION_ETA,
    MUTATION_RATE,
    RATE_FLOOR,
    STORAGES,
)
from fooljax.engine.types import Encoding
from fooljax.settings import option

NO_CROSSOVER = ("crossover_rate", 0.0)


@dataclass(frozen=True)
class DirectSettings:
    """Settings; the defaults are the paper's where it has one."""

    mutation_rate: float = option(
        MUTATION_RATE, "share of genes changed per child at the start; paper 2.2", least=0.0, most=1.0
    )
    halving_generations: int = option(
        HALVING_GENERATIONS,
        "the rate halves every so many generations; paper 2.2 (authors' code: 0, never)",
        least=0,
    )
    rate_floor: float = option(RATE_FLOOR, "the rate falls no further; ours", least=0.0, most=1.0)
    eta: float = option(MUTATION_ETA, 'index of polynomial mutation ("strength"); paper 2.2', least=0.0)
    crossover_rate: float = option(
        0.0, "share of children made by SBX; authors' code: 0.5", least=0.0, most=1.0
    )
    crossover_eta: float = option(CROSSOVER_ETA, "index of SBX; authors' code", least=0.0, idle=NO_CROSSOVER)
    reset_equal_genes: bool = option(
        False,
        "with SBX, set genes equal in both parents to mid-grey, as the authors' code does unintended",
        idle=NO_CROSSOVER,
    )
    colour: str | None = option(
        None,
        "of three channels: hls as the authors' code (the default there), hsv as the paper, or rgb",
        kind=str,
        choices=("grey", "hls", "hsv", "rgb"),
    )
    storage: str = option(
        "float32",
        "of genes; uint8 takes a quarter of the memory and loses steps below half a level",
        choices=STORAGES,
    )


def encoding(config: DirectSettings, image_shape: tuple[int, int, int]) -> Encoding:
    """The direct encoding that the settings describe."""
    return encodings.direct(
        image_shape,
        mutation_rate=config.mutation_rate,
        halving_generations=config.halving_generations,
        rate_floor=config.rate_floor,
        eta=config.eta,
        crossover_rate=config.crossover_rate,
        crossover_eta=config.crossover_eta,
        reset_equal_genes=config.reset_equal_genes,
        colour=config.colour,
        storage=config.storage,
    )
