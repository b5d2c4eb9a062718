"""What the page of a run says: plain values, which `run_page` writes down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fooljax.report.fooling import NamedAs
from fooljax.report.panel_content import PanelSection

MAX_ELITES = 200
"""Elites that a page shows one by one; more would be megabytes that nobody looks through."""


@dataclass(frozen=True)
class Number:
    """One result.

    Attributes:
      label: what it is, in a few words.
      value: with its unit.
      explanation: a sentence on what it means.
    """

    label: str
    value: str
    explanation: str


@dataclass(frozen=True)
class FooledAt:
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
    second: NamedAs | None = None


@dataclass(frozen=True)
class RunPage:
    """All that the page says. Every string is plain text: whatever it holds, it is shown, never obeyed.

    Attributes:
      title: what was fooled and how, on one line.
      introduction: paragraphs that tell a stranger what was done.
      gallery_png, curves_png: PNG files of `gallery` and `curves`.
      gallery_alt: what the gallery shows, in words.
      numbers: results and controls, the most important first.
      fooled_at: one row per run; with no rows the table is left out.
      elites: the best, in the order of display; the first 200 are shown one by one, grouped by run.
      notes: what this does not show, one limitation each.
      settings: group -> name -> value.
      command: the command line that does it all again; empty where there is none.
      made_by: a sentence on what made the run, where there is no command line.
      objective: name of what was maximised, where that is no log-odds; then there are no confidences, and
        `log_odds` are its values.
      first: the first of each class and run that fooled the network, which are shown beside the best where
        they differ; cells that were never fooled are empty, or are not there. Where there is none at all, the
        page says nothing of them.
      sizes: the metrics of the genomes that `curves` drew, by name; it is told what they are.
      shows_first: whether the gallery shows the first images that fooled the network.
      gallery_note: which images the gallery shows, where they are not all.
      classes_page: file name of the page with every image, where there are too many for this one.
      first_listed: whether that page's reader finds the first images in a folder of their own.
      gallery_wraps: whether the gallery's columns stand in several blocks, one below the other.
      control_command: the command line of which the last note speaks; empty where there is none.
      panel: what judges say of the images; None where none was asked.
      second_network: name of the network that was asked what it takes the images for; empty for none.
    """

    title: str
    introduction: Sequence[str]
    gallery_png: bytes
    gallery_alt: str
    curves_png: bytes
    numbers: Sequence[Number]
    fooled_at: Sequence[FooledAt]
    elites: Sequence[Elite]
    notes: Sequence[str]
    settings: Mapping[str, Mapping[str, str]]
    command: str
    made_by: str = ""
    objective: str = ""
    first: Sequence[Elite] = ()
    sizes: Sequence[str] = ()
    shows_first: bool = False
    gallery_note: str = ""
    classes_page: str = ""
    first_listed: bool = False
    gallery_wraps: bool = False
    control_command: str = ""
    second_network: str = ""
    panel: PanelSection | None = None
