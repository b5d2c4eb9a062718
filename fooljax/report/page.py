"""The page: what was done, what came out and how far to trust it, for a reader who has never heard of it.

One HTML file without scripts that loads nothing: images are inside, styles too. The caller gives the facts;
what holds for every experiment (what confidence means, how to read the figures) is in `page.html`.
"""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import numpy as np
from PIL import Image

from fooljax.engine.log_odds import format_confidence
from fooljax.errors import InputError
from fooljax.report.canvas import DENSITY
from fooljax.report.figures import size_label
from fooljax.report.fooling import Second
from fooljax.report.templates import environment
from fooljax.storage.trees import write_bytes

MAX_ELITES = 200
"""Elites that a page shows one by one; more would be megabytes that nobody looks through."""
ELITE_SIDE = 112
"""CSS pixels of an elite's longer side, at most, unless the image itself is larger."""
SCALE_LEVELS = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.999999)
"""Confidences in the table that explains log-odds."""


@dataclass(frozen=True)
class Number:
    """One result: a few words, the value with its unit, and a sentence on what it means."""

    label: str
    value: str
    explanation: str


@dataclass(frozen=True)
class Reached:
    """The first generations of a run at which confidence was 99.99 % or more; None if it never was.

    Attributes:
      run: the run's index.
      median: generation at which the median over classes was.
      every: generation at which every class was.
    """

    run: int
    median: int | None
    every: int | None


@dataclass(frozen=True)
class Elite:
    """An image of one class in one run: the best, or the first that fooled the network.

    Attributes:
      run: the run's index, as in the file's name.
      class_index: from 0.
      class_name: as a person calls the class.
      log_odds: of the class, scored from the saved 8-bit file; natural log. -inf and NaN mean an empty cell.
      png: the file's bytes, any size; enlarged in whole steps where it is small. Ignored for an empty cell.
      file_name: the file's path relative to the page, as "elites/run0_class3.png".
      large_png: the same genome drawn at more pixels, never scored; empty where there is no such drawing.
      large_file_name: its path relative to the page.
      genome_file_name: path of the genome's file relative to the page; empty where there is none.
      generation: that it was born in; None where that is unknown.
      second: what a second network takes it for; None where none was asked.
    """

    run: int
    class_index: int
    class_name: str
    log_odds: float
    png: bytes
    file_name: str
    large_png: bytes = b""
    large_file_name: str = ""
    genome_file_name: str = ""
    generation: int | None = None
    second: Second | None = None


@dataclass(frozen=True)
class Report:
    """All that a page says. Every string is plain text: whatever it holds, it is shown, never obeyed.

    Attributes:
      title: what was fooled and how, on one line.
      intro: paragraphs that tell a stranger what was done.
      gallery_png, curves_png: what `png_bytes` gave for `gallery` and `curves`.
      numbers: results and controls, the most important first.
      reached: one row per run; with no rows the table is left out.
      elites: the best, in the order of display; the first 200 are shown one by one, grouped by run.
      first: the first of each class and run that fooled the network, which are shown beside the best where
        they differ; cells that were never fooled are empty, or are not there. Where there is none at all, the
        page says nothing of them.
      notes: what this does not show, one limitation each.
      settings: group -> name -> value.
      command: the command line that does it all again.
      sizes: the metrics of the genomes that `curves` drew, by name; it is told what they are.
      gallery_note: which images the gallery shows, where they are not all.
      classes_page: file name of the page with every image, where there are too many for this one.
      second_network: name of the network that was asked what it takes the images for; empty for none.
    """

    title: str
    intro: Sequence[str]
    gallery_png: bytes
    curves_png: bytes
    numbers: Sequence[Number]
    reached: Sequence[Reached]
    elites: Sequence[Elite]
    notes: Sequence[str]
    settings: Mapping[str, Mapping[str, str]]
    command: str
    sizes: Sequence[str] = ()
    gallery_note: str = ""
    classes_page: str = ""
    first: Sequence[Elite] = ()
    second_network: str = ""


@dataclass(frozen=True)
class _Picture:
    """An image inside the page, and its size in CSS pixels."""

    source: str
    width: int
    height: int


@dataclass(frozen=True)
class _Shown:
    """An elite with what the page shows of it; None where there is nothing to show.

    Attributes:
      first: the first image that fooled the network, where it is another one.
      fooled: whether there is a first one.
    """

    elite: Elite
    picture: _Picture | None
    large: _Picture | None
    link: str
    large_link: str
    genome_link: str
    first: "_Shown | None" = None
    fooled: bool = False


