r"""`fooljax label`: asks people what they see in evolved images, and says what they answered.

    fooljax label runs/a runs/b --data embedded --output study
    fooljax label --score answers-*.json --key study/label-key.json

The first makes a page that shows images of the runs, whose origin is hidden, among clean images and noise.
It is one file that can be sent to people: it needs a browser and no network. What the images are stands in a
file beside it. The second reads the answers that the page saved.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fooljax import data
from fooljax.cli.command_line import Parser, given_settings, run_command, settings_parser
from fooljax.data.prepared_photographs import copy_in
from fooljax.engine.log_odds import to_log_odds
from fooljax.errors import FaultError, InputError, printable, shown
from fooljax.labelling.answers import read_all
from fooljax.labelling.images import Pool, Source, held_out, open_source, photographs
from fooljax.labelling.result_words import in_words
from fooljax.labelling.results import as_json, measure
from fooljax.labelling.task import LabelTask, make_task, read_key, write_key
from fooljax.report.label_page import write_label_page
from fooljax.settings import flag_of, option
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import as_folder, check_output

PAGE, KEY = "label.html", "label-key.json"


@dataclass(frozen=True)
class Config:
    """What the page shows."""

    data: str | None = option(
        None,
        "The labelled images that clean ones are drawn from, as embedded, named as for fooljax evolve. Their "
        "classes must be among those of the runs.",
        kind=str,
    )
    imagefolder: str | None = option(
        None,
        "In place of --data, for runs against networks for ImageNet: a folder that holds a folder of "
        "photographs for each class, named as n01440764 or 0.",
        kind=str,
    )
    evolved: int = option(40, "Number of evolved images, of each run.", least=1)
    clean: int = option(20, "Number of clean images.", least=1)
    noise: int = option(10, "Number of images of noise, half of them uniform and half Gaussian.", least=1)
    least_confidence: float = option(
        0.9999, "Only evolved images of which the network is at least so sure.", least=1e-6, most=1.0 - 1e-6
    )
    seed: int = option(0, "Decides which images are drawn, and their order.", least=0)
    encoding: str | None = option(
        None, "MODULE:NAME of the encoding of the runs, where it does not come with fooljax.", kind=str
    )


def make(config: Config, folders: Sequence[Path], output: Path) -> LabelTask:
    """Writes the page, and its key beside it.

    Args:
      config: what the page shows.
      folders: of finished runs.
      output: the folder of both files; it is made where there is none.
    Returns:
      What the page shows.
    Raises:
      InputError: a folder or the data set is not what was expected, or there is the key of another task.
      FaultError: a file cannot be written.
    """
    if (config.data is None) == (config.imagefolder is None):
        raise InputError(
            "data, imagefolder: expected one of them, since clean images show whether people looked, got "
            f"{'none' if config.data is None else 'both'}"
        )
    if config.imagefolder is not None and copy_in(Path(config.imagefolder)) is not None:
        raise InputError(
            "imagefolder: expected a folder of photographs for each class, got a copy that TensorFlow "
            f"Datasets prepared, in {shown(config.imagefolder)}"
        )
    for place, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:place]]:
            raise InputError(f"RUN: expected different folders, got {shown(folder)} twice")
    least = float(to_log_odds(config.least_confidence))
    sources = [open_source(folder, config.encoding, least) for folder in folders]
    task = make_task(
        sources,
        _clean(config, sources[0]),
        evolved=config.evolved,
        clean=config.clean,
        noise=config.noise,
        seed=config.seed,
    )
    _check_folder(output)
    write_key(task, output / KEY)
    write_label_page(output / PAGE, task)
    return task


def _check_folder(path: Path) -> None:
    """Makes the folder of a page where there is none; a page whose key is elsewhere is not replaced."""
    if os.path.lexists(path) and not path.is_dir():
        raise InputError(f"--output: expected a folder, got {shown(path)}, which is none")
    if (path / PAGE).exists() and not (path / KEY).exists():
        raise InputError(f"--output: expected no {PAGE} without its {KEY}, found one in {shown(path)}")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaultError(f"--output: cannot make {shown(path)}: {error.strerror or error}") from error


def _clean(config: Config, source: Source) -> Pool:
    """The clean images to choose from."""
    if config.data is not None:
        return held_out(data.load(config.data), source.class_names)
    height, width, channels = source.images[0].pixels.shape
    if height != width or channels != 3:
        raise InputError(f"imagefolder: expected runs of square images in colour, got {width} x {height}")
    return photographs(Path(config.imagefolder or ""), source.class_names, height)


def score(files: Sequence[Path], key_file: Path, json: Path | None) -> str:
    """Measures what people answered, and says it in words.

    Args:
      files: of answers.
      key_file: the key that was written with the page.
      json: a file for the numbers; None for none.
    Raises:
      InputError: a file is not what was expected, or the answers are to another task.
      FaultError: the numbers cannot be written.
    """
    if json is not None and check_output(json, "--json", "a JSON object") in [
        Path(os.path.realpath(file)) for file in (*files, key_file)
    ]:
        raise InputError(f"--json: expected another file than those that are read, got {shown(json)}")
    key = read_key(key_file)
    results = measure(key, read_all(files, key))
    if json is not None:
        write_json(check_output(json, "--json", "a JSON object"), as_json(results, key, files))
    return in_words(results)


def _main(argv: Sequence[str] | None) -> None:
    flags = _parser().parse_args(argv)
    given = given_settings(Config, flags)
    if flags.score is None:
        if not flags.folders:
            raise InputError("RUN: expected folders of finished runs, or --score with answers, got none")
        _refuse(flags, ("key", "json"), "expected --score with it")
        output = as_folder("--output", getattr(flags, "output", "labelling"))
        task = make(Config(**given), flags.folders, output)
        for (kind, source), count in sorted(Counter((one.kind, one.source) for one in task.images).items()):
            print(f"{count} {kind}: {printable(source)}")
        print(f"page: {printable(str(output / PAGE))}, for the people who are asked")
        print(f"key: {printable(str(output / KEY))}, for you; do not show it to them")
        return
    _refuse(flags, (*given, "output"), "not together with --score")
    if flags.folders:
        raise InputError(f"RUN: expected none with --score, got {shown(flags.folders[0])}")
    if not hasattr(flags, "key"):
        raise InputError(f"--key: expected the {KEY} of the task, got none")
    said = score(flags.score, flags.key, getattr(flags, "json", None))
    print("\n".join(map(printable, said.splitlines())))


def _refuse(flags: argparse.Namespace, names: Iterable[str], reason: str) -> None:
    """Refuses flags that would have no effect."""
    for name in names:
        if hasattr(flags, name):
            raise InputError(f"{flag_of(name)}: {reason}")


def _parser() -> Parser:
    parser = settings_parser(
        Config,
        "Makes a page on which people name evolved images, clean images and noise, without knowing which is "
        "which. With --score it says what they answered.",
        "fooljax label",
    )
    parser.add_argument(
        "folders", nargs="*", type=Path, default=[], metavar="RUN", help="Folder of a finished run."
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        help=f"The folder that {PAGE} and {KEY} are written to. (default: labelling)",
    )
    parser.add_argument(
        "--score",
        nargs="+",
        type=Path,
        metavar="FILE",
        default=None,
        help="Files of answers that the page saved; says what people answered.",
    )
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help=f"The {KEY} that was written with the page, for --score."
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="A file that --score writes its numbers to."
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
