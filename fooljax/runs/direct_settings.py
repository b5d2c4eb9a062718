"""Settings of the direct encoding, one gene for each value of a pixel. Source: Nguyen et al. 2015, 2.2."""

from dataclasses import asdict, dataclass

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
    """How the values of pixels are changed. The defaults are the paper's, where it has one."""

    mutation_rate: float = option(
        MUTATION_RATE,
        "Share of the values of an image that change in a child, in the first generations.",
        source="The default is from the paper, section 2.2.",
        least=0.0,
        most=1.0,
    )
    halving_generations: int = option(
        HALVING_GENERATIONS,
        "The mutation rate is halved every so many generations. 0 keeps it as it is.",
        source="The default is from the paper, section 2.2. The authors' code has 0.",
        least=0,
    )
    rate_floor: float = option(
        RATE_FLOOR,
        "The mutation rate falls no further than this.",
        source="The paper has no such limit.",
        least=0.0,
        most=1.0,
    )
    eta: float = option(
        MUTATION_ETA,
        "Index of the polynomial mutation, which the paper calls its strength. A larger one makes smaller "
        "steps.",
        source="The default is from the paper, section 2.2.",
        least=0.0,
    )
    crossover_rate: float = option(
        0.0,
        "Share of children that are crossed from two parents (simulated binary crossover, SBX).",
        source="The paper has none. The authors' code has 0.5.",
        least=0.0,
        most=1.0,
    )
    crossover_eta: float = option(
        CROSSOVER_ETA,
        "Index of the crossover. A larger one keeps children nearer to their parents.",
        source="The default is that of the authors' code.",
        least=0.0,
        idle=NO_CROSSOVER,
    )
    reset_equal_genes: bool = option(
        False,
        "Set values that are equal in both parents to mid-grey in a crossed child. The authors' code does so "
        "without meaning to.",
        idle=NO_CROSSOVER,
    )
    colour: str | None = option(
        None,
        "What the values of a pixel mean: grey, or with three channels hls (as the authors' code), hsv (as "
        "the paper says) or rgb. off takes grey or hls, whichever fits.",
        kind=str,
        choices=("grey", "hls", "hsv", "rgb"),
    )
    storage: str = option(
        "float32",
        "How values are kept in memory. uint8 takes a quarter of the memory and loses steps of less than "
        "half a level; 1,000 images for ImageNet take 0.2 GB instead of 0.8 GB.",
        choices=STORAGES,
    )


def encoding(settings: DirectSettings, image_shape: tuple[int, int, int]) -> Encoding:
    """The direct encoding that the settings describe."""
    return encodings.direct(image_shape, **asdict(settings))
