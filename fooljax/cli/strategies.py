"""`fooljax strategies`: lists the search strategies, or with a NAME one of them and its settings."""

import sys
from collections.abc import Sequence

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
    lines += [f"  --set {key}={in_words(p.default)}" for key, p in settings_of(entry).items()]
    return "\n".join(lines)


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
