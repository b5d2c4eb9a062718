"""Values of JSON as frozen dataclasses, whose fields say what a file has to hold.

A field is text, a number, a switch, another dataclass, or a tuple or a mapping of such; `| None` allows null.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from fooljax.errors import InputError, shown

Kind = TypeVar("Kind")
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def typed(kind: type[Kind], value: Any, where: str) -> Kind:
    """A value as what it should be.

    Args:
      kind: a frozen dataclass; the names of its fields are those of the object, without a "_" at the end
        (`from_` is "from"). Names that it does not have are left out: a later version may have added them.
      value: as `fooljax.storage.json_files.read_json` gives it.
      where: what the value is called in errors, such as the file.
    Raises:
      InputError: a field is missing or of another kind; says which, what was expected and what came.
    """
    return typing.cast(Kind, _read(kind, value, where, ""))


def as_json(value: Any) -> Any:
    """The opposite of `typed`: a dataclass as an object of JSON, tuples as lists."""
    if dataclasses.is_dataclass(value):
        return {
            field.name.removesuffix("_"): as_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {name: as_json(one) for name, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, tuple) else value


def _read(kind: Any, value: Any, where: str, path: str) -> Any:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _read(inside[0], value, where, path)
    if dataclasses.is_dataclass(kind):
        _check(value, dict, "an object", where, path)
        hints = typing.get_type_hints(kind)
        found = {}
        for field in dataclasses.fields(kind):
            name = field.name.removesuffix("_")
            inner = f"{path}.{name}".lstrip(".")
            if name not in value:
                raise InputError(f"{where}: {inner}: expected {_said(hints[field.name])}, found nothing")
            found[field.name] = _read(hints[field.name], value[name], where, inner)
        return kind(**found)  # type: ignore[operator]
    if origin is tuple:
        _check(value, list, "a list", where, path)
        if inside[-1] is not Ellipsis and len(value) != len(inside):
            raise InputError(f"{where}: {path}: expected {len(inside)} values, found {len(value)}")
        kinds = [inside[0]] * len(value) if inside[-1] is Ellipsis else inside
        return tuple(
            _read(one, each, where, f"{path}[{place}]")
            for place, (one, each) in enumerate(zip(kinds, value, strict=True))
        )
    if origin is not None:
        _check(value, dict, "an object", where, path)
        return {
            name: _read(inside[1], each, where, f"{path}.{shown(name, 60)}") for name, each in value.items()
        }
    if kind is float and type(value) is int:
        return float(value)
    _check(value, kind, _WORDS[kind], where, path)
    return value


def _said(kind: Any) -> str:
    """What a field holds, in words."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return f"{_said(inside[0])} or null"
    return "a list" if origin is tuple else _WORDS.get(kind, "an object")


def _check(value: Any, kind: type, said: str, where: str, path: str) -> None:
    if type(value) is not kind:
        place = f"{path}: " if path else ""
        raise InputError(f"{where}: {place}expected {said}, found {shown(repr(value), 60)}")
