"""`fooljax --print-completion SHELL`: a script by which a shell completes what one types after `fooljax`."""

import argparse
import importlib
from collections.abc import Iterable, Mapping

from fooljax.cli.command_line import parser_of
from fooljax.errors import InputError, shown
from fooljax.runs.encoding_kinds import ENCODING_KINDS
from fooljax.strategies.registry import STRATEGIES
from fooljax.targets.registry import TARGETS

SHELLS = ("bash", "zsh", "fish")
VARIANTS: dict[str, list[tuple[str, ...]]] = {
    "evolve": [
        *(("--target", name) for name in TARGETS),
        *(("--target", "lenet", "--encoding", name) for name in ENCODING_KINDS),
    ],
    "ascend": [("--target", name) for name in TARGETS],
    "audit": [(name,) for name in TARGETS],
}
"""Flags by which a command has other flags; what is completed are the flags of all."""
NAMES: dict[str, Iterable[str]] = {
    "--target": TARGETS,
    "--encoding": ENCODING_KINDS,
    "--strategy": STRATEGIES,
    "NAME": STRATEGIES,
}
"""What may stand after a flag; NAME is the argument of `fooljax strategies`."""
FOLDERS = ("DIR", "RUN")
NUMBERS = ("N", "X")
"""How the help calls an argument that is a folder, or a number."""


def script(shell: str, commands: Mapping[str, str]) -> str:
    """The script for a shell.

    Args:
      shell: one of `SHELLS`.
      commands: what each command of `fooljax` does, in a line, by its name.
    Raises:
      InputError: it is another shell.
    """
    if shell not in SHELLS:
        raise InputError(f"--print-completion: expected {', '.join(SHELLS)}, got {shown(repr(shell))}")
    import shtab

    whole = argparse.ArgumentParser(prog="fooljax")
    whole.add_argument("--version", action="store_true", help="Print which version this is.")
    whole.add_argument("--print-completion", choices=SHELLS, help="Print such a script as this.")
    parts = whole.add_subparsers()
    for name, line in commands.items():
        main = importlib.import_module(f"fooljax.cli.{name}").main
        parsers = [parser_of(main, words) for words in VARIANTS.get(name, [()])]
        part = parts.add_parser(name, add_help=False, help=line)
        for action in {one.dest: one for parser in parsers for one in parser._actions}.values():
            _complete_value(action, shtab.DIRECTORY, shtab.FILE)
            part._add_action(action)
    return shtab.complete(whole, shell)


def _complete_value(action: argparse.Action, folder: object, file: object) -> None:
    """Says what may stand in an argument: one of some names, a folder, or a file."""
    word = action.metavar if isinstance(action.metavar, str) else ""
    called = next(iter(action.option_strings), word)
    if called in NAMES:
        action.choices = list(NAMES[called])
    elif "|" in word:
        action.choices = [one for one in word.split("|") if one not in NUMBERS]
    elif action.nargs != 0 and action.choices is None and word not in NUMBERS:
        action.complete = folder if word in FOLDERS else file  # type: ignore[attr-defined]
