"""The encodings that a command can be given by name: their settings, their words, and how they are built."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fooljax.engine.types import Encoding
from fooljax.errors import InputError, nearest, shown
from fooljax.importing import import_named, is_import_name
from fooljax.runs import cppn_settings, direct_settings, words


class EncodingKind(NamedTuple):
    """An encoding that has a name, or one of the user's own.

    Attributes:
      settings: the dataclass of its settings.
      build: `build(settings, image_shape) -> Encoding`.
      words: what a page says of it.
      line: what it is, in a few words.
      defaults: settings of the search that suit it better than those that hold for every search.
    """

    settings: type[Any]
    build: Callable[[Any, tuple[int, int, int]], Encoding]
    words: words.EncodingWords
    line: str
    defaults: Mapping[str, Any]


ENCODING_KINDS: dict[str, EncodingKind] = {
    "direct": EncodingKind(
        direct_settings.DirectSettings,
        direct_settings.encoding,
        words.DIRECT,
        "a list of pixel values, the paper's direct encoding",
        {},
    ),
    "cppn": EncodingKind(
        cppn_settings.CppnSettings,
        cppn_settings.encoding,
        words.CPPN,
        "an image drawn by a small network (CPPN), the paper's indirect encoding",
        {"strategy": "focused", "children": 100},
    ),
}
"""By name."""


@dataclass(frozen=True)
class NoSettings:
    """An encoding of the user's own has no settings that a command knows."""


def find_encoding(name: str) -> EncodingKind:
    """The encoding of a name in `ENCODING_KINDS`, or of MODULE:NAME, which is imported when it is built.

    Raises:
      InputError: there is no such name; the message lists those that there are.
    """
    if name in ENCODING_KINDS:
        return ENCODING_KINDS[name]
    if is_import_name(name):
        own = words.own_encoding(name)
        return EncodingKind(
            NoSettings, lambda _, shape: own_encoding(name, shape), own, f"your own, {name}", {}
        )
    raise InputError(
        f"encoding: expected one of {', '.join(ENCODING_KINDS)} or MODULE:NAME, got {shown(repr(name))}"
        f"{nearest(name, ENCODING_KINDS)}"
    )


def own_encoding(name: str, image_shape: tuple[int, int, int]) -> Encoding:
    """The encoding that a module of the user's has under a name. The module is imported, which runs its code.

    Args:
      name: MODULE:NAME, of an `Encoding` or of a function of the shape of the images that returns one.
      image_shape: `(H, W, K)` of the images that the network takes.
    Raises:
      InputError: there is no such module or name, or what it gives is no encoding of such images.
    """
    found = import_named("encoding", name)
    if not isinstance(found, Encoding):
        found = _made(name, found, image_shape)
    if tuple(found.image_shape) != tuple(image_shape):
        raise InputError(
            f"encoding: expected {shown(name)} to make images of shape {list(image_shape)}, as the network "
            f"takes, got {shown(list(found.image_shape))}"
        )
    return found


def _made(name: str, build: Any, image_shape: tuple[int, int, int]) -> Encoding:
    wanted = f"encoding: expected {shown(name)} to be a fooljax.Encoding or a function (image_shape) of one"
    if isinstance(build, type) or not callable(build):
        raise InputError(f"{wanted}, got {shown(type(build).__name__)}")
    try:
        inspect.signature(build).bind(image_shape)
    except (TypeError, ValueError) as error:
        raise InputError(f"{wanted}, got a function of other arguments") from error
    try:
        made = build(image_shape)
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise InputError(f"encoding: {shown(name)} failed: {type(error).__name__}: {shown(error)}") from error
    if not isinstance(made, Encoding):
        raise InputError(f"{wanted}, got a function that returns {shown(type(made).__name__)}")
    return made
