"""`fooljax strategies`: lists the search strategies, or with a NAME one of them and its settings."""

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fooljax.cli.command_line import Parser, run_command
from fooljax.errors import printable
from fooljax.settings import in_words
from fooljax.strategies import STRATEGIES, find, settings_of


def listing(name: str | None = None) -> str:
    """A line for every strategy; or one strategy with its settings.

    Raises:
      InputError: there is no strategy of that name.
    """
    if name is None:
        width = max(map(len, STRATEGIES))
        return "\n".join(f"{known:{width}}  {e.line} ({e.paper})" for known, e in STRATEGIES.items())
    entry = find(name)
    lines = [f"{name}: {entry.line} ({entry.paper})"]
    meant = _meanings(entry.build)
    for key, parameter in settings_of(entry).items():
        lines.append(f"  --set {key}={in_words(parameter.default)}")
        if key in meant:
            lines.append(f"      {meant[key]}")
    return "\n".join(lines)


def _meanings(build: Callable[..., Any]) -> dict[str, str]:
    """What the builder's docstring says of each argument under "Args:", where it has such a part."""
    function = build.func if isinstance(build, partial) else build
    _, _, described = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    part = re.split(r"^\S", described, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r"^  (\w+): (.*(?:\n   .*)*)", part, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def show(argv: Sequence[str] | None) -> None:
    """The command."""
    parser = Parser(
        prog="fooljax strategies",
        description="Lists the search strategies, or one of them with its settings.",
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="The strategy whose settings are listed.")
    lines = listing(parser.parse_args(argv).name).splitlines()
    print("\n".join(map(printable, lines)))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: show(argv))


if __name__ == "__main__":
    sys.exit(main())
