"""Flags from a config's fields, and failures as one line on stderr.

Every experiment is a frozen dataclass of settings, its fields made by `option`; the flags, `--help` and the
check of a saved config all come from those fields.
"""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from fooljax.errors import FaultError, InputError
from fooljax.precision import in_float32

Config = TypeVar("Config")


class Interrupted(Exception):
    """The user or the system asked this process to end (SIGINT, SIGTERM)."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number


REQUIRED = dataclasses.MISSING
"""The default of an option that must be given."""


def option(
    default: Any,
    text: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    kind: type | None = None,
    repeated: bool = False,
) -> Any:
    """A field of a config.

    Args:
      default: its type is the flag's type; a bool becomes `--flag` / `--no-flag`. `REQUIRED` for none.
      text: for `--help`, with the source of the constant.
      least: the smallest value allowed.
      most: the largest value allowed.
      choices: the words allowed.
      kind: the type, where the default does not tell it.
      repeated: a text flag that may be given several times; its values are joined by blanks.
    """
    metadata = {"text": text, "least": least, "most": most, "choices": tuple(choices), "repeated": repeated}
    return dataclasses.field(default=default, metadata={**metadata, "kind": kind or type(default)})


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are `InputError`."""

    def error(self, message: str) -> NoReturn:
        """Raises InputError instead of leaving the process."""
        raise InputError(message.removeprefix("argument "))


def parse(
    config: type[Config], description: str, argv: Sequence[str] | None
) -> tuple[dict[str, Any], argparse.Namespace]:
    """Reads flags.

    Returns:
      The settings that were given (only those), and the flags that are not settings: outdir, resume,
      checkpoint_seconds, quiet.
    Raises:
      InputError: a flag is unknown, or its value is of the wrong type or out of range.
    """
    parser = _parser(config, description)
    parser.add_argument("--outdir", metavar="DIR", default=None, help="a new or empty folder for the run")
    parser.add_argument("--resume", metavar="DIR", default=None, help="go on with the run in this folder")
    parser.add_argument(
        "--checkpoint-seconds",
        metavar="X",
        type=_positive,
        default=10.0,
        help="at least so long between checkpoints (default: 10)",
    )
    parser.add_argument("--quiet", action="store_true", default=False, help="print only notices and errors")
    flags = parser.parse_args(argv)
    given = _given(config, flags)
    if flags.resume is not None and flags.outdir is not None:
        raise InputError("--outdir: not together with --resume, which names the folder")
    return given, flags


def parse_tool(
    config: type[Config], description: str, argv: Sequence[str] | None
) -> tuple[Config, Path, Path | None]:
    """Reads the flags of a command that makes a picture from a finished run.

    Returns:
      The settings, the run's folder, and the file to write (None: the command chooses).
    Raises:
      InputError: a flag is missing, unknown, of the wrong type or out of range.
    """
    parser = _parser(config, description)
    parser.add_argument("run_folder", metavar="RUN", help="the folder of a finished run")
    parser.add_argument("--output", metavar="FILE", default=None, help="the PNG to write (default: in RUN)")
    flags = parser.parse_args(argv)
    given = _given(config, flags)
    if flags.output is not None and Path(flags.output).suffix.lower() != ".png":
        raise InputError(f"--output: expected a name that ends in .png, got {flags.output}")
    return config(**given), Path(flags.run_folder), flags.output and Path(flags.output)


def _parser(config: type[Any], description: str) -> Parser:
    """A parser of a config's settings."""
    parser = Parser(
        prog=f"python -m {config.__module__}" if config.__module__ != "__main__" else None,
        description=description,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32, width=100),
    )
    settings = parser.add_argument_group("settings")
    for field in dataclasses.fields(config):
        flag, facts = _flag(field.name), field.metadata
        required = field.default is REQUIRED
        told = "required" if required else f"default: {in_words(field.default)}"
        text = f"{facts['text']} ({told})".replace("%", "%%")
        if facts["kind"] is bool:
            settings.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
        else:
            word = (
                "|".join(facts["choices"])
                or {"int": "N", "float": "X", "str": "TEXT"}[facts["kind"].__name__]
            )
            settings.add_argument(
                flag,
                type=_reader(field),
                metavar="NAME=VALUE" if facts["repeated"] else word,
                help=text,
                required=required,
                action="append" if facts["repeated"] else "store",
            )
    return parser


