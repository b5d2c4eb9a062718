"""The encodings that come with fooljax, by name, and how one is written to a file and built again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fooljax.encodings._direct import direct
from fooljax.encodings._fixed_cppn import fixed_cppn
from fooljax.encodings.cppn.encoding import cppn
from fooljax.encodings.cppn.mutation import Rates
from fooljax.engine.types import Encoding, checked_shape
from fooljax.errors import InputError, nearest, shown
from fooljax.storage.json_files import plain

ENCODINGS: dict[str, Callable[..., Encoding]] = {"direct": direct, "cppn": cppn, "fixed_cppn": fixed_cppn}
"""Builders by the name of the encoding: `build(image_shape, **settings)`."""


def describe(encoding: Encoding) -> dict[str, Any]:
    """An encoding as a file holds it: `{"name", "image_shape", "settings"}`, of JSON's types alone.

    `settings` is None where the encoding is not one of `ENCODINGS`: nothing but its own code can build it.

    Args:
      encoding: any, of your own too.
    Returns:
      Its name, image shape and settings.
    """
    return {
        "name": encoding.name,
        "image_shape": list(encoding.image_shape),
        "settings": None if encoding.settings is None else plain(dict(encoding.settings)),
    }


def build(name: str, image_shape: Sequence[int], settings: Mapping[str, Any]) -> Encoding:
    """The encoding that `describe` wrote down; equal settings give equal encodings.

    Args:
      name: one of `ENCODINGS`.
      image_shape: `(H, W, K)`.
      settings: arguments of its builder; one that is missing has its default.
    Returns:
      The encoding.
    Raises:
      InputError: there is no such encoding or setting, or a value is not what the setting expects.
    """
    if name not in ENCODINGS:
        raise InputError(
            f"encoding: expected one of {', '.join(ENCODINGS)}, got {shown(repr(name))}"
            f"{nearest(str(name), ENCODINGS)}"
        )
    if not isinstance(settings, Mapping):
        raise InputError(f"settings: expected the settings of {name}, got {shown(repr(settings))}")
    known = dict(settings)
    try:
        if isinstance(known.get("rates"), Mapping):
            known["rates"] = Rates(**known["rates"])
        return ENCODINGS[name](checked_shape(image_shape), **known)
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"settings: {name} does not take them ({shown(error)})") from error
