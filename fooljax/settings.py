"""Settings: each is a field of a frozen dataclass that has its default, its range, its help and its source.

Flags, `--help`, the check of a saved `config.json` and the settings of a run all come from these fields. The
settings of a search are composed of several dataclasses: of the search, of its target and of its encoding.
"""

import dataclasses
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from fooljax.errors import InputError, shown

Config = TypeVar("Config")
REQUIRED = dataclasses.MISSING
"""The default of an option that must be given."""
MOST = 2**31 - 1
"""The largest whole number that JAX counts with, which bounds every setting that is one."""
OFF = "off"
"""Stands for None, on the command line and to people."""


def option(
    default: Any,
    text: str,
    *,
    source: str = "",
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    kind: type | None = None,
    repeated: bool = False,
    off: bool = False,
    idle: tuple[str, Any] | None = None,
) -> Any:
    """A field of a dataclass of settings.

    Whole numbers are at most `MOST`, and no number is infinite or NaN.

    Args:
      default: its type is the type of the flag. A bool becomes `--flag` and `--no-flag`. `REQUIRED` for none.
      text: for `--help`: a sentence or two that a stranger understands.
      source: a sentence for `--help` on what the paper or its authors' code has, or that the value is ours.
      least: the smallest value allowed.
      most: the largest value allowed.
      choices: the words allowed.
      kind: the type, where the default does not tell it.
      repeated: a text flag that may be given several times; its values are joined by blanks.
      off: None is a value too, which people write as the word `off`; so it is where the default is None.
      idle: another setting and the value of it with which this one has no effect: see `check_used`.
    """
    facts = {
        "text": f"{text} {source}".rstrip(),
        "least": least,
        "most": most,
        "choices": tuple(choices),
        "repeated": repeated,
        "off": off or default is None,
        "idle": idle,
        "kind": kind or type(default),
    }
    return dataclasses.field(default=default, metadata=facts)


def compose(name: str, parts: Iterable[type[Any]], **defaults: Any) -> type[Any]:
    """A dataclass of all settings of several dataclasses, in their order.

    Args:
      name: of the dataclass.
      parts: dataclasses of settings; no two share a name.
      defaults: in place of the parts' own.
    Raises:
      ValueError: two parts share a name, or a default is of no setting.
    """
    fields = [field for part in parts for field in dataclasses.fields(part)]
    names = [field.name for field in fields]
    if len(set(names)) < len(names) or not set(defaults) <= set(names):
        raise ValueError(
            f"defaults: expected each setting once and defaults of them, got {names}, {defaults}"
        )
    return dataclasses.make_dataclass(
        name,
        [
            (
                field.name,
                field.type,
                dataclasses.field(default=defaults.get(field.name, field.default), metadata=field.metadata),
            )
            for field in fields
        ],
        frozen=True,
    )


def part_of(part: type[Config], settings: Any) -> Config:
    """Those settings of a composed dataclass that one of its parts has."""
    fields = dataclasses.fields(part)  # type: ignore[arg-type]
    return part(**{field.name: getattr(settings, field.name) for field in fields})


def range_of(field: dataclasses.Field[Any]) -> str:
    """The values that a setting may have, for `--help`; "" where any number or text will do."""
    least, most = field.metadata["least"], field.metadata["most"]
    if least is None and most is None:
        return ""
    if most is None or most == MOST:
        return f"{_plain(least)} or more"
    return f"at most {_plain(most)}" if least is None else f"{_plain(least)} to {_plain(most)}"


def in_words(value: Any) -> str:
    """A setting as people read it."""
    if value is None or value is False:
        return OFF
    if value == "":
        return "none"
    return "on" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def check_setting(field: dataclasses.Field[Any], value: Any) -> None:
    """Checks one setting against its field.

    Raises:
      InputError: wrong type, out of range, or not one of the choices.
    """
    facts = field.metadata
    if value is None and facts["off"]:
        return
    kind = facts["kind"]
    if type(value) is not kind and not (type(value) is int and kind is float):
        raise InputError(f"{field.name}: expected {type_in_words(kind)}, got {shown(repr(value))}")
    if kind is str:
        _check_text(field.name, value)
    if facts["choices"] and value not in facts["choices"]:
        raise InputError(f"{field.name}: expected one of {', '.join(facts['choices'])}, got {shown(value)}")
    if kind in (int, float):
        least, most = facts["least"], facts["most"]
        # Written so that NaN fails too. Python compares whole numbers of any size with floats.
        if not (least is None or value >= least) or not (most is None or value <= most):
            bounds = (
                f"{least:g} or more" if most is None else f"a number from {_plain(least)} to {_plain(most)}"
            )
            raise InputError(f"{field.name}: expected {bounds}, got {shown(value)}")
        if not abs(value) <= (MOST if kind is int else sys.float_info.max):
            bounds = f"at most {MOST:,}" if kind is int else "a finite number"
            raise InputError(f"{field.name}: expected {bounds}, got {shown(value)}")


def check_settings(config: Any) -> None:
    """Checks all settings of a dataclass of settings, as the command line checks flags.

    Raises:
      InputError: see `check_setting`.
    """
    for field in dataclasses.fields(config):
        check_setting(field, getattr(config, field.name))


def _plain(number: float) -> str:
    return str(number) if type(number) is int else f"{number:g}"


def _check_text(name: str, value: str) -> None:
    """Refuses what no command line holds, and no file of a run: NUL, and bytes that are not UTF-8."""
    if "\0" in value or value.encode("utf-8", "replace").decode() != value:
        raise InputError(f"{name}: expected text in UTF-8 without NUL, got {shown(repr(value))}")


def check_used(config: Any, given: Collection[str] = ()) -> None:
    """Refuses settings that have no effect because of another one.

    Args:
      config: the settings.
      given: names of those that the user gave, which are refused even where they equal the default.

    Raises:
      InputError: there are such; names them all.
    """
    useless: dict[tuple[str, Any], list[str]] = {}
    for field in dataclasses.fields(config):
        idle = field.metadata["idle"]
        if not idle or getattr(config, idle[0]) != idle[1]:
            continue
        if field.name in given or getattr(config, field.name) != field.default:
            useless.setdefault(idle, []).append(flag_of(field.name))
    for (name, value), flags in useless.items():
        raise InputError(f"{name}: {in_words(value)} has no use for {', '.join(flags)}")


def config_from(config: type[Config], settings: Mapping[str, Any], source: str) -> Config:
    """A config from settings read from a file.

    Args:
      config: the dataclass.
      settings: fields by name. One that is missing has its default: the file was written before there was
        such a setting.
      source: names the file in errors.
    Raises:
      InputError: a field is unknown, of the wrong type or out of range, or missing without a default.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}  # type: ignore[arg-type]
    if unknown := sorted(set(settings) - set(fields)):
        raise InputError(f"{source}: unknown setting {shown(unknown[0])}")
    for name, field in fields.items():
        if field.default is REQUIRED and name not in settings:
            raise InputError(f"{source}: missing setting {name}")
    for name, value in settings.items():
        try:
            check_setting(fields[name], value)
        except InputError as error:
            raise InputError(f"{source}: {error}") from error
    return config(**settings)


def flag_of(name: str) -> str:
    """The flag of a setting, as the user writes it."""
    return "--" + name.replace("_", "-")


def type_in_words(kind: type) -> str:
    """A type in words, with its article."""
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[kind]
