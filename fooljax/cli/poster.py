"""`fooljax poster RUN --cell "washing machine"`: draws an image of a finished run at any size.

This is for encodings whose genomes can be drawn at other sizes than they evolved at. The large picture is
drawn from the same genome, with more pixels. It is another picture, which the network never saw. Scaled back
to the size that the network takes, posters were given from 0.4 % to 100 % of confidence. `--score` measures
that for one poster.
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
from PIL import Image

from fooljax.cli.cells import cell_option, find_class
from fooljax.cli.command_line import parse_tool, run_command
from fooljax.engine.fitness import quantise
from fooljax.engine.log_odds import format_confidence
from fooljax.engine.types import Encoding, Genome, Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.report import save_png
from fooljax.runs.opened import open_folder
from fooljax.runs.recipe import target_of
from fooljax.runs.record import RunRecord
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.storage.outputs import check_output

LONGER_SIDE = 2048
MAX_SIDE = 65_536
MAX_PIXELS = 2**28
"""16,384 x 16,384: a byte or three each, which the PNG is made of as a whole."""
BAND_PIXELS = 2**20
"""Pixels that are drawn at once, so that drawing needs no more memory for a larger image."""
DESCRIPTION = (
    "Draws an image of a finished run at any size, from the same genome. The large picture is not the "
    "picture that was scored, and the network never saw it. See --score."
)
OUTPUT = (
    "The PNG file to write. (default: a file in RUN where its images are in it, else one in the folder runs "
    "of the current folder)"
)
NEVER_SEEN = (
    "note: the network was never shown this picture. It is drawn from the same genome as the image that was "
    "scored, but with other pixels"
)


@dataclass(frozen=True)
class Config:
    """What to draw."""

    cell: str = cell_option()
    run: int = option(0, "Which of the independent runs in the folder, from 0.", least=0)
    size: str | None = option(
        None,
        "WIDTHxHEIGHT of the picture in pixels. The whole image is drawn, so it looks wider or taller where "
        "its sides have another ratio. When off, the picture has the ratio of the image and "
        f"{LONGER_SIDE} pixels on its longer side.",
        kind=str,
    )
    score: bool = option(
        False,
        "Make the picture as small as the images that the network takes, and print what the network says of "
        "that. Each pixel of the small image is the mean of the pixels of the picture in its place.",
    )
    encoding: str | None = option(
        None, "MODULE:NAME of the encoding of the run, where it does not come with fooljax.", kind=str
    )
    target: str | None = option(
        None, "MODULE:NAME of the network that was fooled, where it does not come with fooljax.", kind=str
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
    check_size(encoding, height, width)
    assert encoding.coordinates_at is not None
    picture = np.empty((height, width, encoding.image_shape[2]), np.uint8)
    draw_band = jax.jit(lambda g, c: jnp.round(quantise(encoding.render(g, c)) * 255.0).astype(jnp.uint8))
    rows = min(height, max(1, BAND_PIXELS // width))
    for start in range(0, height, rows):
        # The last band overlaps the one before, so that one program serves all.
        band = slice(min(start, height - rows), min(start, height - rows) + rows)
        picture[band] = draw_band(genome, encoding.coordinates_at(height, width, band))
    return picture


def check_size(encoding: Encoding, height: int, width: int) -> None:
    """Makes sure that a genome can be drawn at a size.

    Raises:
      InputError: the encoding has one size only, or the picture is too large.
    """
    if encoding.coordinates_at is None:
        raise InputError(f"encoding: {encoding.name} genomes have one size only, so no poster can be made")
    _check_pixels(height, width, "size")


def _check_pixels(height: int, width: int, setting: str) -> None:
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InputError(f"{setting}: expected sides of 1 to {MAX_SIDE:,} pixels, got {width}x{height}")
    if width * height > MAX_PIXELS:
        raise InputError(f"{setting}: expected at most {MAX_PIXELS:,} pixels in all, got {width * height:,}")


def read_size(text: str | None, image_shape: tuple[int, int, int], setting: str = "size") -> tuple[int, int]:
    """Height and width from WIDTHxHEIGHT; from the image's own where None.

    Args:
      text: what the setting says.
      image_shape: of the encoding.
      setting: its name, for errors.
    Raises:
      InputError: the text is not two whole numbers, or the picture would be too large.
    """
    if text is None:
        height, width, _ = image_shape
        scale = LONGER_SIDE / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))
    match = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", text)
    if not match:
        raise InputError(f"{setting}: expected WIDTHxHEIGHT, as 2048x2048, got {text}")
    height, width = int(match[2]), int(match[1])
    _check_pixels(height, width, setting)
    return height, width


def scaled_back(picture: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """A picture at another size: each pixel the mean of those that it covers (Pillow's box filter).

    Args:
      picture: `[H, W, K]`.
      height: rows of the result.
      width: its columns.
    Returns:
      `[height, width, K]`.
    """
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BOX))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def run(config: Config, folder: Path, output: Path | None = None) -> tuple[Path, str]:
    """Draws the poster.

    Returns:
      The file's path, and a line on what the network says of the poster; "" where that was not asked.
    Raises:
      InputError: the folder, the class, the size or the network is not what was expected.
      FaultError: the file cannot be written.
    """
    record = open_folder(folder, config.encoding)
    index = find_class(record, config.cell)
    cell, encoding = record.place(config.run, index), record.known_encoding()
    if encoding.coordinates_at is None:
        raise InputError(
            f"{shown(folder)}: its images are of the encoding {shown(encoding.name)} and have one size; "
            "expected a run with images of CPPNs, which alone can be drawn at another size"
        )
    height, width = read_size(config.size, record.image_shape)
    check_size(encoding, height, width)
    path = output or _default_path(folder, f"poster_run{config.run}_class{index}_{width}x{height}.png")
    check_output(path, "--output")
    if config.score and not record.is_log_odds:
        raise InputError(f"score: the run maximised {record.objective}, which is no confidence")
    # Asked for first: a network that cannot be had ends the command before the long work begins.
    target = target_of(record, config.target, _say) if config.score else None
    genome = jax.tree.map(lambda leaf: leaf[config.run, cell], record.archive.genomes)
    picture = poster(encoding, genome, height, width)
    save_png(picture, check_output(path, "--output"))
    return path, _scored(record, target, picture, config.run, cell) if target else ""


def _default_path(folder: Path, name: str) -> Path:
    """Where a poster is written that nobody gave a name: a published archive is left as it is."""
    if (folder / "elites").is_dir():
        return folder / name
    output = Path("runs")
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise FaultError(f"--output: cannot make the folder {output}: {error.strerror or error}") from error
    return output / f"{folder.resolve().name}-{name}"


def _scored(record: RunRecord, target: Target, picture: npt.NDArray[np.uint8], run: int, cell: int) -> str:
    """A line on what the network says of the poster at its own size, and of the image that evolved."""
    height, width, _ = record.image_shape
    index = record.cells[cell]
    name = record.class_names[index]
    odds = score(target, scaled_back(picture, height, width)[None])[0]
    own = [row.log_odds for row in record.elites if (row.run, row.class_index) == (run, index)]
    evolved = own[0] if own else float(record.archive.fitness[run, cell])
    named = int(np.argmax(odds))
    other = "" if named == index else f" (it names it {record.class_names[named]})"
    return (
        f"score: scaled back to {width}x{height} pixels, the network gives this picture "
        f"{format_confidence(float(odds[index]))} for {name}{other}; the image that was evolved has "
        f"{format_confidence(evolved)}"
    )


def _say(text: str) -> None:
    """The command's own answer stands alone on stdout."""
    print(text, file=sys.stderr)


def _main(argv: Sequence[str] | None) -> None:
    path, scored = run(*parse_tool(Config, DESCRIPTION, argv, program="fooljax poster", output_file=OUTPUT))
    print(path)
    if scored:
        print(scored)
    print(NEVER_SEEN)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
