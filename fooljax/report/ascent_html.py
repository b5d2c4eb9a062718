"""How the page of a gradient ascent is written down: one section for each method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fooljax.errors import InputError
from fooljax.report.content import Number
from fooljax.report.panel_content import PanelSection
from fooljax.report.pictures import figure_picture
from fooljax.report.templates import write_html


@dataclass(frozen=True)
class MethodSection:
    """What the page says of one method.

    Attributes:
      name: a short name.
      explanation: a sentence or two on what it does.
      values: its line of the table.
      gallery_png: all of its images.
      gallery_alt: the same in words.
    """

    name: str
    explanation: str
    values: Sequence[str]
    gallery_png: bytes
    gallery_alt: str


@dataclass(frozen=True)
class AscentPage:
    """All that a page says. Every string is plain text: whatever it holds, it is shown, never obeyed.

    Attributes:
      title: on one line.
      introduction: paragraphs that tell a stranger what was done.
      gallery_png, gallery_alt, gallery_caption: some images of each method.
      columns: names of the values of the table.
      table_caption: what the values are.
      methods: in the order of display.
      curves_png, curves_alt, curves_caption: what `ascent_curves` draws.
      numbers: other results and controls, the most important first.
      notes: what this does not show, one limitation each.
      settings: group -> name -> value.
      command: the command line that does the same again; "" where Python began the run.
      panel: what judges say of the images; None where none was asked.
    """

    title: str
    introduction: Sequence[str]
    gallery_png: bytes
    gallery_alt: str
    gallery_caption: str
    columns: Sequence[str]
    table_caption: str
    methods: Sequence[MethodSection]
    curves_png: bytes
    curves_alt: str
    curves_caption: str
    numbers: Sequence[Number]
    notes: Sequence[str]
    settings: Mapping[str, Mapping[str, str]]
    command: str
    panel: PanelSection | None = None


def write_ascent_html(path: Path | str, page: AscentPage) -> None:
    """Writes the page; equal content gives equal bytes, and the file is whole or the old one.

    Raises:
      InputError: PNG bytes cannot be read, or a line of the table is of another length than `columns`.
      FaultError: the file cannot be written.
    """
    for method in page.methods:
        if len(method.values) != len(page.columns):
            raise InputError(
                f"methods: expected {len(page.columns)} values of {method.name}, got {len(method.values)}"
            )
    write_html(
        path,
        "ascent.html",
        page=page,
        gallery=figure_picture(page.gallery_png, "gallery_png"),
        curves=figure_picture(page.curves_png, "curves_png"),
        pictures=[
            figure_picture(method.gallery_png, f"{method.name}: gallery_png") for method in page.methods
        ],
    )
