"""`fooljax ascend`: makes images that fool a network by following its gradient."""

import argparse
import functools
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from fooljax.cli.command_line import Parser, again_with, parse, run_command
from fooljax.cli.size_flag import add_size, with_size
from fooljax.errors import InputError, shown
from fooljax.gradient.methods import EXPLANATIONS
from fooljax.report.ascent_page import write_ascent_page
from fooljax.runs import ascent_words
from fooljax.runs.ascent_recipe import AscentRecipe, ascent_recipe_of, compose_ascent, plan_of_ascent
from fooljax.runs.ascent_run import begin, check_given, run_in
from fooljax.runs.evolution_run import check_named
from fooljax.runs.folder import RunFolder
from fooljax.settings import config_from
from fooljax.storage.json_files import read_json
from fooljax.targets.file_choice import is_file_name
from fooljax.targets.registry import TARGETS, find_target, is_from_outside, short_name
from fooljax.terminal import Interrupted, Signals, Terminal

TARGET = "lenet"
"""The network, where the command line does not say it."""
TARGET_HELP = "The network that is fooled: a name, or MODULE:NAME of a fooljax.Target of your own."


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    chosen: list[AscentRecipe] = []

    def command() -> None:
        recipe, rest = choose(argv)
        chosen.append(recipe)
        _do(recipe, rest)

    def names() -> list[str]:
        return ["target", *(field.name for recipe in chosen for field in fields(recipe.config))]

    return run_command(command, names)


def experiment_main(recipe: AscentRecipe, argv: Sequence[str] | None = None) -> int:
    """The command of an experiment; returns its exit status."""
    return run_command(lambda: _do(recipe, argv), recipe.config)


def choose(argv: Sequence[str] | None) -> tuple[AscentRecipe, list[str]]:
    """The kind of gradient ascent that the command line means, and the flags that are left.

    Raises:
      InputError: there is no such network, or the folder to resume is of another run.
    """
    parser = Parser(prog="fooljax ascend", add_help=False, allow_abbrev=False)
    parser.add_argument("--target", default=None)
    parser.add_argument("--resume", default=None)
    parser.add_argument("-h", "--help", action="store_true")
    found, rest = parser.parse_known_args(argv)
    if found.help:
        if found.target is None:
            print(_listing())
            raise SystemExit(0)
        rest.append("--help")
    if found.resume is None:
        return compose_ascent(found.target or TARGET), rest
    rest += ["--resume", found.resume]
    file = Path(found.resume) / "config.json"
    if not file.exists():  # `RunFolder.resume` says what is missing
        return compose_ascent(found.target or TARGET), rest
    recipe = ascent_recipe_of(read_json(file), str(file))
    if found.target is not None and found.target != recipe.target_name:
        if is_file_name(found.target) and is_file_name(recipe.target_name):
            # Another path may lead to the same network; which one it is, its digest says.
            return replace(recipe, choose=find_target(found.target).choose), rest
        if recipe.experiment is None:
            begun = shown(recipe.target_name)
            raise InputError(f"target: the run in {found.resume} was begun with {begun}, got {found.target}")
        rest += ["--target", found.target]
    if is_from_outside(recipe.target_name) and found.target is None:
        raise InputError(
            f"target: the run in {shown(found.resume)} uses what is not built in; if you trust it, add "
            f"--target {shlex.quote(shown(recipe.target_name))}"
        )
    return recipe, rest


def _listing() -> str:
    """The help of `fooljax ascend` where no network is named yet."""

    def lines(entries: Mapping[str, str]) -> list[str]:
        width = max(map(len, entries))
        return [f"  {name:{width}}  {line}" for name, line in entries.items()]

    return "\n".join(
        [
            "usage: fooljax ascend [--target NAME] [settings]",
            "",
            "Changes images step by step by the gradient of a network until the network is sure of a class,",
            "and makes a page of them.",
            "",
            f"--target NAME     {TARGET_HELP} (default: {TARGET})",
            *lines({name: entry.line for name, entry in TARGETS.items()}),
            "",
            "--methods NAMES   The methods to run: all, or names with commas between them. (default: all)",
            *lines(EXPLANATIONS),
            "",
            "All settings:",
            f"  fooljax ascend --target {TARGET} --help",
        ]
    )


def _do(recipe: AscentRecipe, argv: Sequence[str] | None) -> None:
    """Reads the flags, runs the methods, and ends by printing where the page is.

    Raises:
      InputError, FaultError, Interrupted: see `run_command`.
    """
    network = recipe.network_words()
    is_general = recipe.experiment is None
    given, flags = parse(
        recipe.config,
        f"{ascent_words.title(network)}. {ascent_words.introduction(network, ())[0]}",
        argv,
        program=" ".join(recipe.command[: 2 if is_general else None]),
        more=_explain_target if is_general else functools.partial(add_size, recipe.sizes),
    )
    given = with_size(recipe.sizes, flags, given)
    terminal = Terminal(flags.quiet)
    path = Path(flags.resume or flags.outdir or _new_folder(recipe))
    with Signals():
        try:
            if flags.resume is None:
                plan = plan_of_ascent(recipe, recipe.config(**given), terminal)
                begin(path, plan, terminal, write_ascent_page)
            else:
                _resume(recipe, path, given, terminal)
        except Interrupted as stopped:
            if not (path / "config.json").exists():
                raise
            again = shlex.join([*_resuming(recipe, path, given), *again_with(flags)])
            raise Interrupted(stopped.signal_number, f"{stopped}; go on with: {again}") from stopped
    terminal.say(", ".join(f"{name} {seconds:.1f} s" for name, seconds in terminal.seconds.items()))
    terminal.say(f"page: {path / 'index.html'}")


def _resume(recipe: AscentRecipe, path: Path, given: Mapping[str, Any], terminal: Terminal) -> None:
    """Goes on with the run in a folder.

    Raises:
      InputError: a setting that was given is not the run's, or code of the user's was not named again.
    """
    with RunFolder.resume(path, recipe.experiment) as folder:
        settings = config_from(recipe.config, folder.config["settings"], str(folder.path / "config.json"))
        check_given(path, asdict(settings), given)
        check_named(path, settings, given, ("data", "judges"))
        plan = plan_of_ascent(recipe, settings, terminal)
        run_in(folder, plan, terminal, write_ascent_page)


def _explain_target(parser: argparse.ArgumentParser) -> None:
    """Shows the flag in `--help` that was read before."""
    parser.add_argument("--target", metavar="NAME", help=TARGET_HELP)


def _new_folder(recipe: AscentRecipe) -> str:
    name = recipe.experiment or f"{short_name(recipe.target_name)}-gradient"
    return f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def _resuming(recipe: AscentRecipe, path: Path, given: Mapping[str, Any]) -> list[str]:
    """The words of the command that goes on with a run; code of the user's is named again."""
    words = [*recipe.command[: 2 if recipe.experiment is None else None], "--resume", str(path.absolute())]
    own = {"target": recipe.target_name, **{name: given.get(name, "") for name in ("data", "judges")}}
    for name, value in own.items():
        if any(map(is_from_outside, value.split(","))):
            words += [f"--{name}", value]
    return words
