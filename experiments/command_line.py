"""Flags from a config's fields, and failures as one line on stderr.

Every experiment is a frozen dataclass of settings, its fields made by `option`; the flags, `--help` and the
check of a saved config all come from those fields.
"""

import argparse
import contextlib
import dataclasses
import io
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import jax

from experiments import stopped_while_loading
from experiments.outputs import check_output
from fooljax.errors import FaultError, InputError, shown
from fooljax.precision import in_float32

Config = TypeVar("Config")
JAX_SETTINGS = {
    "jax_disable_jit": False,  # whole searches are one program
    "jax_debug_infs": False,  # an empty cell has log-odds of minus infinity
    "jax_numpy_dtype_promotion": "standard",
}
"""Settings of JAX that the commands need, whatever the environment says."""


class Interrupted(BaseException):
    """The user or the system asked this process to end (SIGINT, SIGTERM).

    No `Exception`, so that nothing that copes with errors takes it for one.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number


REQUIRED = dataclasses.MISSING
"""The default of an option that must be given."""
MOST = 2**31 - 1
"""The largest whole number that JAX counts with, which bounds every setting that is one."""
OFF = "off"
"""Stands for None, on the command line and to people."""
LONGEST_LINE = 4000
"""Characters of a message, at most: a path may have as many."""


def option(
    default: Any,
    text: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    kind: type | None = None,
    repeated: bool = False,
    off: bool = False,
    idle: tuple[str, Any] | None = None,
) -> Any:
    """A field of a config.

    Whole numbers are at most `MOST`, and no number is infinite or NaN.

    Args:
      default: its type is the flag's type; a bool becomes `--flag` / `--no-flag`. `REQUIRED` for none.
      text: for `--help`, with the source of the constant.
      least: the smallest value allowed.
      most: the largest value allowed.
      choices: the words allowed.
      kind: the type, where the default does not tell it.
      repeated: a text flag that may be given several times; its values are joined by blanks.
      off: None is a value too, which people write as the word `off`; so it is where the default is None.
      idle: another setting and its value with which nothing looks at this one: see `check_used`.
    """
    facts = {
        "text": text,
        "least": least,
        "most": most,
        "choices": tuple(choices),
        "repeated": repeated,
        "off": off or default is None,
        "idle": idle,
        "kind": kind or type(default),
    }
    return dataclasses.field(default=default, metadata=facts)


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
      InputError: a flag is unknown, its value is of the wrong type or out of range, or another flag makes it
        useless.
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
    for name in ("outdir", "resume"):
        if getattr(flags, name) == "":
            raise InputError(f"--{name}: expected a folder, got an empty name")
    if flags.resume is not None and flags.outdir is not None:
        raise InputError("--outdir: not together with --resume, which names the folder")
    if flags.resume is None:
        check_used(config(**given), given)
    return given, flags


def parse_tool(
    config: type[Config], description: str, argv: Sequence[str] | None
) -> tuple[Config, Path, Path | None]:
    """Reads the flags of a command that makes a picture from a finished run.

    Returns:
      The settings, the run's folder, and the file to write (None: the command chooses).
    Raises:
      InputError: a flag is missing, unknown, of the wrong type or out of range, or there is something at the
        file's name that must not be replaced.
    """
    parser = _parser(config, description)
    parser.add_argument("run_folder", metavar="RUN", help="the folder of a finished run")
    parser.add_argument("--output", metavar="FILE", default=None, help="the PNG to write (default: in RUN)")
    flags = parser.parse_args(argv)
    given = _given(config, flags)
    output = None if flags.output is None else Path(flags.output)
    if output is not None:
        if output.suffix.lower() != ".png":
            raise InputError(f"--output: expected a name that ends in .png, got {shown(output)}")
        check_output(output, "--output")
    return config(**given), Path(flags.run_folder), output


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
        raise InputError(f"{field.name}: expected {_article(kind)}, got {shown(repr(value))}")
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


def _plain(number: float) -> str:
    return str(number) if type(number) is int else f"{number:g}"


def _check_text(name: str, value: str) -> None:
    """Refuses what no command line holds, and no file of a run: NUL, and bytes that are not UTF-8."""
    if "\0" in value or value.encode("utf-8", "replace").decode() != value:
        raise InputError(f"{name}: expected text in UTF-8 without NUL, got {shown(repr(value))}")


def check_used(config: Any, given: Collection[str] = ()) -> None:
    """Refuses settings that another one makes useless, where they were given or are not as by default.

    Raises:
      InputError: there are such; names them all.
    """
    useless: dict[tuple[str, Any], list[str]] = {}
    for field in dataclasses.fields(config):
        idle = field.metadata["idle"]
        if not idle or getattr(config, idle[0]) != idle[1]:
            continue
        if field.name in given or getattr(config, field.name) != field.default:
            useless.setdefault(idle, []).append(_flag(field.name))
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


def run_command(main: Callable[[], None], config: type[Any]) -> int:
    """Runs a command; returns its exit status, with any failure told in one line on stderr.

    Status 2 means that the input was wrong, 1 that the environment failed, 128 + n that signal n ended it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without the letters of a name shows their numbers.
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, handlers=[_notes()])
    for name, needed in JAX_SETTINGS.items():
        if (found := jax.config.values[name]) != needed:
            logging.getLogger("fooljax").warning("%s is %s; this command uses %s", name, found, needed)
            jax.config.update(name, needed)
    if signal.getsignal(signal.SIGINT) is stopped_while_loading:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        in_float32(main)()
        if sys.stdout is not None:
            sys.stdout.flush()
    except InputError as error:
        return _fail(2, _with_flag(str(error), config))
    except FaultError as error:
        return _fail(1, str(error))
    except BrokenPipeError:
        silence_stdout()
        return 128 + signal.SIGPIPE
    except OSError as error:
        return _fail(1, f"{error.filename or 'a file or stream'}: {error.strerror or error}")
    except MemoryError as error:
        return _fail(1, f"out of memory: {error}")
    except Interrupted as error:
        return _ended_by_signal(error.signal_number, str(error))
    except KeyboardInterrupt:
        return _ended_by_signal(signal.SIGINT, "interrupted")
    except Exception as error:
        if (fault := _fault_of_jax(error)) is None:
            raise
        return _fail(1, fault)
    return 0


