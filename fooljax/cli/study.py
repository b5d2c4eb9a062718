"""The command of a study: settings as flags, a folder, and lines about what is being done."""

import argparse
import dataclasses
import functools
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fooljax.cli.command_line import parse, run_command
from fooljax.cli.size_flag import Sizes, add_size, with_size
from fooljax.cli.worker_flags import add_worker_flags
from fooljax.errors import InputError, shown
from fooljax.runs.evolution_run import keep_compiled_programs
from fooljax.settings import config_from
from fooljax.storage.json_files import read_json
from fooljax.study import Study, run
from fooljax.study.folder import CONFIG
from fooljax.terminal import Signals, Terminal, again_after_interruption


def run_study(study: Study, argv: Sequence[str] | None = None, *, sizes: Sizes | None = None) -> int:
    """Runs a study as a command.

    Args:
      study: the study.
      argv: the words of the command line; those of the process by default.
      sizes: settings that `--size NAME` stands for, by name; without them there is no such flag.
    Returns:
      The exit status.
    """
    return run_command(lambda: _run(study, argv, sizes or {}), study.config)


def _run(study: Study, argv: Sequence[str] | None, sizes: Sizes) -> None:
    title = f"{study.title} Give the same command again to go on."
    words = _program(study.config.__module__)
    given, flags = parse(
        study.config,
        title,
        argv,
        program=shlex.join(words),
        more=functools.partial(_add_flags, sizes),
        folder="The folder of the study: new, empty, or of this study to go on with. Rows that are there are "
        "kept, and the table is of those that the settings ask for.",
    )
    given = with_size(sizes, flags, given)
    folder = flags.outdir or flags.resume
    if folder is None:
        raise InputError("--outdir: expected a folder, new or of a study to go on with, got none")
    if flags.resume is not None:
        file = Path(folder) / CONFIG
        begun = read_json(file)
        if (name := begun.get("study")) != study.name:
            raise InputError(
                f"--resume {shown(folder)}: expected the study {study.name}, found {shown(repr(name))}"
            )
        settings = begun.get("settings")
        if not isinstance(settings, dict):
            raise InputError(f"{file}: expected an entry settings, found none")
        config = config_from(study.config, {**settings, **given}, str(file))
    else:
        config = study.config(**given)
    for field in dataclasses.fields(config):
        if (value := getattr(config, field.name)) != field.default:
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    keep_compiled_programs()
    terminal = Terminal(flags.quiet)
    with again_after_interruption(), Signals():
        run(
            study,
            config,
            Path(folder),
            say=terminal.say,
            command=shlex.join([*words, "--outdir", str(folder)]),
            workers=flags.workers,
            scheduler=flags.scheduler,
        )
    terminal.say(f"table: {Path(folder) / 'table.md'}")


def _add_flags(sizes: Sizes, parser: argparse.ArgumentParser) -> None:
    if sizes:
        add_size(sizes, parser)
    add_worker_flags(parser)


def _program(module: str) -> list[str]:
    """The words that start the program in which a study stands."""
    if module == "__main__":
        started = getattr(sys.modules["__main__"], "__spec__", None)
        if started is None:
            return ["python", sys.argv[0]]
        module = started.name
    return ["python", "-m", module]
