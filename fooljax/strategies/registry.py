"""All strategies by name, for commands, tables and the tests of the contract."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from fooljax.base import Encoding, Strategy
from fooljax.errors import InputError
from fooljax.remembered import remembered
from fooljax.strategies.focused import focused
from fooljax.strategies.from_evosax import ALGORITHMS, evosax
from fooljax.strategies.map_elites import map_elites
from fooljax.strategies.random_search import random_search
from fooljax.strategies.rank_ea import rank_ea
from fooljax.strategies.refined import refined


class Entry(NamedTuple):
    """A strategy that has a name.

    Attributes:
      build: `build(encoding, *, batch_size=..., **settings) -> Strategy`; its other keyword arguments, all
        with a default and annotated, are its settings.
      line: what it does.
      paper: where it is from.
    """

    build: Callable[..., Strategy]
    line: str
    paper: str


STRATEGIES: dict[str, Entry] = {
    "map_elites": Entry(map_elites, "the paper's: parents drawn evenly from all", "Nguyen et al. 2015"),
    "focused": Entry(focused, "MAP-Elites, parents mostly of classes not yet fooled", "ours"),
    "refined": Entry(refined, "focused, and some children climb the gradient of their weights", "ours"),
    "rank_ea": Entry(rank_ea, "a ranked population for each class", "Nguyen et al. 2015b, code"),
    "random_search": Entry(random_search, "random genomes only; the control", "-"),
    **{
        f"evosax.{name}": Entry(partial(evosax, algorithm=name), algorithm.line, algorithm.paper)
        for name, algorithm in ALGORITHMS.items()
    },
}

_NOT_SETTINGS = ("encoding", "batch_size", "algorithm")
_WORDS = {"true": True, "on": True, "false": False, "off": False}


def find(name: str) -> Entry:
    """The strategy of this name: one in `STRATEGIES`, or `MODULE:BUILDER` of any module that can be imported.

    Raises:
      InputError: there is none.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    module, colon, builder = name.partition(":")
    if not colon:
        plain = [known for known in STRATEGIES if not known.startswith("evosax.")]
        raise InputError(
            f"strategy: expected one of {', '.join(plain)}, evosax.NAME or MODULE:BUILDER, got {name}"
        )
    try:
        build = getattr(importlib.import_module(module), builder)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"strategy: expected MODULE:BUILDER that can be imported, got {name} ({error})"
        ) from error
    if not callable(build):
        raise InputError(f"strategy: expected {name} to be a function, got {type(build).__name__}")
    return Entry(build, (build.__doc__ or "no description").strip().splitlines()[0], module)


def settings_of(entry: Entry) -> dict[str, inspect.Parameter]:
    """A strategy's settings: keyword, with annotation and default."""
    parameters = inspect.signature(entry.build).parameters
    return {name: parameter for name, parameter in parameters.items() if name not in _NOT_SETTINGS}


def build(name: str, encoding: Encoding, batch_size: int, settings: Mapping[str, str]) -> Strategy:
    """Builds a strategy from settings as they are written on a command line.

    Args:
      name: in `STRATEGIES`.
      encoding: that it works on.
      batch_size: children per generation.
      settings: values by name, as text.
    Raises:
      InputError: no such strategy or setting, or a value is not what the setting expects.
    """
    entry = find(name)
    known = settings_of(entry)
    values = {}
    for setting, text in settings.items():
        if setting not in known:
            choice = ", ".join(known) or "no settings"
            raise InputError(f"set: {name} knows {choice}; got {setting}")
        values[setting] = _read(setting, known[setting], text)
    return remembered(entry.build)(encoding, batch_size=batch_size, **values)


def _read(name: str, parameter: inspect.Parameter, text: str) -> Any:
    kinds = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    kind = next(kind for kind in kinds if str(kind.__name__) in str(parameter.annotation))
    try:
        return _WORDS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise InputError(f"set: expected {name} to be {kinds[kind]}, got {text}") from None
