"""A page that compares methods on the same task: a grid of images, a table and curves, one entry for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.report.canvas import DPI, INK
from fooljax.report.confidence_axis import fit_limits, mark_confidences
from fooljax.report.content import Number
from fooljax.report.fonts import fit
from fooljax.report.pictures import figure_picture
from fooljax.report.style import own_style
from fooljax.report.templates import write_html

COLOURS = ("#005b8f", "#b34700", "#00704a", "#7b3294", "#8c510a", "#222222", "#8a8a8a")
"""Of the lines, in turn."""
STYLES = ("-", "--", ":")


@dataclass(frozen=True)
class Method:
    """One of the methods compared.

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
class ComparisonPage:
    """All that a page says. Every string is plain text: whatever it holds, it is shown, never obeyed.

    Attributes:
      title: on one line.
      introduction: paragraphs that tell a stranger what was done.
      gallery_png, gallery_alt, gallery_caption: some images of each method.
      columns: names of the values of the table.
      table_caption: what the values are.
      methods: in the order of display.
      curves_png, curves_alt, curves_caption: what `climbs` draws.
      numbers: other results and controls, the most important first.
      notes: what this does not show, one limitation each.
      settings: group -> name -> value.
      command: the command line that does it all again.
    """

    title: str
    introduction: Sequence[str]
    gallery_png: bytes
    gallery_alt: str
    gallery_caption: str
    columns: Sequence[str]
    table_caption: str
    methods: Sequence[Method]
    curves_png: bytes
    curves_alt: str
    curves_caption: str
    numbers: Sequence[Number]
    notes: Sequence[str]
    settings: Mapping[str, Mapping[str, str]]
    command: str


def write_comparison(path: Path | str, page: ComparisonPage) -> None:
    """Writes the page; equal content give equal bytes, and the file is whole or the old one.

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
        "comparison.html",
        page=page,
        gallery=figure_picture(page.gallery_png, "gallery_png"),
        curves=figure_picture(page.curves_png, "curves_png"),
        pictures=[
            figure_picture(method.gallery_png, f"{method.name}: gallery_png") for method in page.methods
        ],
    )


@own_style()
def climbs(histories: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]) -> Figure:
    """Draws how log-odds grew: for each method the median image, and thin the lowest one.

    Args:
      histories: by name, iterations `[n]` from 0 and log-odds `[n, B]` at each.
    Raises:
      InputError: there is none, or a shape does not fit.
    """
    if not histories:
        raise InputError("histories: expected at least one, got none")
    figure = Figure(figsize=(9, 5), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    every, last = [], 1.0
    for index, (name, (iterations, log_odds)) in enumerate(histories.items()):
        x, odds = np.asarray(iterations, np.float64), np.asarray(log_odds, np.float64)
        if x.ndim != 1 or odds.ndim != 2 or len(x) != len(odds) or 0 in odds.shape:
            raise InputError(f"histories: expected [n] and [n, B] of {name}, got {x.shape} and {odds.shape}")
        middle, lowest = np.median(odds, axis=1), np.min(odds, axis=1)
        style: dict[str, Any] = {"color": COLOURS[index % len(COLOURS)], "ls": STYLES[index % len(STYLES)]}
        # From 1, for the logarithm.
        axes.plot(x + 1, middle, lw=2, label=name, **style)
        axes.plot(x + 1, lowest, lw=0.7, alpha=0.7, **style)
        every += [middle, lowest]
        last = max(last, x[-1] + 1)
    fit_limits(axes, np.concatenate(every))
    axes.set_xscale("log")
    axes.set_xlim(1, 1.02 * max(last, 2.0))
    axes.axhline(FOOLED, color=INK, lw=1, ls=":")
    axes.set_xlabel("looks at the image (one more than steps)")
    axes.set_ylabel("log-odds of the class, ln p / (1 - p)")
    mark_confidences(axes)
    axes.spines[["top", "right"]].set_visible(False)
    for text in axes.legend(frameon=False, loc="upper left", handlelength=3).get_texts():
        fit(text)
    return figure
