"""Settings of every search that a command begins, whatever it fools and whatever makes its images."""

from dataclasses import dataclass

from fooljax import strategies
from fooljax.errors import InputError, shown
from fooljax.runs.judge_names import AUTO, JUDGES_HELP
from fooljax.settings import option


@dataclass(frozen=True)
class SearchSettings:
    """How long a search goes on, how wide it is, and how it proposes new images."""

    runs: int = option(
        5,
        "Number of independent runs of the same search, side by side.",
        source="The paper has 5, for MNIST and for ImageNet.",
        least=1,
    )
    generations: int = option(
        1000,
        "Number of generations of each run, at most.",
        source="The paper has 200 for MNIST with CPPNs, 5,000 for ImageNet with CPPNs, 20,000 with pixels.",
        least=0,
    )
    children: int = option(
        200,
        "Number of new images in each generation. As many random images begin the search. The default "
        "differs by encoding.",
        source="The authors' code has 200 for MNIST and for pixels, and 400 for ImageNet with CPPNs.",
        least=1,
    )
    seed: int = option(
        0,
        "The seed of all that the search draws at random. Equal seeds and settings give equal results.",
        least=0,
        most=2**31 - 1,
    )
    strategy: str = option(
        "map_elites",
        "The search strategy, which proposes new images: a name that `fooljax strategies` lists, or "
        "MODULE:BUILDER of your own. The default differs by encoding.",
        source="The paper's is map_elites.",
    )
    set: str = option(
        "",
        "A setting of the strategy. May be given several times. `fooljax strategies NAME` lists them.",
        repeated=True,
    )
    until: float | None = option(
        0.9999,
        "The search stops when every class of every run has this confidence. With off it goes on to the last "
        "generation, as in the paper.",
        kind=float,
        least=0.0,
        most=1.0,
        off=True,
    )
    init_from: str | None = option(
        None,
        "Folder of a finished run. The search begins with the best images of that run, not with random ones.",
        kind=str,
    )
    judges: str = option(AUTO, JUDGES_HELP)
    lineage: bool = option(
        False,
        "Record every image that took the place of another, so that `fooljax lineage` can draw ancestors. "
        "The record is large where a genome is the image itself.",
    )


def strategy_settings(name: str, text: str) -> dict[str, str]:
    """Reads `--set`: pairs NAME=VALUE with blanks between them.

    Raises:
      InputError: there is no such strategy, or a pair is not of that form.
    """
    strategies.find(name)
    settings: dict[str, str] = {}
    for pair in text.split():
        setting, equals, value = pair.partition("=")
        if not (setting and equals and value):
            raise InputError(f"set: expected NAME=VALUE, got {shown(pair)}")
        if setting in settings:
            raise InputError(f"set: expected each setting once, got {setting} twice")
        settings[setting] = value
    return settings
