"""Flags from the fields of a dataclass of settings, and failures as one line on stderr."""

import argparse
import contextlib
import dataclasses
import io
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn

import jax

from fooljax.cli.starting import stopped_while_loading
from fooljax.engine.precision import in_float32
from fooljax.environment import ask_for_determinism
from fooljax.errors import FaultError, InputError, first_line, nearest, shown
from fooljax.own_settings import NEEDED, fault_of_jax
from fooljax.processes import ended, reason_of
from fooljax.settings import (
    OFF,
    REQUIRED,
    Config,
    check_setting,
    check_used,
    flag_of,
    in_words,
    range_of,
    type_in_words,
)
from fooljax.storage.outputs import check_output, expanded
from fooljax.terminal import Interrupted, silence_stdout

Settings = type[Any] | Callable[[], Iterable[str]]
"""A dataclass of settings, or a function that gives their names."""
COMMON = (
    *("outdir", "resume", "devices", "workers", "scheduler"),
    *("coordinator_address", "num_processes", "process_id"),
)
"""Flags of several commands that are no settings, by the names that messages have for them."""
SEVERAL = {"network": "networks", "detector": "detectors", "generator": "generators"}
"""Settings that name several things, by what a message calls one of them."""
LONGEST_LINE = 4000
"""Characters of a message, at most: a path may have as many."""


_ASKED: ContextVar[list[argparse.ArgumentParser] | None] = ContextVar("asked", default=None)
"""Where parsers go whose help is asked for, if it is not to be printed."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are `InputError`."""

    def print_help(self, file: Any = None) -> None:
        """Prints the help, unless `parser_of` wants the parser itself."""
        if (asked := _ASKED.get()) is None:
            super().print_help(file)
        else:
            asked.append(self)

    def error(self, message: str) -> NoReturn:
        """Raises InputError instead of leaving the process."""
        message = message.removeprefix("argument ")
        if message.endswith("expected one argument"):
            message += f"; one that begins with a minus is written {message.partition(':')[0]}=-1"
        raise InputError(message)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: D102
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            known = [flag for flag in self._option_string_actions if flag.startswith("--")]
            # All flags begin alike, so they are less alike than they seem.
            near = nearest(unknown[0].partition("=")[0], known, 0.7) if unknown[0].startswith("-") else ""
            raise InputError(f"unrecognized arguments: {shown(' '.join(unknown))}{near}")
        return found


def parse(
    config: type[Config],
    description: str,
    argv: Sequence[str] | None,
    *,
    program: str | None = None,
    more: Callable[[argparse.ArgumentParser], None] = lambda _: None,
    folder: str = "The folder of the run, which must be new or empty.",
) -> tuple[dict[str, Any], argparse.Namespace]:
    """Reads the flags of a command that makes the folder of a run.

    Args:
      config: the dataclass of its settings.
      description: what the command does.
      argv: the words of the command line; those of the process by default.
      program: how the command is called; by default by the module of `config`.
      more: adds flags of the command's own.
      folder: the help of `--outdir`.
    Returns:
      The settings that were given (only those), and the flags that are not settings: outdir, resume,
      checkpoint_seconds, quiet, deterministic. The last is done already: XLA reads it before anything else.
    Raises:
      InputError: a flag is unknown, its value is of the wrong type or out of range, or another flag makes it
        useless.
    """
    parser = settings_parser(config, description, program)
    more(parser)
    parser.add_argument("--outdir", metavar="DIR", default=None, help=folder)
    parser.add_argument("--resume", metavar="DIR", default=None, help="Go on with the run in this folder.")
    parser.add_argument(
        "--checkpoint-seconds",
        metavar="X",
        type=_positive,
        default=10.0,
        help="Seconds between two checkpoints, at least. (default: 10)",
    )
    parser.add_argument("--quiet", action="store_true", default=False, help="Print only notes and errors.")
    parser.add_argument(
        "--deterministic",
        action="store_true",
        default=False,
        help="On a GPU, use only kernels that give the same bits in every process, which may be slower. On a "
        "CPU it is always so.",
    )
    flags = parser.parse_args(argv)
    if flags.deterministic:
        ask_for_determinism()
    given = given_settings(config, flags)
    for name in ("outdir", "resume"):
        if getattr(flags, name) == "":
            raise InputError(f"--{name}: expected a folder, got an empty name")
        if getattr(flags, name) is not None:
            setattr(flags, name, str(expanded(f"--{name}", getattr(flags, name))))
    if flags.resume is not None and flags.outdir is not None:
        raise InputError("--outdir: not together with --resume, which names the folder")
    if flags.resume is None:
        check_used(config(**given), given)
    return given, flags


