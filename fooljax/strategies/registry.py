"""All strategies by name, for commands, tables and the tests of the contract."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from fooljax.engine.types import Encoding, Strategy
from fooljax.errors import InputError, nearest, shown
from fooljax.importing import import_named, is_import_name
from fooljax.remembered import remembered
from fooljax.strategies._focused import focused
from fooljax.strategies._map_elites import map_elites
from fooljax.strategies._random_search import random_search
from fooljax.strategies._rank_ea import rank_ea
from fooljax.strategies._refined import refined
from fooljax.strategies.evosax_algorithms import ALGORITHMS
from fooljax.strategies.from_evosax import evosax


class Entry(NamedTuple):
    """A strategy that has a name.

    Attributes:
      build: `build(encoding, *, batch_size=..., **settings) -> Strategy`; its other keyword arguments, all
        with a default, are its settings, of the types annotated or else of their defaults.
      line: what it does.
      paper: where it is from.
    """

    build: Callable[..., Strategy]
    line: str
    paper: str


STRATEGIES: dict[str, Entry] = {
    "map_elites": Entry(
        map_elites, "the paper's: all elites are equally likely parents", "Nguyen et al. 2015"
    ),
    "focused": Entry(focused, "MAP-Elites that varies classes not fooled yet more often", "ours"),
    "refined": Entry(refined, "focused; some children are improved by gradient ascent", "ours"),
    "rank_ea": Entry(rank_ea, "a ranked population for each class", "Nguyen et al. 2015b, code"),
    "random_search": Entry(random_search, "random genomes only; the control", "-"),
    **{
        f"evosax.{name}": Entry(partial(evosax, algorithm=name), algorithm.line, algorithm.paper)
        for name, algorithm in ALGORITHMS.items()
    },
}

_NOT_SETTINGS = ("encoding", "batch_size", "algorithm")
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_WORDS = {"true": True, "on": True, "false": False, "off": False}
_MOST = 2**31 - 1
_KEYWORD, _EITHER = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD


def find(name: str) -> Entry:
    """The strategy of this name: one in `STRATEGIES`, or `MODULE:BUILDER` of any module that can be imported.

    The module's code runs; the builder is not called.

    Args:
      name: in `STRATEGIES`, or MODULE:BUILDER.
    Returns:
      What is known of the strategy; its `build` makes one.
    Raises:
      InputError: there is none, its module cannot be imported, or it is no builder of strategies.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    if not is_import_name(name):
        plain = [known for known in STRATEGIES if not known.startswith("evosax.")]
        raise InputError(
            f"strategy: expected one of {', '.join(plain)}, evosax.NAME or MODULE:BUILDER, got {shown(name)}"
            f"{nearest(name, STRATEGIES)}"
        )
    build = import_named("strategy", name)
    if not _is_builder(build):
        raise InputError(
            f"strategy: expected {shown(name)} to be a function (encoding, *, batch_size, ...) whose other "
            f"arguments have defaults, got {shown(type(build).__name__)}"
        )
    described = (inspect.getdoc(build) or "").strip().splitlines()
    return Entry(build, described[0] if described else "no description", name.partition(":")[0])


def _is_builder(build: Any) -> bool:
    """Whether something can be called as `Entry.build`, judged without calling it."""
    if not callable(build):
        return False
    try:
        signature = inspect.signature(build)
        signature.bind(None, batch_size=1)
    except (TypeError, ValueError):  # no such arguments, or none that Python knows
        return False
    return "batch_size" in signature.parameters


def settings_of(entry: Entry) -> dict[str, inspect.Parameter]:
    """A strategy's settings: keyword, with annotation and default.

    Args:
      entry: the strategy.
    Returns:
      Parameters by name, each with annotation and default.
    """
    parameters = inspect.signature(entry.build).parameters
    first = next(iter(parameters))
    return {
        name: parameter
        for name, parameter in parameters.items()
        if name not in (first, *_NOT_SETTINGS) and parameter.kind in (_KEYWORD, _EITHER)
    }


def build(name: str, encoding: Encoding, batch_size: int, settings: Mapping[str, str]) -> Strategy:
    """Builds a strategy from settings as they are written on a command line.

    Args:
      name: in `STRATEGIES`, or `MODULE:BUILDER`.
      encoding: that it works on.
      batch_size: children per generation.
      settings: values by name, as text.
    Returns:
      The strategy.
    Raises:
      InputError: no such strategy or setting, a value is not what the setting expects, or a builder that is
        not in `STRATEGIES` fails or makes something else.
    """
    entry = find(name)
    known = settings_of(entry)
    values = {}
    for setting, text in settings.items():
        if setting not in known:
            choice = ", ".join(known) or "no settings"
            raise InputError(f"set: {shown(name)} knows {choice}; got {shown(setting)}")
        values[setting] = _read(setting, _kind_of(entry, known[setting]), text)
    if name in STRATEGIES:
        return remembered(entry.build)(encoding, batch_size=batch_size, **values)
    try:
        strategy = remembered(entry.build)(encoding, batch_size=batch_size, **values)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"strategy: {shown(name)} could not be built: {type(error).__name__}: {shown(error)}"
        ) from error
    if not isinstance(strategy, Strategy):
        raise InputError(
            f"strategy: expected {shown(name)} to make a fooljax.Strategy, got {type(strategy).__name__}"
        )
    return strategy


def _kind_of(entry: Entry, parameter: inspect.Parameter) -> Any:
    """The type of a setting: as annotated, or else that of its default."""
    function = entry.build.func if isinstance(entry.build, partial) else entry.build
    try:
        annotation = get_type_hints(function).get(parameter.name)
    except Exception:  # a name in an annotation may mean nothing here
        annotation = None
    return type(parameter.default) if annotation is None else annotation


def _read(name: str, kind: Any, text: str) -> Any:
    """The value that a text stands for.

    Raises:
      InputError: it stands for none of this type, or the type is none that a command line can write.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if NoneType in parts and text.lower() == "off":
            return None
        (kind, *others) = [part for part in parts if part is not NoneType]
        for other in others:
            with suppress(InputError):
                return _read(name, kind, text)
            kind = other
        return _read(name, kind, text)
    if origin is tuple:
        words = text.split(",")
        kinds = parts[:1] * len(words) if parts[-1] is ... else parts
        if len(words) != len(kinds):
            raise InputError(f"set: expected {name} to be {len(kinds)} values with commas, got {shown(text)}")
        return tuple(_read(name, one, word) for one, word in zip(kinds, words, strict=True))
    if not any(kind is one for one in _KINDS):
        raise InputError(f"set: {name} cannot be given as text: its type is {shown(kind)}")
    try:
        value = _WORDS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise InputError(f"set: expected {name} to be {_KINDS[kind]}, got {shown(text)}") from None
    if kind in (int, float) and not abs(value) <= (_MOST if kind is int else sys.float_info.max):
        bound = f"at most {_MOST:,}" if kind is int else "finite"
        raise InputError(f"set: expected {name} to be {bound}, got {shown(text)}")
    return value
