"""`fooljax COMMAND`: each command is a module of this folder, which is loaded when it is asked for."""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence

from fooljax.cli import starting
from fooljax.errors import shown

COMMANDS = {
    "evolve": "evolve images that fool a network, and make a page of them",
    "audit": "say how easily a network is fooled, and whether a detector would notice",
    "ascend": "make images that fool a network by following its gradient",
    "perturb": "change a photograph a little, so that a network takes it for something else",
    "report": "make the page of a run again, from its folder",
    "lineage": "draw the ancestors of an image of a run",
    "poster": "draw an image of a run at any size",
    "label": "make a page on which people name images, and score their answers",
    "export": "write the images of runs as a data set that other tools read",
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
        return _say(_help())
    command, rest = words[0], words[1:]
    if command in ("-V", "--version"):
        from fooljax import __version__

        return _say(f"fooljax {__version__}")
    if command == "--print-completion":
        return _completion(rest)
    if command not in COMMANDS:
        print(f"error: {_unknown(command)}", file=sys.stderr)
        return 2
    status: int = importlib.import_module(f"fooljax.cli.{command}").main(rest)
    return status


def _say(text: str) -> int:
    """Prints a text; nothing is wrong where whoever read it has gone, as in `fooljax | head -1`."""
    try:
        print(text, flush=True)
        return 0
    except BrokenPipeError:
        status = 0
    except OSError as error:  # a full disk
        print(f"error: standard output: cannot be written: {error.strerror or error}", file=sys.stderr)
        status = 1
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes once more at its end
    return status


def _completion(words: list[str]) -> int:
    from fooljax.cli import command_line, completion

    def print_script() -> None:
        print(completion.script(" ".join(words), COMMANDS))

    return command_line.run_command(print_script)


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
            "fooljax --print-completion bash   prints what completes commands in bash, or in zsh or fish",
        ]
    )


def _unknown(command: str) -> str:
    near = difflib.get_close_matches(command, COMMANDS, 3, 0.5)
    wanted = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(COMMANDS)}"
    return f"unknown command {shown(command)}; {wanted}"


if __name__ == "__main__":
    sys.exit(main())
