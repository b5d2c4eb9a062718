r"""Runs an experiment at every combination of some settings, each in a folder of its own; resumable.

    python -m fooljax.cli.sweep mnist_cppn --outdir runs/table --vary coordinates=raw,scaled \
        --vary seed+target-seed=0,1,2,3,4 -- --runs 4

Settings joined by + take the same value. What follows -- is given to every run. A folder whose run has ended
is left alone, one that was broken off is gone on with; so the same command finishes a sweep that was stopped.
`python -m fooljax.cli.tabulate DIR` makes a table of it.
"""

import hashlib
import importlib
import importlib.util
import itertools
import math
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fooljax.cli.command_line import Parser, parse, run_command
from fooljax.errors import FaultError, InputError, shown
from fooljax.runs.folder import is_finished
from fooljax.runs.recipe import FoolingConfig
from fooljax.settings import in_words
from fooljax.storage.json_files import read_json
from fooljax.terminal import Interrupted, Signals

MOST_RUNS = 10_000
LONGEST_NAME = 200
"""Characters of a folder's name; file systems allow some more."""


def combinations(vary: Sequence[str]) -> list[dict[str, str]]:
    """Every combination of `names=value,value,...`; each a dict of setting to value, in a fixed order.

    Raises:
      InputError: an entry is not of that form, a setting is varied twice or has a value twice, or there are
        more combinations than anybody runs.
    """
    axes: list[list[dict[str, str]]] = []
    seen: set[str] = set()
    for entry in vary:
        names, _, values = entry.partition("=")
        if not names or not values or not all(values.split(",")):
            raise InputError(f"--vary: expected SETTING=VALUE,VALUE,..., got {shown(repr(entry))}")
        if len(set(values.split(","))) < len(values.split(",")):
            raise InputError(f"--vary: expected each value once, got {shown(entry)}")
        settings = [name.replace("_", "-") for name in names.split("+")]
        for name in settings:
            if name in seen:
                raise InputError(f"--vary: expected each setting once, got {shown(name)} twice")
            seen.add(name)
        axes.append([dict.fromkeys(settings, value) for value in values.split(",")])
    if (count := math.prod(map(len, axes))) > MOST_RUNS:
        raise InputError(f"--vary: expected at most {MOST_RUNS:,} combinations, got {count:,}")
    return [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*axes)]


def folder_name(combination: dict[str, str]) -> str:
    """`coordinates=raw,seed=0`: only what is safe in a path, and another name for every combination.

    Where the name is not the whole truth, a digest of it follows.
    """
    whole = ",".join(f"{name}={value}" for name, value in combination.items())
    safe = re.sub(r"[^\w.,=+-]", "_", whole, flags=re.ASCII)[:LONGEST_NAME]
    return safe if safe == whole else f"{safe}-{hashlib.sha256(whole.encode()).hexdigest()[:12]}"


def sweep(argv: Sequence[str] | None) -> None:
    """The command.

    Raises:
      InputError: a flag is wrong, or a combination is not what the experiment expects.
      FaultError: a run failed.
      Interrupted: a signal came; the run at work was told, and had the time to save.
    """
    parser = Parser(
        prog="python -m fooljax.cli.sweep",
        description="Runs an experiment at every combination of some settings; resumable.",
        allow_abbrev=False,
    )
    parser.add_argument("experiment", metavar="EXPERIMENT", help="as mnist_cppn")
    parser.add_argument("--outdir", required=True, metavar="DIR", help="gets a folder for each combination")
    parser.add_argument(
        "--vary", action="append", default=[], metavar="NAME=A,B,...", help="may be given several times"
    )
    words = list(sys.argv[1:] if argv is None else argv)
    split = words.index("--") if "--" in words else len(words)
    flags, rest = parser.parse_args(words[:split]), words[split + 1 :]
    name = flags.experiment
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not importlib.util.find_spec(f"experiments.{name}"):
        raise InputError(f"EXPERIMENT: expected a file of the folder experiments, got {shown(repr(name))}")
    experiment = getattr(importlib.import_module(f"experiments.{name}"), "EXPERIMENT", None)
    if experiment is None:
        raise InputError(f"EXPERIMENT: {name} is not an experiment")
    planned = []
    for combination in combinations(flags.vary) or [{}]:
        words = [*itertools.chain(*((f"--{key}", value) for key, value in combination.items())), *rest]
        given, others = parse(experiment.config, "", words)
        if others.outdir is not None or others.resume is not None:
            raise InputError("--outdir: expected it before the --, since every run has a folder of its own")
        planned.append((Path(flags.outdir) / (folder_name(combination) or "run"), words, given))
    for folder, words, given in planned:
        begun = (folder / "config.json").exists()
        if begun:
            _check_same(folder, given)
        if is_finished(folder):
            continue
        where = ["--resume" if begun else "--outdir", str(folder)]
        print(f"{name} {shown(shlex.join(words), most=4000)}", flush=True)
        # A process each: compiled programs would pile up in one.
        command = [sys.executable, "-m", f"experiments.{name}", *words, *where, "--quiet"]
        if status := _run(command):
            # The run has said in its own line what was wrong.
            failure = InputError if status == 2 else FaultError
            raise failure(f"{shown(folder)}: the run ended with status {status}")


def _check_same(folder: Path, given: Mapping[str, Any]) -> None:
    """Makes sure that the run in a folder is the one that this sweep would make there.

    Raises:
      InputError: it was begun with another value of a setting.
    """
    settings = read_json(folder / "config.json").get("settings")
    for name, value in given.items():
        if isinstance(settings, dict) and name in settings and settings[name] != value:
            found = shown(in_words(settings[name]))
            raise InputError(f"{shown(folder)}: expected a run with {name} {in_words(value)}, found {found}")


def _run(command: Sequence[str]) -> int:
    """Runs a command; a signal is passed on to it, and it is waited for."""
    with Signals(), subprocess.Popen(command) as process:
        try:
            return process.wait()
        except Interrupted as told:
            process.send_signal(told.signal_number)
            process.wait()
            raise


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: sweep(argv), FoolingConfig)


if __name__ == "__main__":
    sys.exit(main())
