"""`fooljax report RUN`: makes the page and the figures of a finished run again, from its folder alone.

Where the images of the run are in its folder, the page is written there. Where they were not kept, as in a
published archive, they are drawn from their genomes and written beside the page into `runs/NAME-report`.
The page of an audit is written into its folder.
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fooljax.audits.record import FILE, read_audit
from fooljax.cli.command_line import parse_tool, run_command
from fooljax.data import loading
from fooljax.errors import FaultError, InputError, shown
from fooljax.report import evolution_page, image_files
from fooljax.report.ascent_page import write_ascent_page
from fooljax.report.audit_page import write_audit_page
from fooljax.runs.agreement import missing
from fooljax.runs.ascent_recipe import choice_of_ascent
from fooljax.runs.ascent_record import open_ascent
from fooljax.runs.judge_names import AUTO, HELP, judges_in, named_judges
from fooljax.runs.judging import Record, add_panel, judge_run
from fooljax.runs.kinds import is_ascent_folder
from fooljax.runs.opened import open_folder
from fooljax.runs.recipe import choice_of, load_again, target_of
from fooljax.runs.rescoring import kept_images, rescored_in_words
from fooljax.settings import option

DESCRIPTION = "Makes the page and the figures of a finished run or audit again, from its folder alone."
OUTPUT = (
    "The folder of the page: a new or empty one, RUN itself, or that of an earlier report. It gets copies of "
    "the images. (default: RUN where its images are in it, else runs/NAME-report in the current folder, "
    "where NAME is the name of RUN)"
)
WRITTEN = frozenset(
    {"index.html", "gallery.png", "curves.png", "elites", "first", image_files.LARGE, "classes.html"}
)
"""What a page and its files are called."""
MARK = b'<meta name="generator" content="fooljax">'
"""Tells a page of ours from another."""


@dataclass(frozen=True)
class Config:
    """What a report needs beside the folder."""

    encoding: str | None = option(
        None, "MODULE:NAME of the encoding of the run, where it does not come with fooljax.", kind=str
    )
    rescore: bool = option(
        False,
        "Score the saved images again on this machine, and print whether their log-odds are still those in "
        "elites.csv.",
    )
    target: str | None = option(
        None,
        "MODULE:NAME of the network that was fooled, where it does not come with fooljax. It is needed for "
        "--rescore and --judges only.",
        kind=str,
    )
    judges: str | None = option(
        None,
        f"{HELP} auto asks those that a run of this network asks when it ends, and for a network for "
        "ImageNet those of another architecture whose files are in --weights. What they say goes into "
        "panel.csv and summary.json of RUN, in place of what stood there.",
        kind=str,
    )
    data: str | None = option(
        None,
        f"Clean images for the judges, by default those of the run. {loading.HELP}",
        kind=str,
    )
    weights: str | None = option(
        None, "The folder with the files of those judges' weights that do not come with fooljax.", kind=str
    )


def run(config: Config, folder: Path, output: Path | None = None) -> Path:
    """Makes the page.

    Args:
      config: which encoding the run has.
      folder: of the run.
      output: the folder of the page; see the module for the one by default.
    Returns:
      The path of the page.
    Raises:
      InputError: a folder is not what was expected, or images are missing that cannot be drawn again.
      FaultError: a file cannot be written.
    """
    if (folder / FILE).is_file():
        return _page_of_audit(folder, output)
    if folder.is_dir() and not (folder / "config.json").exists():
        raise InputError(
            f"{shown(folder)}: expected the folder of a run or an audit, found neither config.json nor "
            f"{FILE} in it"
        )
    if is_ascent_folder(folder):
        ascent = open_ascent(folder)
        if output is not None and output.resolve() != folder.resolve():
            check_folder(output)
        return write_ascent_page(ascent, output)
    record = open_folder(folder, config.encoding)
    if output is None and image_files.are_kept(record):
        output = folder
    elif output is None:
        output = Path("runs") / f"{folder.resolve().name}-report"
    if output.resolve() != folder.resolve():
        check_folder(output)
    # The list is made first: the page may be written into the folder, with images that are drawn again.
    lacking = missing(record)
    page = evolution_page.write(record, output)
    if lacking:
        print(f"note: {' '.join(lacking)}", file=sys.stderr)
    return page


def _page_of_audit(folder: Path, output: Path | None) -> Path:
    if output is not None:
        raise InputError(f"--output: expected none, since {shown(folder)} is an audit, got {shown(output)}")
    audit = read_audit(folder)
    if " --compare" in audit.command:
        print(
            "note: the audits of --compare are not on this page; the audit's own command shows them again",
            file=sys.stderr,
        )
    return write_audit_page(folder, audit)


def check_folder(path: Path) -> None:
    """Makes sure that a page can be written into a folder without replacing anything but an earlier page.

    Raises:
      InputError: it holds something else.
      FaultError: it cannot be made or read.
    """
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"--output: expected a folder, got the file {shown(path)}")
        path.mkdir(parents=True, exist_ok=True)
        found = sorted(entry.name for entry in path.iterdir())
        page = path / "index.html"
        ours = not found or (page.is_file() and MARK in page.read_bytes()[:4096])
        # Pages of very many classes go on in classes-2.html and so on.
        others = [name for name in found if name not in WRITTEN and not name.startswith("classes-")]
    except OSError as error:
        raise FaultError(f"--output: {shown(path)} cannot be used: {error.strerror or error}") from error
    if found and (not ours or others):
        raise InputError(
            f"--output: expected a new or empty folder or that of an earlier report, found "
            f"{shown((others or found)[0])} in {shown(path)}"
        )
    for name in WRITTEN & set(found):
        # Of another run, perhaps.
        if (path / name).is_dir():
            shutil.rmtree(path / name, ignore_errors=True)


def rescore(config: Config, folder: Path) -> str:
    """Scores the saved images of a run again; returns what came out, in a sentence.

    Args:
      config: the settings of the report.
      folder: of the run.
    Raises:
      InputError: the run is a gradient ascent, its images or its network cannot be had, or it maximised
        something else than log-odds.
    """
    if is_ascent_folder(folder):
        raise InputError(f"rescore: expected a run of a search, got the gradient ascent {shown(folder)}")
    record = open_folder(folder, config.encoding)
    kept_images(record)  # asked for before the network, which may take long to load
    target = target_of(record, config.target, _say)
    return rescored_in_words(record, target)


def judge(config: Config, folder: Path) -> None:
    """Shows the saved images of a run to judges, and writes into its folder what they say.

    Args:
      config: the settings of the report.
      folder: of the run.
    Raises:
      InputError: its images, its network or the judges cannot be had, or it maximised something else than
        log-odds.
      FaultError: the folder cannot be written.
    """
    assert config.judges is not None
    record: Record
    if is_ascent_folder(folder):
        record = open_ascent(folder)
        choice = choice_of_ascent(record, config.target)
    else:
        record = open_folder(folder, config.encoding)
        if not record.is_log_odds:
            raise InputError(f"judges: the run maximised {record.objective}, which is no confidence")
        choice = choice_of(record, config.target)
    data = None if config.data is None else loading.load(config.data)
    weights = None if config.weights is None else Path(config.weights)
    if weights is not None and not weights.is_dir():
        raise InputError(f"weights: expected a folder, found none at {shown(weights)}")
    judges = named_judges(config.judges, choice, _say, weights=weights, data=data)
    data = data if data is not None else choice.clean()
    if not judges and config.judges != AUTO:
        raise InputError(f"judges: expected names for this network, got {config.judges}; {HELP}")
    target, in_folder = load_again(record, choice, _say), {}
    if config.judges == AUTO:
        in_folder = {} if weights is None else judges_in(weights, target, _say)
        usual = {} if data is None else choice.judges(choice.second(_say), data)
        judges = {**usual, **in_folder}
    if not judges:
        none = "--weights is not given" if weights is None else f"no file of one lies in {shown(weights)}"
        raise InputError(f"judges: expected networks that can judge this one, auto found none: {none}")
    judged = judge_run(record, target, judges, data)
    assert judged is not None
    if in_folder:
        judged = judged._replace(facts={**judged.facts, "found_in_folder": list(in_folder)})
    add_panel(record, judged)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _main(argv: Sequence[str] | None) -> None:
    config, folder, output = parse_tool(
        Config, DESCRIPTION, argv, program="fooljax report", output_folder=OUTPUT
    )
    if (folder / FILE).is_file() and (config.rescore or config.judges is not None):
        raise InputError(f"RUN: expected a run for --rescore and --judges, got the audit {shown(folder)}")
    # Asked for first: a network that cannot be had ends the command before anything is written.
    scored = rescore(config, folder) if config.rescore else ""
    if config.judges is not None:
        judge(config, folder)
    print(run(config, folder, output))
    if scored:
        print(scored)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
