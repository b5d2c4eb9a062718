r"""All experiments in order, and one page: the paper's claims, what was found, whether they agree, and why.

    python -m experiments.paper --size smoke --outdir runs/paper

does every experiment of chapters 1 and 2, except those on ImageNet that take days: their published rows are
read. What has been done is not done again, so the same command goes on where it was stopped. The claims
stand in `claims.json`, each with the rows that its numbers are read from.
"""

import functools
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fooljax.cli.command_line import Parser, run_command
from fooljax.errors import FaultError, shown
from fooljax.report.claims_page import write_claims_page
from fooljax.storage.outputs import as_folder
from fooljax.study.claims import Answer, answers, read_claims
from fooljax.study.findings import Findings

CLAIMS = Path(__file__).parent / "claims.json"
PUBLISHED = Path(__file__).parent.parent / "docs" / "results"
CHAPTERS = {1: "networks are easily fooled", 2: "what networks see"}
NETWORKS = {"smoke": 2, "paper": 5}
"""Independently trained networks that each search on digits meets."""
STUDIES = (
    "transfer",
    "several_networks",
    "repetition",
    "run_diversity",
    "class_difficulty",
    "feature_size",
    "intrinsic_dimension",
    "random_pictures",
)
"""Those of chapter 2. Each knows its sizes and goes on by itself."""


class Step(NamedTuple):
    """A command: an experiment, its folder below that of all, and its flags."""

    experiment: str
    folder: str
    flags: tuple[str, ...]


def steps(size: str, flags: Mapping[str, str | None]) -> Iterator[Step]:
    """The commands of a size, in order.

    Args:
      size: smoke or paper.
      flags: data, images and weights as the user gave them; None where not. A study is given those it knows.
    """
    networks = [("--target-seed", str(seed)) for seed in range(NETWORKS[size])]
    data = ("--data", flags["data"]) if flags["data"] else ()
    several = ("--runs", "5") if size == "paper" else ()
    searches = {
        "mnist_direct": {"paper": (), "random-search": ("--strategy", "random_search")},
        "mnist_cppn": {
            "paper-raw-paper": ("--strategy", "map_elites", "--coordinates", "raw", "--functions", "paper"),
            "random-search": ("--strategy", "random_search"),
        },
    }
    for experiment, arms in searches.items():
        for arm, chosen in arms.items():
            for number, network in enumerate(networks):
                words = ("--size", size, *several, *chosen, *network, *data)
                yield Step(experiment, f"{experiment}/{arm}-target{number}", words)
    for number, network in enumerate(networks):
        words = (*(("--size", "smoke") if size == "smoke" else ()), *network, *data)
        yield Step("mnist_gradient", f"mnist_gradient/paper-target{number}", words)
    for experiment in STUDIES:
        known = inspect.signature(
            importlib.import_module(f"experiments.{experiment}").STUDY.config
        ).parameters
        given = [
            word for name, value in flags.items() if value and name in known for word in (f"--{name}", value)
        ]
        yield Step(experiment, experiment, ("--size", size, *given))


def do(step: Step, outdir: Path) -> int:
    """Does what of a step is not done yet; returns its exit status."""
    folder = outdir / step.folder
    main = importlib.import_module(f"experiments.{step.experiment}").main
    if step.experiment in STUDIES:
        return int(main([*step.flags, "--outdir", str(folder)]))
    if (folder / "summary.json").exists():
        return 0
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = (
        ["--resume", str(folder)]
        if (folder / "config.json").exists()
        else [*step.flags, "--outdir", str(folder)]
    )
    return int(main([*words, "--quiet"]))


def findings(experiments: Iterator[str] | Sequence[str]) -> dict[str, Findings]:
    """The function of each experiment that says what it found."""
    return {name: importlib.import_module(f"experiments.{name}").findings for name in set(experiments)}


@functools.cache
def published() -> tuple[Answer, ...]:
    """The claims held against the published rows."""
    return tuple(answers_from([PUBLISHED]))


def answers_from(folders: Sequence[Path]) -> list[Answer]:
    """The claims held against the rows in folders of results; those of the first that has any count."""
    claims, _ = read_claims(CLAIMS)
    return list(
        answers(claims, folders, findings([check.experiment for one in claims for check in one.checks]))
    )


def write_page(outdir: Path, size: str) -> Path:
    """Writes the page from the rows there are; returns its path."""
    pictures = [
        path.relative_to(outdir).as_posix()
        for pattern in ("*/table.md", "*/*.png", "*/*/index.html")
        for path in sorted(outdir.glob(pattern))
    ]
    write_claims_page(outdir / "index.html", answers_from([outdir, PUBLISHED]), CHAPTERS, pictures, size)
    return outdir / "index.html"


def _main(argv: Sequence[str] | None) -> None:
    parser = Parser(
        prog="python -m experiments.paper",
        description="Does every experiment in order, and writes one page that holds the paper's claims "
        "against their rows. Give the same command again to go on.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--size", choices=tuple(NETWORKS), default="smoke", help="How much is done. (default: smoke)"
    )
    parser.add_argument(
        "--outdir", default="runs/paper", metavar="DIR", help="The folder of all of it. (default: runs/paper)"
    )
    parser.add_argument("--data", metavar="TEXT", help="Digits, as for each experiment. (default: theirs)")
    parser.add_argument(
        "--images", metavar="DIR", help="Folder of sets of images. (default: images in --outdir)"
    )
    parser.add_argument(
        "--weights", metavar="DIR", help="Folder of weights of networks, for those who need them."
    )
    flags = parser.parse_args(argv)
    outdir = as_folder("--outdir", flags.outdir)
    failed = []
    given = {"data": flags.data, "images": flags.images or str(outdir / "images"), "weights": flags.weights}
    for step in steps(flags.size, given):
        print(f"{step.experiment}: {step.folder}", flush=True)
        if (status := do(step, outdir)) > 128:
            raise KeyboardInterrupt
        elif status:
            failed.append(step.folder)
    print(f"page: {write_page(outdir, flags.size)}")
    if failed:
        raise FaultError(f"{shown(', '.join(failed))}: not done; the page says of their claims what there is")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv))


if __name__ == "__main__":
    sys.exit(main())