def _given(config: type[Any], flags: argparse.Namespace) -> dict[str, Any]:
    """The settings among the flags, checked."""
    given = {}
    for field in dataclasses.fields(config):
        if hasattr(flags, field.name):
            value = getattr(flags, field.name)
            given[field.name] = " ".join(value) if field.metadata["repeated"] else value
            check_setting(field, given[field.name])
    return given


def in_words(value: Any) -> str:
    """A setting as people read it."""
    if value is None or value is False:
        return "off"
    if value == "":
        return "none"
    return "on" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def check_setting(field: dataclasses.Field[Any], value: Any) -> None:
    """Checks one setting against its field.

    Raises:
      InputError: wrong type, out of range, or not one of the choices.
    """
    facts = field.metadata
    if value is None and field.default is None:
        return
    kind = facts["kind"]
    if type(value) is int and kind is float:
        value = float(value)
    if type(value) is not kind:
        raise InputError(f"{field.name}: expected {_article(kind)}, got {value!r}")
    if facts["choices"] and value not in facts["choices"]:
        raise InputError(f"{field.name}: expected one of {', '.join(facts['choices'])}, got {value}")
    least, most = facts["least"], facts["most"]
    # Written so that NaN fails too.
    if not (least is None or value >= least) or not (most is None or value <= most):
        bounds = f"{least:g} or more" if most is None else f"a number from {least:g} to {most:g}"
        raise InputError(f"{field.name}: expected {bounds}, got {value}")


def config_from(config: type[Config], settings: Mapping[str, Any], source: str) -> Config:
    """A config from settings read from a file.

    Args:
      config: the dataclass.
      settings: every field, by name.
      source: names the file in errors.
    Raises:
      InputError: a field is missing, unknown, of the wrong type or out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}  # type: ignore[arg-type]
    if set(settings) != set(fields):
        odd = sorted(set(settings) ^ set(fields))[0]
        raise InputError(f"{source}: {'unknown' if odd in settings else 'missing'} setting {odd}")
    for name, value in settings.items():
        try:
            check_setting(fields[name], value)
        except InputError as error:
            raise InputError(f"{source}: {error}") from error
    return config(**settings)


def run_command(main: Callable[[], None], config: type[Any]) -> int:
    """Runs a command; returns its exit status, with any failure told in one line on stderr.

    Status 2 means that the input was wrong, 1 that the environment failed, 128 + n that signal n ended it.
    """
    logging.basicConfig(format="note: %(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        in_float32(main)()
    except InputError as error:
        return _fail(2, _with_flag(str(error), config))
    except FaultError as error:
        return _fail(1, str(error))
    except OSError as error:
        return _fail(1, f"{error.filename or 'file'}: {error.strerror or error}")
    except Interrupted as error:
        return _fail(128 + error.signal_number, str(error), prefix="")
    except KeyboardInterrupt:
        return _fail(130, "interrupted", prefix="")
    return 0


def _fail(status: int, message: str, prefix: str = "error: ") -> int:
    print(prefix + " ".join(message.split()), file=sys.stderr)
    return status


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _with_flag(message: str, config: type[Any]) -> str:
    """Names the flag, as the user wrote it, where a message begins with the name of a setting."""
    name, colon, rest = message.partition(":")
    names = {field.name for field in dataclasses.fields(config)}
    return f"{_flag(name)}{colon}{rest}" if name in names else message


def _reader(field: dataclasses.Field[Any]) -> Callable[[str], Any]:
    kind = field.metadata["kind"]

    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {_article(kind)}, got {text}") from None

    return read


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more, got {text}")
    return value


def _article(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[kind]
