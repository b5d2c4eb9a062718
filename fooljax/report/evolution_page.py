"""The page and the figures of a search, made from its folder and nothing else.

The same code makes them when a run ends and when `fooljax report` makes them again. Equal folders give equal
bytes.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fooljax.errors import InputError, shown
from fooljax.report import alternative_texts, run_settings, run_words
from fooljax.report.classes_page import ClassImage, write_classes
from fooljax.report.content import MAX_ELITES, Elite, RunPage
from fooljax.report.course import curves
from fooljax.report.fonts import label
from fooljax.report.fooling import NamedAs, fooling_gallery
from fooljax.report.grid import columns, gallery
from fooljax.report.image_files import Files, ImageFiles, draw_large, gather
from fooljax.report.panel_section import panel_section
from fooljax.report.png import png_bytes
from fooljax.report.run_page import write_run_page
from fooljax.runs.agreement import check_summary
from fooljax.runs.folder import MARK
from fooljax.runs.images import read_image
from fooljax.runs.record import Kind, RunRecord
from fooljax.runs.tables import EliteRow, SecondOpinion
from fooljax.storage.files import write_bytes

CLASSES_PAGE = "classes.html"
"""Where there are more images than the run's page shows."""
GALLERY = 40
"""Images in the gallery then; the paper's figure 8 has as many."""


class _Set(NamedTuple):
    """One set of images: their rows by run and class, and their files."""

    rows: dict[tuple[int, int], EliteRow]
    files: ImageFiles


def write(record: RunRecord, folder: Path | None = None) -> Path:
    """Writes `index.html`, `gallery.png`, `curves.png`, `large/` and, for many classes, `classes.html`.

    Args:
      record: the run.
      folder: where to write; by default the run's own. Another one is made, and gets copies of the images.
    Returns:
      The path of the page.
    Raises:
      InputError: a file of the run is damaged, or images are missing that cannot be drawn again.
      FaultError: a file cannot be written.
    """
    check_summary(record)
    folder = folder or record.path
    best, first = _set(record, "elites", folder), _set(record, "first", folder)
    try:
        return _write(record, best, first, folder)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{record.path / MARK}: expected the summary of a run, found something else "
            f"({type(error).__name__}: {shown(error)})"
        ) from error


def _set(record: RunRecord, kind: Kind, folder: Path) -> _Set:
    if kind == "first" and not _has_first(record):
        return _Set({}, ImageFiles({}, {}, drawn_again=False))
    rows = record.elites if kind == "elites" else record.first_rows
    return _Set({(row.run, row.class_index): row for row in rows}, gather(record, kind, folder))


