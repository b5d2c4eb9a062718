"""The settings of an audit."""

from dataclasses import dataclass

from fooljax.settings import option

BUDGET = 100_000
AUTO = "auto"


@dataclass(frozen=True)
class AuditSettings:
    """How much an audit may cost, and what it does with it."""

    budget: int = option(
        BUDGET,
        "Network passes that all attacks together may cost. What clean images and other checks cost is "
        "counted apart.",
        least=1000,
    )
    guess: bool = option(
        False,
        "Audit the network with another input range or channel order, where that names far more images "
        "rightly. Without it the audit only says so.",
    )
    reject: str | None = option(
        None,
        "The name of a class that means none of these. No images are made for it, and an image that it takes "
        "does not count as fooled.",
        kind=str,
    )
    detectors: str = option(
        AUTO,
        "Detectors that watch the network, with commas between them; auto: all that its outputs allow; none.",
    )
