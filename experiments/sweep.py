r"""Runs an experiment at every combination of some settings, each in a folder of its own; resumable.

    python -m experiments.sweep mnist_cppn --outdir runs/table --vary coordinates=raw,scaled \
        --vary seed+target-seed=0,1,2,3,4 -- --runs 4

Settings joined by + take the same value. What follows -- is given to every run. A folder whose run has ended
is left alone, one that was broken off is gone on with; so the same command finishes a sweep that was stopped.
`python -m experiments.tabulate DIR` makes a table of it.
"""

import importlib
import importlib.util
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.command_line import Parser, run_command
from experiments.job import FoolingConfig
from fooljax.errors import FaultError, InputError


def combinations(vary: Sequence[str]) -> list[dict[str, str]]:
    """Every combination of `names=value,value,...`; each a dict of setting to value, in a fixed order.

    Raises:
      InputError: an entry is not of that form, or a setting is varied twice.
    """
    axes: list[list[dict[str, str]]] = []
    seen: set[str] = set()
    for entry in vary:
        names, _, values = entry.partition("=")
        if not names or not values or not all(values.split(",")):
            raise InputError(f"--vary: expected SETTING=VALUE,VALUE,..., got {entry!r}")
        settings = [name.replace("_", "-") for name in names.split("+")]
        for name in settings:
            if name in seen:
                raise InputError(f"--vary: expected each setting once, got {name} twice")
            seen.add(name)
        axes.append([dict.fromkeys(settings, value) for value in values.split(",")])
    return [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*axes)]


def folder_name(combination: dict[str, str]) -> str:
    """`coordinates=raw,seed=0`; only what is safe in a path."""
    return re.sub(r"[^\w.,=+-]", "_", ",".join(f"{name}={value}" for name, value in combination.items()))


def sweep(argv: Sequence[str] | None) -> None:
    """The command.

    Raises:
      InputError: a flag is wrong, or a combination is not what the experiment expects.
      FaultError: a run failed.
    """
    parser = Parser(
        prog="python -m experiments.sweep",
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
        raise InputError(f"EXPERIMENT: expected a file of the folder experiments, got {name!r}")
    if not hasattr(importlib.import_module(f"experiments.{name}"), "EXPERIMENT"):
        raise InputError(f"EXPERIMENT: {name} is not an experiment")
    for combination in combinations(flags.vary) or [{}]:
        folder = Path(flags.outdir) / (folder_name(combination) or "run")
        if (folder / "summary.json").exists():
            continue
        words = [*itertools.chain(*((f"--{key}", value) for key, value in combination.items())), *rest]
        where = ["--resume" if (folder / "config.json").exists() else "--outdir", str(folder)]
        print(f"{name} {shlex.join(words)}", flush=True)
        # A process each: compiled programs would pile up in one.
        command = [sys.executable, "-m", f"experiments.{name}", *words, *where, "--quiet"]
        if status := subprocess.run(command, check=False).returncode:
            # The run has said in its own line what was wrong.
            raise (InputError if status == 2 else FaultError)(f"{folder}: the run ended with status {status}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: sweep(argv), FoolingConfig)


if __name__ == "__main__":
    sys.exit(main())
