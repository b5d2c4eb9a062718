r"""All experiments in order, and one page: the paper's claims, what was found, whether they agree, and why.

    python -m experiments.paper --size smoke --outdir runs/paper

does every experiment of the claims in a small size, on digits alone. `--size paper` gives the commands whose
rows are published, those for which it was told where data and weights are. The searches against networks for
ImageNet take days and are never done: their published rows are read. What has been done is not done again, so
the same command goes on where it was stopped, and `--only` does a part. The claims stand in `claims.json`,
each with the rows that its numbers are read from.
"""

import argparse
import dataclasses
import functools
import importlib
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.published_commands import AS_DATA, COMMANDS
from fooljax.cli.command_line import Parser, run_command
from fooljax.data import load
from fooljax.data.imagenet import synsets
from fooljax.data.labelled_photographs import labelled_images
from fooljax.errors import FaultError, InputError, shown
from fooljax.report.claims_page import is_claims_page, write_claims_page
from fooljax.runs.folder import NO_CONTENT
from fooljax.settings import flag_of
from fooljax.storage.outputs import as_folder
from fooljax.study.claims import Answer, answers, read_claims
from fooljax.study.findings import Findings

CLAIMS = Path(__file__).parent / "claims.json"
PUBLISHED = Path(__file__).parent.parent / "docs" / "results"
PAGE = "index.html"
MORE = "Only --size paper asks for it, and leaves out what needs it if it is missing."
CHAPTERS = {
    1: "networks are easily fooled",
    2: "what networks see",
    3: "how to defend, and why it is hard",
    4: "what follows",
}
NETWORKS = {"smoke": 2, "paper": 5}
"""Independently trained networks that each search on digits meets."""
JUDGES: dict[str, dict[str, str]] = {"smoke": {"judges": "none"}, "paper": {}}
"""Of searches. Judges take longer than a small search, and a study asks them."""
PAPER_CPPNS = ("--children", "200", "--functions", "paper", "--coordinates", "raw")
SEARCHES: dict[str, tuple[str, ...]] = {
    "mnist_direct/paper": (),
    "mnist_direct/random-search": ("--strategy", "random_search"),
    "mnist_cppn/paper-raw-paper": ("--strategy", "map_elites", *PAPER_CPPNS),
    "mnist_cppn/random-search-paper": ("--strategy", "random_search", *PAPER_CPPNS),
    "mnist_gradient/paper": (),
}
"""What is done against each network: the flags of the published command, by the beginning of the folder."""
STUDIES = (
    "clean_accuracy",
    "recognisable",
    "transfer",
    "several_networks",
    "repetition",
    "run_diversity",
    "class_difficulty",
    "feature_size",
    "intrinsic_dimension",
    "random_pictures",
    "retraining",
    "retraining_large",
    "picbreeder",
    "overconfidence",
    "detectors",
    "training_data",
    "generative",
    "hidden",
    "artists",
)
"""How good the networks are, then those of the later chapters. Each knows its sizes and goes on by itself."""


class Step(NamedTuple):
    """A command: an experiment, its folder below that of all, and its flags."""

    experiment: str
    folder: str
    flags: tuple[str, ...]


def steps(size: str, given: Mapping[str, str]) -> Iterator[Step]:
    """The commands of a size, in order.

    Args:
      size: smoke, for digits alone; or paper, for the published commands that have what they need.
      given: what the user gave, by name: `data`, `images`, `weights` and so on.
    """
    for start, chosen in SEARCHES.items():
        name = start.partition("/")[0]
        recipe = importlib.import_module(f"experiments.{name}").EXPERIMENT
        # The paper's size of a search is one without an early end; the published ones end when all is fooled.
        sized = _size(size, recipe.sizes) if size != "paper" else ()
        flags = (*sized, *chosen, *_known(recipe.config, {**given, **JUDGES[size]}))
        for number in map(str, range(NETWORKS[size])):
            seeds = ("--seed", number, "--target-seed", number)
            yield Step(name, f"{start}-target{number}", (*flags, *seeds))
    if size == "paper":
        yield from _published(given)
        return
    for name in STUDIES:
        module = importlib.import_module(f"experiments.{name}")
        known = {key: value for key, value in given.items() if key in ("data", "images", "weights")}
        yield Step(name, name, (*_size(size, module.SIZES), *_known(module.STUDY.config, known)))


def _published(given: Mapping[str, str]) -> Iterator[Step]:
    """The published commands that have what they need."""
    for command in COMMANDS:
        if (flags := command.flags(given)) is not None:
            name = max((one for one in STUDIES if command.folder.startswith(one)), key=len)
            config = importlib.import_module(f"experiments.{name}").STUDY.config
            images = {"images": given["images"]} if "images" in given else {}
            yield Step(name, command.folder, (*flags, *_known(config, images)))


