"""What run folders of version 0.1 leave unsaid: the encoding and the words of their experiments.

Their `config.json` names an experiment and its settings. Since version 0.2 it says all that a page needs.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.runs import cppn_settings, direct_settings, words
from fooljax.settings import config_from

_ENCODINGS: dict[str, tuple[Any, Any, words.EncodingWords]] = {
    "direct": (direct_settings.DirectSettings, direct_settings.encoding, words.DIRECT),
    "cppn": (cppn_settings.CppnSettings, cppn_settings.encoding, words.CPPN),
}
_NETWORKS = {"mnist": words.DIGITS, "imagenet": words.PHOTOGRAPHS}
EXPERIMENTS = tuple(f"{network}_{encoding}" for network in _NETWORKS for encoding in _ENCODINGS)


def encoding_of(
    experiment: str, settings: Mapping[str, Any], image_shape: tuple[int, int, int], source: str
) -> Encoding:
    """The encoding of an experiment of version 0.1.

    Args:
      experiment: one of `EXPERIMENTS`.
      settings: all of the run.
      image_shape: of the images.
      source: names the file of the settings in errors.
    Raises:
      InputError: a setting of the encoding is not what was expected.
    """
    config, build, _ = _ENCODINGS[_parts(experiment, source)[1]]
    names = {field.name for field in fields(config)}
    own = config_from(config, {k: v for k, v in settings.items() if k in names}, source)
    encoding: Encoding = build(own, image_shape)
    return encoding


def words_of(experiment: str) -> tuple[str, tuple[str, ...]]:
    """The title and the introduction of an experiment of version 0.1; its name alone where it is unknown."""
    if experiment not in EXPERIMENTS:
        return shown(experiment), ()
    network, encoding = _parts(experiment, "")
    return (
        words.title(_NETWORKS[network], _ENCODINGS[encoding][2]),
        words.introduction(_NETWORKS[network], _ENCODINGS[encoding][2]),
    )


def _parts(experiment: object, source: str) -> tuple[str, str]:
    if experiment not in EXPERIMENTS:
        raise InputError(
            f"{source}: expected an experiment that evolves images ({', '.join(EXPERIMENTS)}), "
            f"found {shown(repr(experiment))}"
        )
    network, _, encoding = str(experiment).partition("_")
    return network, encoding
