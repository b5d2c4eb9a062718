r"""Does a search with every combination of some settings, each in a folder of its own.

    fooljax sweep evolve --outdir runs/table --vary encoding=direct,cppn --vary seed+target-seed=0,1,2 \
        -- --target lenet --runs 4

Settings joined by + take the same value. What follows -- is given to every run. A run that has ended is left
alone, one that was broken off is gone on with, so the same command finishes a sweep that was stopped.
`fooljax tabulate DIR` makes a table of it. From a clone, `mnist_cppn` and the other experiments may stand in
the place of `evolve`.
"""

import importlib
import importlib.util
import itertools
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from fooljax.cli.command_line import Parser, parse, run_command
from fooljax.cli.swept_run import SweptRun, do
from fooljax.cli.worker_flags import add_worker_flags
from fooljax.errors import FaultError, InputError, shown
from fooljax.runs.folder import is_finished
from fooljax.runs.search_settings import SearchSettings
from fooljax.storage.locks import lock_folder
from fooljax.storage.outputs import expanded
from fooljax.study.combinations import check_same_run, combinations, folder_name
from fooljax.study.parts import Part
from fooljax.study.workers import start_workers
from fooljax.terminal import Signals, again_after_interruption

COMMANDS = ("evolve", "ascend")
"""What can be swept wherever fooljax is installed."""


class Swept(NamedTuple):
    """What is done with each combination.

    Attributes:
      module: the words after `python -m` that do it.
      settings: `words -> (config, words)`: the dataclass of the settings that there are with these flags, and
        the flags that are settings of it.
    """

    module: tuple[str, ...]
    settings: Callable[[list[str]], tuple[type[Any], list[str]]]


def _swept(name: str) -> Swept:
    """The command or experiment of a name.

    Raises:
      InputError: there is none.
    """
    if name in COMMANDS:
        command = importlib.import_module(f"fooljax.cli.{name}")

        def choose(words: list[str]) -> tuple[type[Any], list[str]]:
            recipe, rest = command.choose(words)
            return recipe.config, rest

        return Swept(("fooljax.cli.main", name), choose)
    known = re.fullmatch(r"[a-z][a-z0-9_]*", name) and importlib.util.find_spec("experiments")
    if not known or not importlib.util.find_spec(f"experiments.{name}"):
        raise InputError(
            f"EXPERIMENT: expected {', '.join(COMMANDS)} or a file of the folder experiments, "
            f"got {shown(repr(name))}"
        )
    experiment = getattr(importlib.import_module(f"experiments.{name}"), "EXPERIMENT", None)
    if experiment is None:
        raise InputError(f"EXPERIMENT: {name} is not an experiment with one run")
    return Swept((f"experiments.{name}",), lambda words: (experiment.config, words))


def sweep(argv: Sequence[str] | None) -> None:
    """The command.

    Raises:
      InputError: a flag is wrong, or a combination is not what the experiment expects.
      FaultError: a run failed.
      Interrupted: a signal came; the runs at work were told, and had the time to save.
    """
    parser = Parser(
        prog="fooljax sweep",
        description="Does a search with every combination of some settings. What follows -- is given to "
        "every run. Give the same command again to go on.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "experiment", metavar="EXPERIMENT", help="What to do: evolve, ascend, or from a clone mnist_cppn."
    )
    parser.add_argument(
        "--outdir", required=True, metavar="DIR", help="Folder that gets a folder for each combination."
    )
    parser.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=A,B,...",
        help="A setting and its values. May be given several times. Settings joined by + vary together.",
    )
    add_worker_flags(parser)
    words = list(sys.argv[1:] if argv is None else argv)
    split = words.index("--") if "--" in words else len(words)
    flags, rest = parser.parse_args(words[:split]), words[split + 1 :]
    swept, outdir = _swept(flags.experiment), expanded("--outdir", flags.outdir)
    # All are checked before the first is begun.
    planned = [(outdir / folder_name(one), *_checked(swept, one, rest)) for one in combinations(flags.vary)]
    with (
        again_after_interruption(),
        Signals(),
        start_workers(flags.workers, flags.scheduler, _say) as each,
        _made(outdir),
    ):
        runs = []
        for folder, words, given in planned:
            if (folder / "config.json").exists():
                check_same_run(folder, given)
            if not is_finished(folder):
                title = f"{flags.experiment} {shown(shlex.join(words), most=4000)}"
                runs.append(SweptRun(title, (*swept.module, *words), str(folder), str(Path.cwd())))
        for number, results in each([Part(run.folder, do, (run,)) for run in runs]):
            for status in results:
                if status:
                    # The run has said in its own line what was wrong.
                    failure = InputError if status == 2 else FaultError
                    raise failure(f"{shown(runs[number].folder)}: the run ended with status {status}")


@contextmanager
def _made(outdir: Path) -> Iterator[None]:
    """Makes the folder of the sweep, which this process alone has inside."""
    try:
        outdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaultError(f"--outdir {shown(outdir)}: cannot be made: {error.strerror}") from error
    with lock_folder(outdir, "sweep"):
        yield


def _say(line: str) -> None:
    is_progress = not line.startswith(("error: ", "note: "))
    print(line, file=sys.stdout if is_progress else sys.stderr, flush=True)


def _checked(
    swept: Swept, combination: Mapping[str, str], rest: Sequence[str]
) -> tuple[list[str], dict[str, Any]]:
    """The flags of a combination, and the settings that they give."""
    words = [*itertools.chain(*((f"--{key}", value) for key, value in combination.items())), *rest]
    config, settings = swept.settings(words)
    given, others = parse(config, "", settings)
    if others.outdir is not None or others.resume is not None:
        raise InputError("--outdir: expected it before the --, since every run has a folder of its own")
    return words, given


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: sweep(argv), SearchSettings)


if __name__ == "__main__":
    sys.exit(main())