def parser_of(main: Callable[[Sequence[str]], int], words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser whose help a command would print.

    Args:
      main: the command.
      words: flags that decide which parser it has, as the network of `fooljax evolve`.
    """
    found: list[argparse.ArgumentParser] = []
    before = _ASKED.set(found)
    try:
        with contextlib.suppress(SystemExit):
            main([*words, "--help"])
    finally:
        _ASKED.reset(before)
    (parser,) = found
    return parser


def is_count(text: str) -> bool:
    """Whether a word is a whole number, 0 or more, of at most nine digits."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def again_with(flags: argparse.Namespace) -> list[str]:
    """The flags of a command, other than settings, that it needs again to go on with its run."""
    devices = getattr(flags, "devices", None)
    asked = [] if devices is None else ["--devices", str(devices)]
    return ["--deterministic", *asked] if flags.deterministic else asked


def parse_tool(
    config: type[Config],
    description: str,
    argv: Sequence[str] | None,
    *,
    program: str | None = None,
    output_folder: str = "",
    output_file: str = "The PNG file to write. (default: a file in RUN)",
    source: tuple[str, str] = ("RUN", "The folder of a finished run."),
) -> tuple[Config, Path, Path | None]:
    """Reads the flags of a command that makes something to look at, from a finished run by default.

    Args:
      config: the dataclass of its settings.
      description: what the command does.
      argv: the words of the command line; those of the process by default.
      program: how the command is called; by default by the module of `config`.
      output_folder: the help of `--output`, where that is a folder; else it is a PNG file.
      output_file: its help then.
      source: what it is made from: the argument's name, and its help.
    Returns:
      The settings, the source, and the file or folder to write (None: the command chooses).
    Raises:
      InputError: a flag is missing, unknown, of the wrong type or out of range, or there is something at the
        file's name that must not be replaced.
    """
    parser = settings_parser(config, description, program)
    parser.add_argument("source", metavar=source[0], help=source[1])
    word = "DIR" if output_folder else "FILE"
    text = output_folder or output_file
    parser.add_argument("--output", metavar=word, default=None, help=text)
    flags = parser.parse_args(argv)
    given = given_settings(config, flags)
    for name, value in ((source[0], flags.source), ("--output", flags.output)):
        if value is not None and (not value or "\0" in value):
            raise InputError(f"{name}: expected a path, got {shown(repr(value))}")
    output = None if flags.output is None else expanded("--output", flags.output)
    if output is not None and not output_folder:
        if output.suffix.lower() != ".png":
            raise InputError(f"--output: expected a name that ends in .png, got {shown(output)}")
        check_output(output, "--output")
    return config(**given), expanded(source[0], flags.source), output


def settings_parser(config: type[Any], description: str, program: str | None = None) -> Parser:
    """A parser of settings."""
    parser = Parser(
        prog=program or (f"python -m {config.__module__}" if config.__module__ != "__main__" else None),
        description=description,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32, width=100),
    )
    settings = parser.add_argument_group("settings")
    for field in dataclasses.fields(config):
        flag, facts = flag_of(field.name), field.metadata
        required = field.default is REQUIRED
        default = "required" if required else f"default: {in_words(field.default)}"
        bounds = f"; {limits}" if (limits := range_of(field)) else ""
        text = f"{facts['text']} ({default}{bounds})".replace("%", "%%")
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


