"""What `--help` of every command says is made of whole sentences and of words that a stranger knows."""

import argparse
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

from fooljax.cli import command_line

ROOT = Path(__file__).parents[2]
NOT_COMMANDS = {
    "__init__", "cells", "command_line", "completion", "joining", "main", "published_commands", "size_flag",
    "starting", "study", "swept_run", "tended", "worker_flags",
}  # fmt: skip
COMMANDS = sorted(
    f"{folder.replace('/', '.')}.{path.stem}"
    for folder in ("fooljax/cli", "experiments")
    for path in (ROOT / folder).glob("*.py")
    if path.stem not in NOT_COMMANDS
)
OUR_OWN_WORDS = re.compile(
    r"\b(?:subjects?|jobs?|climb(?:s|ing|ed)?|cards?(?!\.json)|judged|told|entry|entries)\b",
    re.IGNORECASE,
)
"""Words that mean something to those who wrote the program only."""
DEFAULT = re.compile(r"\s*\((?:[^()]*; )?(?:default|required)[^()]*\)\s*$")


CHOSEN = {
    "fooljax.cli.evolve": ["--target", "lenet", "--encoding", "cppn"],
    "fooljax.cli.ascend": ["--target", "lenet"],
    "fooljax.cli.audit": ["lenet"],
}
"""What a command must be told before it has one parser."""


@cache
def parser_of(module):
    """The parser whose help a command prints."""
    return command_line.parser_of(importlib.import_module(module).main, CHOSEN.get(module, ()))


def texts(module):
    """What a command says of itself and of each of its arguments, by their names."""
    parser = parser_of(module)
    found = {"the command": parser.description or ""}
    for action in parser._actions:
        if action.help is not argparse.SUPPRESS and "--help" not in action.option_strings:
            found[", ".join(action.option_strings) or action.metavar or action.dest] = action.help or ""
    return found


@pytest.mark.parametrize("module", COMMANDS)
def test_help_is_made_of_sentences(module):
    wrong = {}
    for name, text in texts(module).items():
        said = DEFAULT.sub("", text.strip())
        # A setting may begin with the value that it speaks of, as "off goes on to the last generation".
        if len(said.split()) < 4 or not said[:1].isupper() or not said.endswith((".", ".`")):
            wrong[name] = text
    assert wrong == {}


@pytest.mark.parametrize("module", COMMANDS)
def test_help_uses_no_private_word(module):
    wrong = {name: text for name, text in texts(module).items() if OUR_OWN_WORDS.search(text)}
    assert wrong == {}