def silence_stdout() -> None:
    """Sends what is still to be printed nowhere: whoever read it has gone."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _notes() -> logging.Handler:
    """Tells warnings as lines that begin with `note:`."""

    class Printable(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return shown(super().format(record), LONGEST_LINE)

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Printable("note: %(message)s"))
    return handler


def _fault_of_jax(error: Exception) -> str | None:
    """What the environment lacks, where that is what made JAX raise; None where it is a bug."""
    text = str(error)
    if isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in text:
        return f"out of memory: {text}"
    try:
        jax.devices()
    except Exception as reason:
        wanted = os.environ.get("JAX_PLATFORMS")
        where = f"JAX_PLATFORMS={wanted}" if wanted else "JAX"
        said = shown(str(reason).strip().splitlines()[0]) if str(reason).strip() else "it gives no reason"
        return f"{where}: expected a device that JAX can use, found none ({said})"
    return None


def _fail(status: int, message: str, prefix: str = "error: ") -> int:
    print(prefix + shown(message, LONGEST_LINE), file=sys.stderr)
    return status


def _ended_by_signal(number: int, message: str) -> int:
    """Tells the message; a process that is this command alone then ends without tidying up.

    A signal that falls into a compilation leaves a program behind that JAX would destroy after what it needs,
    which is a segmentation fault. All files are whole at any moment.
    """
    status = _fail(128 + number, message, prefix="")
    if getattr(sys.modules["__main__"], "__package__", None) == "experiments":
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.flush()
        os._exit(status)
    return status


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _with_flag(message: str, config: type[Any]) -> str:
    """Names the flag, as the user wrote it, where a message begins with the name of a setting."""
    name, colon, rest = message.partition(":")
    names = {field.name for field in dataclasses.fields(config)}
    return f"{_flag(name)}{colon}{rest}" if name in names else message


def _reader(field: dataclasses.Field[Any]) -> Callable[[str], Any]:
    facts = field.metadata
    kind = facts["kind"]

    def read(text: str) -> Any:
        if facts["off"] and text == OFF:
            return None
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {_article(kind)}, got {shown(text)}") from None

    return read


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more, got {shown(text)}")
    return value


def _article(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[kind]
