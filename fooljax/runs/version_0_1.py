"""What run folders of version 0.1 leave unsaid: the encoding and the words of their experiments.

Their `config.json` names an experiment and its settings. Since version 0.2 it says all that a page needs.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.runs import words
from fooljax.runs.encoding_kinds import ENCODING_KINDS
from fooljax.settings import config_from

NETWORKS = {"mnist": words.DIGITS, "imagenet": words.PHOTOGRAPHS}
EXPERIMENTS = {
    f"{network}_{encoding}": (network, encoding) for network in NETWORKS for encoding in ENCODING_KINDS
}
"""The data and the encoding of each experiment that evolved images."""


def encoding_of(
    experiment: object, settings: Mapping[str, Any], image_shape: tuple[int, int, int], source: str
) -> Encoding:
    """The encoding of an experiment of version 0.1.

    Args:
      experiment: one of `EXPERIMENTS`.
      settings: all of the run.
      image_shape: of the images.
      source: names the file of the settings in errors.
    Raises:
      InputError: there is no such experiment, or a setting of the encoding is not what was expected.
    """
    if not isinstance(experiment, str) or experiment not in EXPERIMENTS:
        raise InputError(
            f"{source}: expected an experiment that evolves images ({', '.join(EXPERIMENTS)}), "
            f"found {shown(repr(experiment))}"
        )
    kind = ENCODING_KINDS[EXPERIMENTS[experiment][1]]
    names = {field.name for field in fields(kind.settings)}
    own = {name: value for name, value in settings.items() if name in names}
    return kind.build(config_from(kind.settings, own, source), image_shape)


def words_of(experiment: object) -> tuple[str, tuple[str, ...]]:
    """The title and the introduction of an experiment of version 0.1; its name alone where it is unknown."""
    if not isinstance(experiment, str) or experiment not in EXPERIMENTS:
        return shown(experiment), ()
    network, encoding = EXPERIMENTS[experiment]
    parts = NETWORKS[network], ENCODING_KINDS[encoding].words
    return words.title(*parts), words.introduction(*parts)