def given_settings(config: type[Any], flags: argparse.Namespace) -> dict[str, Any]:
    """The settings among the flags, checked."""
    given = {}
    for field in dataclasses.fields(config):
        if hasattr(flags, field.name):
            value = getattr(flags, field.name)
            given[field.name] = " ".join(value) if field.metadata["repeated"] else value
            check_setting(field, given[field.name])
    return given


def run_command(main: Callable[[], None], settings: Settings | None = None) -> int:
    """Runs a command; returns its exit status, and says any failure in one line on stderr.

    Args:
      main: the command.
      settings: the dataclass of its settings, whose names a message about them shows as flags; or a function
        that gives their names, once they are known.
    Returns:
      0; or 2 where the input was wrong, 1 where the environment failed, 128 + n where signal n ended it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without the letters of a name shows their numbers.
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, handlers=[_notes()])
    for name, needed in NEEDED.items():
        if (found := jax.config.values[name]) not in (needed, None):
            logging.getLogger("fooljax").warning("%s is %s; this command uses %s", name, found, needed)
            jax.config.update(name, needed)
    if signal.getsignal(signal.SIGINT) is stopped_while_loading:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        in_float32(main)()
        if sys.stdout is not None:
            sys.stdout.flush()
    except InputError as error:
        return _fail(2, _with_flag(str(error), settings))
    except FaultError as error:
        return _fail(1, _with_flag(str(error), settings))
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
        if (reason := reason_of(error)) is not error:
            return _fail(2 if isinstance(reason, InputError) else 1, str(reason))
        if (fault := fault_of_jax(error)) is None:
            ended(1, first_line(error))
            raise
        return _fail(1, fault)
    return 0


def _notes() -> logging.Handler:
    """Tells warnings as lines that begin with `note:`."""

    class Printable(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return shown(super().format(record), LONGEST_LINE)

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Printable("note: %(message)s"))
    return handler


def _fail(status: int, message: str, prefix: str = "error: ") -> int:
    """Tells what ended a command, unless another process of the same search does; gives the status."""
    if ended(status, message):
        print(prefix + shown(message, LONGEST_LINE), file=sys.stderr)
    return status


def _ended_by_signal(number: int, message: str) -> int:
    """Tells the message; a process that is this command alone then ends without tidying up.

    A signal that falls into a compilation leaves a program behind that JAX would destroy after what it needs,
    which is a segmentation fault. All files are whole at any moment.
    """
    status = _fail(128 + number, message, prefix="")
    if is_a_command():
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.flush()
        os._exit(status)
    return status


def is_a_command() -> bool:
    """Whether this process is one command and nothing else: not a program that calls it, as a test does."""
    main = sys.modules["__main__"]
    name = Path(getattr(main, "__file__", None) or "").name
    package = getattr(main, "__package__", None)
    return package in ("experiments", "fooljax", "fooljax.cli") or name in ("fooljax", "fooljax.exe")


def _with_flag(message: str, settings: Settings | None) -> str:
    """Names the flags, as the user wrote them, where a message begins with names of settings."""
    start, colon, rest = message.partition(":")
    if isinstance(settings, type):
        names = [field.name for field in dataclasses.fields(settings)]
    else:
        names = list(settings()) if settings else []
    begun_with = start.split(", ")
    if start not in names and SEVERAL.get(start, start) in names:
        begun_with = [SEVERAL[start]]
    known = {*begun_with} <= {*names, *COMMON}
    return f"{', '.join(map(flag_of, begun_with))}{colon}{rest}" if known else message


def _reader(field: dataclasses.Field[Any]) -> Callable[[str], Any]:
    facts = field.metadata
    kind = facts["kind"]

    def read(text: str) -> Any:
        if facts["off"] and text == OFF:
            return None
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {type_in_words(kind)}, got {shown(text)}") from None

    return read


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more, got {shown(text)}")
    return value
