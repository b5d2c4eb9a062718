"""Builders that give the same value for equal settings, so that a program compiled for one serves the other.

An encoding or a strategy is a bundle of functions, and functions made anew are never equal to those made
before, whatever they were made from.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax

MOST = 256
"""Values kept; the one not asked for longest goes first."""

Settings = ParamSpec("Settings")
Value = TypeVar("Value")


def remembered(build: Callable[Settings, Value]) -> Callable[Settings, Value]:
    """`build`, such that equal settings give the same value, written out or left at their defaults.

    Lists among the settings are taken as tuples. Settings that cannot be hashed are built anew each time.

    Args:
      build: pure; gives a value that nobody changes.
    """
    signature = inspect.signature(build)

    @functools.wraps(build)
    def built(*args: Settings.args, **kwargs: Settings.kwargs) -> Value:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return build(*args, **kwargs)
        bound.apply_defaults()
        given = _frozen((bound.args, tuple(sorted(bound.kwargs.items()))))
        try:
            hash(given)
        except TypeError:
            return build(*given[0], **dict(given[1]))
        value: Value = _built(build, given, _kinds(given))
        return value

    return built


@functools.lru_cache(maxsize=MOST)
def _built(build: Callable[..., Any], given: Any, kinds: Any) -> Any:
    del kinds
    # A builder that makes arrays while a program is traced would else leave values of that trace behind.
    with jax.ensure_compile_time_eval():
        return build(*given[0], **dict(given[1]))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if type(value) in (list, tuple) else value


def _kinds(value: Any) -> Any:
    """Types of all parts: 1, 1.0 and True are equal, but are not the same setting."""
    return (type(value), *map(_kinds, value)) if isinstance(value, tuple) else type(value)