def write_page(path: Path | str, report: Report) -> None:
    """Writes the page; equal reports give equal bytes, and the file is whole or the old one.

    Raises:
      InputError: PNG bytes cannot be read, or an elite's file name is not a relative path below the page.
      FaultError: the file cannot be written.
    """
    html = (
        environment()
        .get_template("page.html")
        .render(
            report=report,
            gallery=_figure(report.gallery_png, "gallery_png"),
            curves=_figure(report.curves_png, "curves_png"),
            gallery_alt=_gallery_alt(report),
            curves_alt=_curves_alt(report),
            sizes=_and([size_label(name) for name in report.sizes]),
            scale=[(format_confidence(odds), f"{odds:.1f}", f"{1 / (1 - p):,.0f}") for p, odds in _scale()],
            elites=_all_shown(report),
            classes_link=link(report.classes_page) if report.classes_page else "",
            format_confidence=format_confidence,
        )
    )
    write_bytes(Path(path), html.encode())


def _scale() -> list[tuple[float, float]]:
    # The next float up: otherwise rounding puts some levels below themselves, and they would show as 98.99 %.
    return [(p, math.nextafter(math.log(round(p / (1 - p))), math.inf)) for p in SCALE_LEVELS]


def _size(png: bytes, name: str) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            return image.size
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"{name}: expected the bytes of a PNG file, got {len(png)} bytes of something else"
        ) from error


def _source(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _figure(png: bytes, name: str) -> _Picture:
    width, height = _size(png, name)
    return _Picture(_source(png), round(width / DENSITY), round(height / DENSITY))


def _all_shown(report: Report) -> list[_Shown]:
    first = {(one.run, one.class_index): one for one in report.first if one.log_odds > -math.inf}
    shown = []
    for elite in report.elites[:MAX_ELITES]:
        one = first.get((elite.run, elite.class_index))
        differs = one is not None and one.png != elite.png
        shown.append(
            replace(_shown(elite), first=_shown(one) if one and differs else None, fooled=one is not None)
        )
    return shown


def _shown(elite: Elite) -> _Shown:
    names = (elite.file_name, elite.large_file_name, elite.genome_file_name)
    if not elite.log_odds > -math.inf:
        return _Shown(elite, None, None, "", "", "")
    width, height = _size(elite.png, elite.file_name)
    scale = max(1, ELITE_SIDE // max(width, height))
    picture = _Picture(_source(elite.png), width * scale, height * scale)
    large = None
    if elite.large_png:
        large = _Picture(_source(elite.large_png), *_size(elite.large_png, elite.large_file_name))
    links = (link(names[0]), link(names[1]) if large else "", link(names[2]) if names[2] else "")
    return _Shown(elite, picture, large, *links)


def link(file_name: str) -> str:
    """The file's address, quoted, so that a name with a colon is no "javascript:" either."""
    path = PurePosixPath(file_name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file_name:
        raise InputError(f"file_name: expected a relative path below the page, got {file_name!r}")
    return quote(file_name, errors="replace")


def _gallery_alt(report: Report) -> str:
    # The gallery shows the first images, and the best where the network was not fooled.
    shown = {(elite.run, elite.class_index): elite for elite in report.elites}
    shown |= {(one.run, one.class_index): one for one in report.first if one.log_odds > -math.inf}
    elites = list(shown.values())
    runs, classes = len({elite.run for elite in elites}), len({elite.class_index for elite in elites})
    odds = np.asarray([elite.log_odds for elite in elites], np.float64)
    filled = odds[odds > -np.inf]
    if not filled.size:
        return "Grid of evolved images; no class has an image yet."
    shape = f"Grid of evolved images, {runs} {_plural('run', runs)} by {classes} {_plural('class', classes)}."
    lowest, middle = format_confidence(filled.min()), format_confidence(float(np.median(filled)))
    return f"{shape} The network's confidence in them is {lowest} at the lowest and {middle} in the median."


def _curves_alt(report: Report) -> str:
    charts = ["log-odds of the median and the worst class", "replacements"]
    charts += [_and([size_label(name) for name in report.sizes])] if report.sizes else []
    reached = report.reached
    parts = [f"Line charts over generations, one below the other: {'; '.join(charts)}."]
    for name, generations in (
        ("median class", [row.median for row in reached]),
        ("worst class", [row.every for row in reached]),
    ):
        found = [generation for generation in generations if generation is not None]
        if found:
            when = (
                f"generation {min(found)}"
                if min(found) == max(found)
                else f"generations {min(found)} to {max(found)}"
            )
            parts.append(f"The {name} reached 99.99 % in {len(found)} of {len(generations)} runs, at {when}.")
        elif generations:
            parts.append(f"The {name} did not reach 99.99 % in any run.")
    return " ".join(parts)


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + list(words[-1:]))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + ("es" if word.endswith("s") else "s")
