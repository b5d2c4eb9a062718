"""`fooljax evolve`: evolves images that fool a network. Experiments are this command with other defaults."""

import argparse
import functools
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from fooljax.cli.command_line import Parser, again_with, is_count, parse, run_command
from fooljax.cli.joining import Joined, add_flags, joined
from fooljax.cli.size_flag import add_size, with_size
from fooljax.engine.placement import ALL, mesh_of
from fooljax.errors import InputError, shown
from fooljax.processes import Lost, from_writer, is_alone, is_writer, reason_of
from fooljax.report import evolution_page
from fooljax.runs import evolution_run
from fooljax.runs.encoding_kinds import ENCODING_KINDS
from fooljax.runs.recipe import Recipe, compose_recipe, recipe_of
from fooljax.runs.summary import in_lines
from fooljax.storage.json_files import read_json
from fooljax.targets.file_choice import FORMATS, is_file_name
from fooljax.targets.registry import TARGETS, find_target, is_from_outside, short_name
from fooljax.terminal import Host, Interrupted, Signals, Terminal

TARGET, ENCODING = "lenet", "direct"
"""What is fooled, and by what, where the command line does not say."""
CHOICES_HELP = {
    "target": "The network that is fooled: a name, a file of your own (ending in "
    f"{', '.join(FORMATS)}), or MODULE:NAME of a fooljax.Target.",
    "encoding": "What an image is made of: a name, or MODULE:NAME of a fooljax.Encoding of your own.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    chosen: list[Recipe] = []

    def command() -> None:
        with joined(argv) as processes:
            recipe, rest = choose(processes.rest)
            chosen.append(recipe)
            _do(recipe, processes._replace(rest=rest))

    def names() -> list[str]:
        return [*CHOICES_HELP, *(field.name for recipe in chosen for field in fields(recipe.config))]

    return run_command(command, names)


def experiment_main(recipe: Recipe, argv: Sequence[str] | None = None) -> int:
    """The command of an experiment; returns its exit status."""

    def command() -> None:
        with joined(argv) as processes:
            _do(recipe, processes)

    return run_command(command, recipe.config)


def choose(argv: Sequence[str] | None) -> tuple[Recipe, list[str]]:
    """The kind of search that the command line means, and the flags that are left.

    Raises:
      InputError: there is no such network or encoding, or the folder to resume is of another search.
    """
    parser = Parser(prog="fooljax evolve", add_help=False, allow_abbrev=False)
    for name in ("target", "encoding", "resume"):
        parser.add_argument(f"--{name}", default=None)
    parser.add_argument("-h", "--help", action="store_true")
    found, rest = parser.parse_known_args(argv)
    if found.help:
        if found.target is None and found.encoding is None:
            print(_listing())
            raise SystemExit(0)
        rest.append("--help")
    if found.resume is None:
        return compose_recipe(found.target or TARGET, found.encoding or ENCODING), rest
    rest += ["--resume", found.resume]
    file = Path(found.resume) / "config.json"
    config = from_writer("recipe", lambda: read_json(file) if file.exists() else None)
    if config is None:  # `RunFolder.resume` says what is missing
        return compose_recipe(found.target or TARGET, found.encoding or ENCODING), rest
    recipe = recipe_of(config, str(file))
    for name, begun in (("target", recipe.target_name), ("encoding", recipe.encoding_name)):
        given = getattr(found, name)
        if name == "target" and given is not None and is_file_name(given) and is_file_name(begun):
            # Another path may lead to the same network; which one it is, its digest says.
            recipe = replace(recipe, target=find_target(given))
        elif given is not None and given != begun:
            raise InputError(f"{name}: the run in {found.resume} was begun with {shown(begun)}, got {given}")
        if is_from_outside(begun) and given is None:
            raise InputError(
                f"{name}: the run in {shown(found.resume)} uses what is not built in; if you trust it, "
                f"add --{name} {shlex.quote(shown(begun))}"
            )
    return recipe, rest


def _listing() -> str:
    """The help of `fooljax evolve` where neither a network nor an encoding is named yet."""

    def lines(entries: Mapping[str, Any]) -> str:
        width = max(map(len, entries))
        return "\n".join(f"  {name:{width}}  {entry.line}" for name, entry in entries.items())

    return "\n".join(
        [
            "usage: fooljax evolve [--target NAME] [--encoding NAME] [settings]",
            "",
            "Evolves images that a neural network names with near certainty, and makes a page of them.",
            "",
            f"--target NAME     {CHOICES_HELP['target']} (default: {TARGET})",
            lines(TARGETS),
            "",
            f"--encoding NAME   {CHOICES_HELP['encoding']} (default: {ENCODING})",
            lines(ENCODING_KINDS),
            "",
            "The defaults of --strategy and --children differ by encoding.",
            "Their settings, and those of the search:",
            f"  fooljax evolve --target {TARGET} --encoding {ENCODING} --help",
        ]
    )


def _do(recipe: Recipe, processes: Joined) -> None:
    """Reads the flags that are left, searches, and ends by printing where the page is.

    Raises:
      InputError, FaultError, Interrupted: see `run_command`.
    """
    title, introduction = recipe.words()
    given, flags = parse(
        recipe.config,
        f"{title}. {introduction[0]}",
        processes.rest,
        program=" ".join(recipe.command[: 2 if recipe.experiment is None else None]),
        more=functools.partial(_add_flags, recipe),
    )
    given = with_size(recipe.sizes, flags, given)
    if not is_alone():
        flags.devices = flags.devices or ALL
    if flags.devices is not None:
        mesh_of(flags.devices)  # what is wrong is told before any data are loaded
    terminal = Terminal(flags.quiet or not is_writer())
    path = Path(flags.resume or flags.outdir or _new_folder(recipe))
    with Signals() as signals:
        host = Host(terminal, signals, flags.checkpoint_seconds, flags.devices)
        try:
            if flags.resume is not None:
                summary = evolution_run.resume(recipe, path, given, evolution_page.write, host)
            else:
                summary = evolution_run.run(recipe, recipe.config(**given), path, evolution_page.write, host)
        except (Interrupted, Exception) as error:
            reason = reason_of(error)
            if not isinstance(reason, Interrupted | Lost) or not (path / "config.json").exists():
                raise
            again = [*_resuming(recipe, path, given), *processes.again, *again_with(flags)]
            said = f"{reason}; go on with: {shlex.join(again)}{processes.in_words()}"
            if isinstance(reason, Interrupted):
                raise Interrupted(reason.signal_number, said) from error
            raise Lost(said) from error
    for line in in_lines(summary):
        terminal.say(line)
    terminal.say(", ".join(f"{name} {seconds:.1f} s" for name, seconds in terminal.seconds.items()))
    terminal.say(f"page: {path / 'index.html'}")


def _add_flags(recipe: Recipe, parser: argparse.ArgumentParser) -> None:
    """Adds the flags that are no settings, and shows the two in `--help` that were read before."""
    if recipe.experiment is None:
        for name, text in CHOICES_HELP.items():
            parser.add_argument(f"--{name}", metavar="NAME", help=text)
    else:
        add_size(recipe.sizes, parser)
    parser.add_argument(
        "--devices",
        metavar="N|all",
        type=lambda text: int(text) if is_count(text) else text,
        default=None,
        help="Number of GPUs, or other devices, that share the work of the search. (default: one does all; "
        "with --distributed, all of every machine share it)",
    )
    add_flags(parser)


def _new_folder(recipe: Recipe) -> str:
    name = recipe.experiment or f"{short_name(recipe.target_name)}-{short_name(recipe.encoding_name)}"
    return f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def _resuming(recipe: Recipe, path: Path, given: Mapping[str, Any]) -> list[str]:
    """The words of the command that goes on with a run; code of the user's is named again."""
    own = {name: str(given[name]) for name in ("strategy", "data") if name in given}
    if recipe.experiment is None:
        own |= {"target": recipe.target_name, "encoding": recipe.encoding_name}
    words = [*recipe.command[: 2 if recipe.experiment is None else None], "--resume", str(path.absolute())]
    for name, value in own.items():
        if is_from_outside(value):
            words += [f"--{name}", value]
    return words
