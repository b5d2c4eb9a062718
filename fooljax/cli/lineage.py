"""`fooljax lineage RUN --cell 3`: draws the line of ancestors of an image.

The line begins with a random image of generation 0 and ends with the elite. Each image is the first parent of
the next, drawn from its recorded genome. The confidence below each is that of the drawn 8-bit image.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt

from fooljax.cli.cells import cell_option, find_class
from fooljax.cli.command_line import parse_tool, run_command
from fooljax.errors import InputError
from fooljax.rendering import draw
from fooljax.report import format_confidence, save_png, strip
from fooljax.runs.ancestry import Ancestry, line_of
from fooljax.runs.opened import open_folder
from fooljax.runs.recipe import target_of
from fooljax.runs.record import RunRecord
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.storage.outputs import check_output

DESCRIPTION = "Draws the line of ancestors of an image of a finished run, from a random image on."
logger = logging.getLogger("fooljax")


@dataclass(frozen=True)
class Config:
    """What to draw."""

    cell: str = cell_option()
    run: int = option(0, "Which of the independent runs in the folder, from 0.", least=0)
    encoding: str | None = option(
        None, "MODULE:NAME of the encoding of the run, where it does not come with fooljax.", kind=str
    )
    target: str | None = option(
        None, "MODULE:NAME of the network that was fooled, where it does not come with fooljax.", kind=str
    )
    most: int = option(
        24,
        "How many ancestors to draw at most, evenly spaced, with the first and the last among them.",
        least=2,
        most=200,
    )


def run(config: Config, folder: Path, output: Path | None = None) -> tuple[Path, int]:
    """Draws the line of ancestors.

    Returns:
      The file's path, and how many images the line has, the elite included.
    Raises:
      InputError: the folder or the cell is not what was expected, or no ancestries were recorded.
      FaultError: the file cannot be written.
    """
    found = open_folder(folder, config.encoding)
    index = find_class(found, config.cell)
    cell = found.place(config.run, index)
    ancestry = found.ancestry
    line = line_of(ancestry, config.run, cell)
    if not line:
        raise InputError(f"{folder}: expected class {index} of run {config.run} in its ancestries")
    shown = [line[place] for place in _evenly(len(line), config.most)]
    genomes = ancestry.genome[[rows[0] for rows in shown]]
    images = draw(found.known_encoding(), jax.tree.map(lambda leaf: leaf[genomes], ancestry.genomes))
    odds = _rescored(found, config.target, index, images)
    captions = []
    for rows, value in zip(shown, odds if odds is not None else [None] * len(shown), strict=True):
        took = ", ".join(found.class_names[found.cells[cell]] for cell in ancestry.cell[rows].tolist())
        lines = [f"gen. {ancestry.generation[rows[0]]:,}", f"took {took}"]
        captions.append([*lines, *([format_confidence(value)] if odds is not None else [])])
    path = output or folder / f"lineage_run{config.run}_class{index}.png"
    text = _text(found.class_names[index], config.run, ancestry, line, len(shown), scored=odds is not None)
    save_png(strip(images, captions, text), check_output(path, "--output"))
    return path, len(line)


def _evenly(count: int, most: int) -> list[int]:
    """At most so many places of a row, evenly spaced, the first and the last always."""
    return np.unique(np.round(np.linspace(0, count - 1, min(count, most))).astype(int)).tolist()


def _rescored(
    found: RunRecord, given: str | None, index: int, images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32] | None:
    """`[n]` log-odds of a class; None, which is said, where the run's target cannot be had any more.

    A target that is not in the cache is trained again, as the experiment itself would: the same, or the
    confidences are left out.
    """
    try:
        if not found.is_log_odds:
            raise InputError(f"the run maximised {found.objective}, which is no confidence")
        target = target_of(found, given, _say)
    except InputError as error:
        logger.warning("drawn without confidences (%s)", error)
        return None
    return score(target, images)[:, index]


def _say(text: str) -> None:
    """The command's own answer stands alone on stdout."""
    print(text, file=sys.stderr)


def _text(
    name: str,
    run: int,
    ancestry: Ancestry,
    line: list[npt.NDArray[np.intp]],
    shown: int,
    *,
    scored: bool,
) -> list[str]:
    at_random = bool(np.all(ancestry.parents[line[0][0]] < 0))
    if len(line) == 1 and at_random:
        origin = f"The image of run {run} for class {name} was made at random, so it has no parents."
    else:
        oldest = "a random image" if at_random else "the oldest that was recorded"
        some = f" {shown} of them, evenly spaced, are shown." if shown < len(line) else ""
        origin = (
            f"How run {run} came to its image for class {name}. These are {len(line):,} images, each the "
            f"first parent of the next, from {oldest} to the elite.{some}"
        )
    confidence = f" Then comes the confidence that it is class {name}." if scored else ""
    below = (
        "Below each image stands the generation that it was made in, and the classes whose place it took."
        f"{confidence}"
    )
    return [origin, below]


def _main(argv: Sequence[str] | None) -> None:
    path, length = run(*parse_tool(Config, DESCRIPTION, argv, program="fooljax lineage"))
    print(path)
    print(f"lineage: {length:,} image{'s' * (length != 1)}, the elite included")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