def _write(record: RunRecord, best: _Set, first: _Set, folder: Path) -> Path:
    # A gallery of a thousand photographs' worth would be tens of megabytes; the page of classes has them all.
    many = record.runs * len(record.cells) > MAX_ELITES
    most = max(1, GALLERY // record.runs) if many else len(record.cells)
    cells = [record.cells[place] for place in _evenly(len(record.cells), most)]
    gallery_png, gallery_alt = _gallery(record, best, first, cells, folder)
    objective = run_words.objective(record)
    measured = run_words.genome_metrics(record)
    sizes = [name for name in measured if not run_words.is_share(name)]
    curves_png = png_bytes(curves(record.metrics, sizes=sizes, objective=objective))
    write_bytes(folder / "gallery.png", gallery_png)
    write_bytes(folder / "curves.png", curves_png)
    large = draw_large(record, record.elites[:MAX_ELITES], folder)
    if many:
        write_classes(
            folder / CLASSES_PAGE, record.title, "index.html", _class_images(record, best), objective
        )
    page = RunPage(
        title=record.title,
        introduction=record.introduction,
        gallery_png=gallery_png,
        gallery_alt=gallery_alt,
        curves_png=curves_png,
        sizes=sizes,
        numbers=run_words.numbers(record),
        fooled_at=run_words.fooled_at(record),
        elites=[] if many else _elites(record, best, large, folder),
        first=[] if many else _elites(record, first, {}, folder),
        notes=run_words.notes(record, best.files.drawn_again or first.files.drawn_again),
        settings=run_settings.settings(record),
        command=record.command or "",
        objective=objective,
        made_by=run_settings.made_by(record),
        shows_first=_has_first(record),
        gallery_note=_gallery_note(record, len(cells)) if many else "",
        gallery_wraps=columns(len(cells), record.image_shape) < len(cells),
        control_command=run_words.control_command(record),
        classes_page=CLASSES_PAGE if many else "",
        first_listed=many and bool(first.files.images) and (folder / "first.csv").is_file(),
        second_network=_second_network(record),
        panel=panel_section(record, best.files.images, folder, MAX_ELITES),
    )
    write_run_page(folder / "index.html", page)
    return folder / "index.html"


def _gallery(
    record: RunRecord, best: _Set, first: _Set, cells: Sequence[int], folder: Path
) -> tuple[bytes, str]:
    """A PNG of the first images that fooled the network, of some classes; where none did, of the best ones.

    Returns:
      The PNG, and what it shows in words.
    """
    height, width, channels = record.image_shape
    images = np.zeros((record.runs, len(cells), height, width, channels), np.uint8)
    odds, fooled = np.full(images.shape[:2], -np.inf), np.zeros(images.shape[:2], bool)
    seconds: list[list[NamedAs | None]] = [[None] * len(cells) for _ in range(record.runs)]
    for run, column in np.ndindex(*images.shape[:2]):
        place = (run, cells[column])
        fooled[run, column] = place in first.files.images
        shown_set = first if fooled[run, column] else best
        if place in shown_set.files.images:
            row = shown_set.rows[place]
            images[run, column] = read_image(folder / shown_set.files.images[place], record.image_shape)
            odds[run, column] = row.log_odds
            seconds[run][column] = _named_as(row.second)
    names = [label(record.class_names[index], index) for index in cells]
    objective = run_words.objective(record)
    if objective:
        text = f"Each image was evolved for the class above its column. Below it stands {objective}."
        figure = gallery(images, odds, names, notes=[text], written=alternative_texts.written(objective))
        return png_bytes(figure), alternative_texts.of_gallery(odds, objective)
    asked = any(row.second for row in (*record.elites, *record.first_rows))
    figure = fooling_gallery(
        images,
        odds,
        names,
        fooled=fooled if _has_first(record) else None,
        seconds=seconds if asked else None,
    )
    return png_bytes(figure), alternative_texts.of_gallery(odds)


def _elites(record: RunRecord, images: _Set, large: Files, folder: Path) -> list[Elite]:
    """Images as the page shows them, with their large drawings; empty cells among them."""
    found = []
    for place in ((run, index) for run in range(record.runs) for index in record.cells):
        name, drawing = images.files.images.get(place, ""), large.get(place, "")
        row = images.rows[place] if name else None
        found.append(
            Elite(
                run=place[0],
                class_index=place[1],
                class_name=record.class_names[place[1]],
                log_odds=row.log_odds if row else -math.inf,
                png=(folder / name).read_bytes() if name else b"",
                file_name=name,
                genome_file_name=images.files.genomes.get(place, ""),
                large_png=(folder / drawing).read_bytes() if drawing else b"",
                large_file_name=drawing,
                generation=row.generation if row else None,
                second=_named_as(row.second) if row else None,
            )
        )
    return found


def _class_images(record: RunRecord, best: _Set) -> list[ClassImage]:
    """The best images as the page of all classes shows them; empty cells among them."""
    return [
        ClassImage(
            run=run,
            class_index=index,
            class_name=record.class_names[index],
            group=row.group if (row := best.rows.get((run, index))) else "",
            log_odds=row.log_odds if row else -math.inf,
            file_name=best.files.images.get((run, index), ""),
        )
        for run in range(record.runs)
        for index in record.cells
    ]


def _has_first(record: RunRecord) -> bool:
    """Whether the run kept the first images that fooled the network, were there any.

    Of values that are no log-odds, no level of confidence has a meaning.
    """
    return record.is_log_odds and (record.first is not None or bool(record.first_rows))


def _gallery_note(record: RunRecord, shown_here: int) -> str:
    """Which classes the gallery shows."""
    return f"The gallery shows {shown_here:,} of the {len(record.cells):,} classes, evenly spaced."


def _second_network(record: RunRecord) -> str:
    """The name of the second network; "" where none was asked."""
    second = record.summary.get("second_network")
    return str(second["name"]) if isinstance(second, dict) else ""


def _named_as(second: SecondOpinion | None) -> NamedAs | None:
    """What a second network takes an image for, from the confidence of nine digits that tables hold."""
    if second is None:
        return None
    billionths = round(second.confidence * 1e9)
    # A little above, where rounding may have gone below; far less than the digits that were cut off.
    odds = math.log(billionths / (10**9 - billionths)) + 1e-14 if 0 < billionths < 10**9 else -50.0
    return NamedAs(second.class_index, second.class_name, odds)


def _evenly(count: int, most: int) -> list[int]:
    """At most so many places of a row, evenly spaced, the first and the last always."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()
