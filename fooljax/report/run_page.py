"""The page of a run: what was done, what came out and how far to trust it, for a complete stranger.

It is one HTML file without scripts that loads nothing: images are inside, and the style is too. The caller
gives the facts. What holds for every run (what confidence means, how to read the figures) is in `run.html`.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from fooljax.engine.log_odds import format_confidence
from fooljax.report import alternative_texts
from fooljax.report.content import MAX_ELITES, Elite, RunPage
from fooljax.report.course import size_label
from fooljax.report.pictures import Picture, figure_picture, link, picture, png_size
from fooljax.report.templates import write_html
from fooljax.report.thumbnails import THUMBNAIL
from fooljax.runs.words import listed

ELITE_SIDE = 112
"""CSS pixels of an elite's longer side, at most, unless the image itself is larger."""
SCALE_LEVELS = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.999999)
"""Confidences in the table that explains log-odds."""


@dataclass(frozen=True)
class _Shown:
    """An elite with what the page shows of it; None where there is nothing to show.

    Attributes:
      first: the first image that fooled the network, where it is another one.
      fooled: whether there is a first one.
    """

    elite: Elite
    picture: Picture | None
    large: Picture | None
    link: str
    large_link: str
    genome_link: str
    first: "_Shown | None" = None
    fooled: bool = False


def write_run_page(path: Path | str, page: RunPage) -> None:
    """Writes the page; equal content gives equal bytes, and the file is whole or the old one.

    Args:
      path: of the file.
      page: what it says.
    Raises:
      InputError: PNG bytes cannot be read, or an elite's file name is not a relative path below the page.
      FaultError: the file cannot be written.
    """
    write_html(
        path,
        "run.html",
        page=page,
        gallery=figure_picture(page.gallery_png, "gallery_png"),
        curves=figure_picture(page.curves_png, "curves_png"),
        curves_alt=alternative_texts.of_curves(page),
        sizes=listed([size_label(name) for name in page.sizes]),
        scale=[(format_confidence(odds), f"{odds:.1f}", f"{1 / (1 - p):,.0f}") for p, odds in _scale()],
        elites=_all_shown(page),
        written=alternative_texts.written(page.objective),
        thumbnail=THUMBNAIL,
        classes_link=link(page.classes_page) if page.classes_page else "",
    )


def _scale() -> list[tuple[float, float]]:
    # The next float up: otherwise rounding puts some levels below themselves, and they would show as 98.99 %.
    return [(p, math.nextafter(math.log(round(p / (1 - p))), math.inf)) for p in SCALE_LEVELS]


def _all_shown(page: RunPage) -> list[_Shown]:
    first = {(one.run, one.class_index): one for one in page.first if one.log_odds > -math.inf}
    shown = []
    for elite in page.elites[:MAX_ELITES]:
        one = first.get((elite.run, elite.class_index))
        differs = one is not None and one.png != elite.png
        shown.append(
            replace(_shown(elite), first=_shown(one) if one and differs else None, fooled=one is not None)
        )
    return shown


def _shown(elite: Elite) -> _Shown:
    if not elite.log_odds > -math.inf:
        return _Shown(elite, None, None, "", "", "")
    large, genome = elite.large_file_name, elite.genome_file_name
    scale = max(1, ELITE_SIDE // max(png_size(elite.png, elite.file_name)))
    return _Shown(
        elite,
        picture(elite.png, elite.file_name, scale),
        picture(elite.large_png, large) if elite.large_png else None,
        link(elite.file_name),
        link(large) if elite.large_png else "",
        link(genome) if genome else "",
    )
