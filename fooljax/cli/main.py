"""`fooljax COMMAND`: each command is a module of this folder, which is loaded when it is asked for."""

import importlib
import sys
from collections.abc import Sequence

from fooljax.cli import starting

COMMANDS = {
    "evolve": "evolve images that fool a network, and make a page of them",
    "ascend": "make images that fool a network by following its gradient",
    "report": "make the page of a run again, from its folder",
    "lineage": "draw the ancestors of an image of a run",
    "poster": "draw an image of a run at any size",
    "compare": "put finished runs side by side",
    "sweep": "do a search with many settings",
    "tabulate": "make a table of many runs",
    "validate": "measure how well a network for ImageNet names photographs",
    "strategies": "list the search strategies, or the settings of one",
}
"""What each command does, in the order of `fooljax --help`."""


def main(argv: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    starting.begin()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    command, rest = words[0], words[1:]
    if command in ("-V", "--version"):
        from fooljax import __version__

        print(f"fooljax {__version__}")
        return 0
    if command not in COMMANDS:
        print(f"error: {_unknown(command)}", file=sys.stderr)
        return 2
    status: int = importlib.import_module(f"fooljax.cli.{command}").main(rest)
    return status


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {line}" for name, line in COMMANDS.items()]
    return "\n".join(
        [
            "usage: fooljax COMMAND [flags]",
            "",
            "Evolves images that a neural network names with near certainty and no person recognises.",
            "",
            *lines,
            "",
            "fooljax COMMAND --help   says what a command takes",
            "fooljax --version        says which version this is",
        ]
    )


def _unknown(command: str) -> str:
    import difflib

    from fooljax.errors import shown

    near = difflib.get_close_matches(command, COMMANDS, 3, 0.5)
    wanted = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(COMMANDS)}"
    return f"unknown command {shown(command)}; {wanted}"


if __name__ == "__main__":
    sys.exit(main())