def only(planned: Sequence[Step], names: str | None) -> list[Step]:
    """The steps of the experiments that `--only` names; all without it."""
    known = dict.fromkeys(step.experiment for step in planned)
    named = known if names is None else names.split(",")
    if unknown := [name for name in named if name not in known]:
        raise InputError(f"--only: expected some of {', '.join(known)}, got {shown(unknown[0] or 'none')}")
    return [step for step in planned if step.experiment in named]


def _size(size: str, sizes: Collection[str]) -> tuple[str, ...]:
    """The flag of a size; nothing where the defaults of an experiment are that size."""
    return ("--size", size) if size in sizes else ()


def _known(config: type[Any], flags: Mapping[str, str]) -> Iterator[str]:
    """Those of the flags that are settings of an experiment."""
    for field in dataclasses.fields(config):
        if field.name in flags:
            yield from (flag_of(field.name), flags[field.name])


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


def findings(experiments: Iterable[str]) -> dict[str, Findings]:
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
    write_claims_page(outdir / PAGE, answers_from([outdir, PUBLISHED]), CHAPTERS, pictures, size)
    return outdir / PAGE


def check_outdir(outdir: Path) -> None:
    """Makes sure that a folder is new or empty, or that this command has made it.

    Raises:
      InputError: there is something else in it.
    """
    searches = {start.partition("/")[0] for start in SEARCHES}
    own = {PAGE, "images", *searches, *STUDIES, *(command.folder for command in COMMANDS), *NO_CONTENT}
    found = sorted(set(os.listdir(outdir)) - own) if outdir.is_dir() else []
    if not found and (outdir / PAGE).exists() and not is_claims_page(outdir / PAGE):
        found = [PAGE]
    if found:
        raise InputError(
            f"--outdir {shown(outdir)}: expected a new or empty folder or one of this command, "
            f"found {shown(found[0])} in it"
        )


def _parser() -> Parser:
    parser = Parser(
        prog="python -m experiments.paper",
        description="Does every experiment in order, and writes one page that holds the paper's claims "
        "against their rows. Give the same command again to go on.",
        allow_abbrev=False,
    )
    text = "How much is done. (default: smoke)"
    parser.add_argument("--size", choices=tuple(NETWORKS), default="smoke", help=text)
    text = "The folder of all of it. (default: runs/paper)"
    parser.add_argument("--outdir", default="runs/paper", metavar="DIR", help=text)
    for flag, word, text in (
        ("--only", "NAMES", "Experiments that are done, with commas between. (default: all)"),
        ("--data", "TEXT", "Digits, as each experiment takes them. (default: its own)"),
        ("--images", "DIR", "Folder of sets of images. (default: images in --outdir)"),
        ("--weights", "DIR", "Folder of weights, for networks whose files are there."),
        ("--cifar10", "TEXT", f"CIFAR-10, as --data takes it. {MORE}"),
        ("--fashion", "TEXT", f"Fashion-MNIST, as --data takes it. {MORE}"),
        ("--photographs", "TEXT", f"Photographs in folders, as folder:32:DIR. {MORE}"),
        ("--imagefolder", "DIR", f"Photographs of ImageNet's classes, a folder for each. {MORE}"),
        ("--genomes", "DIR", f"Genomes that people bred, as picbreeder takes them. {MORE}"),
    ):
        parser.add_argument(flag, metavar=word, help=text)
    return parser


def _check_given(flags: argparse.Namespace) -> None:
    """Refuses what experiments would refuse one after the other, each after those before it were done."""
    for name in ("images", "imagefolder", "weights", "genomes"):
        if (folder := getattr(flags, name)) is not None:
            as_folder(flag_of(name), folder)
    for name in ("weights", "genomes"):
        if (folder := getattr(flags, name)) is not None and not Path(folder).is_dir():
            raise InputError(f"--{name}: expected a folder, found none at {shown(folder)}")
    if flags.imagefolder is not None:
        labelled_images(Path(flags.imagefolder), synsets())
    for name in ("data", *AS_DATA):
        if (text := getattr(flags, name)) is not None:
            load(text, argument=flag_of(name))


def _main(argv: Sequence[str] | None) -> None:
    flags = _parser().parse_args(argv)
    outdir, failed = as_folder("--outdir", flags.outdir), []
    check_outdir(outdir)
    _check_given(flags)
    given = {"images": str(outdir / "images")}
    given |= {name: value for name, value in vars(flags).items() if value is not None}
    for step in only(list(steps(flags.size, given)), flags.only):
        print(f"{step.experiment}: {step.folder}", flush=True)
        if (status := do(step, outdir)) > 128:
            raise KeyboardInterrupt
        if status:
            failed.append(step.folder)
    print(f"page: {write_page(outdir, flags.size)}")
    if failed:
        raise FaultError(f"{shown(', '.join(failed))}: not done; the page says of their claims what there is")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), lambda: ["data"])


if __name__ == "__main__":
    sys.exit(main())
