"""Draws one elite of a finished run at any size: `python -m fooljax.cli.poster RUN --cell 3`.

For encodings whose genomes can be drawn at other sizes than they evolved at. The large picture is the same
genome sampled between the pixels that were scored; it was not scored itself.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.cli.command_line import parse_tool, run_command
from fooljax.engine.fitness import quantise
from fooljax.engine.types import Encoding, Genome
from fooljax.errors import InputError
from fooljax.report import save_png
from fooljax.runs.opened import open_folder
from fooljax.settings import REQUIRED, option
from fooljax.storage.outputs import check_output

LONGER_SIDE = 2048
MAX_SIDE = 65_536
MAX_PIXELS = 2**28
"""16,384 x 16,384: a byte or three each, which the PNG is made of as a whole."""
BAND_PIXELS = 2**20
"""Pixels that are drawn at once, so that drawing needs no more memory for a larger image."""


@dataclass(frozen=True)
class Config:
    """What to draw."""

    cell: int = option(REQUIRED, "class whose elite to draw, as in the file's name", kind=int, least=0)
    run: int = option(0, "which of the run folder's independent runs", least=0)
    encoding: str | None = option(
        None, "MODULE:NAME of the encoding of the run, where it does not come with fooljax.", kind=str
    )
    size: str | None = option(
        None,
        f"WIDTHxHEIGHT in pixels, stretched; off: the image's aspect, {LONGER_SIDE} on the longer side",
        kind=str,
    )


def poster(encoding: Encoding, genome: Genome, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Draws a genome at another size.

    Args:
      encoding: must have `coordinates_at`.
      genome: one genome.
      height: rows of the picture.
      width: its columns.
    Returns:
      `[height, width, K]`.
    Raises:
      InputError: the encoding has one size only, or the picture is too large.
    """
    if encoding.coordinates_at is None:
        raise InputError(f"encoding: {encoding.name} genomes have one size only, so there are no posters")
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InputError(f"size: expected sides of 1 to {MAX_SIDE:,} pixels, got {width}x{height}")
    if width * height > MAX_PIXELS:
        raise InputError(f"size: expected at most {MAX_PIXELS:,} pixels in all, got {width * height:,}")
    picture = np.empty((height, width, encoding.image_shape[2]), np.uint8)
    draw_band = jax.jit(lambda g, c: jnp.round(quantise(encoding.render(g, c)) * 255.0).astype(jnp.uint8))
    rows = min(height, max(1, BAND_PIXELS // width))
    for start in range(0, height, rows):
        # The last band overlaps the one before, so that one program serves all.
        band = slice(min(start, height - rows), min(start, height - rows) + rows)
        picture[band] = draw_band(genome, encoding.coordinates_at(height, width, band))
    return picture


def read_size(text: str | None, image_shape: tuple[int, int, int]) -> tuple[int, int]:
    """Height and width from WIDTHxHEIGHT; from the image's own where None.

    Raises:
      InputError: the text is not two whole numbers.
    """
    if text is None:
        height, width, _ = image_shape
        scale = LONGER_SIDE / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))
    match = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", text)
    if not match:
        raise InputError(f"size: expected WIDTHxHEIGHT, as 2048x2048, got {text}")
    return int(match[2]), int(match[1])


def run(config: Config, folder: Path, output: Path | None = None) -> Path:
    """Draws the poster; returns the file's path.

    Raises:
      InputError: the folder, the cell or the size is not what was expected.
      FaultError: the file cannot be written.
    """
    found = open_folder(folder, config.encoding)
    encoding = found.known_encoding()
    cell = found.place(config.run, config.cell)
    height, width = read_size(config.size, found.image_shape)
    genome = jax.tree.map(lambda leaf: leaf[config.run, cell], found.archive.genomes)
    picture = poster(encoding, genome, height, width)
    path = output or folder / f"poster_run{config.run}_class{config.cell}_{width}x{height}.png"
    save_png(picture, check_output(path, "--output"))
    return path


def _main(argv: Sequence[str] | None) -> None:
    print(run(*parse_tool(Config, __doc__.splitlines()[0], argv)))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
