"""A figure of the family trees of elites: who has ancestors in common, and when the lines parted."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import StrMethodFormatter

from fooljax.analysis.descent import descent_of
from fooljax.engine.log_odds import format_confidence
from fooljax.report.canvas import CHARACTER, cut
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style

MOST_RUNS = 4
COLUMNS = 2
HEIGHT = 0.36
"""Inches of an elite."""
LONGEST = 34 * CHARACTER
"""Room of a class's name, which `cut` counts in pixels."""


@own_style()
def family_trees(
    images: npt.NDArray[np.uint8],
    log_odds: npt.NDArray[np.floating],
    lines: Sequence[Sequence[Sequence[int]]],
    names: Sequence[str],
    *,
    title: str,
) -> bytes:
    """A PNG of the trees of the first runs, a panel for each; trees differ in colour, time runs to the right.

    Args:
      images: `[R, C, H, W, K]`, the elites.
      log_odds: `[R, C]`, of each for its class.
      lines: for each run and class the elite's number among the images of its run, its parent's, and so on.
      names: of the classes.
      title: above the panels.
    """
    runs = min(len(lines), MOST_RUNS)
    rows = -(-runs // COLUMNS)
    size = (6.4 * min(runs, COLUMNS), 0.5 + rows * (0.8 + HEIGHT * len(names)))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, min(runs, COLUMNS), squeeze=False).ravel()
    for run, axes in enumerate(grid[:runs]):
        labels = [
            f"{cut(name, LONGEST)}, {format_confidence(float(odds))}"
            for name, odds in zip(names, log_odds[run], strict=True)
        ]
        _tree(axes, images[run], lines[run], labels)
        axes.set_title(f"run {run}", loc="left", fontsize=10)
    for axes in grid[runs:]:
        axes.remove()
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return png_bytes(figure)


def _tree(
    axes: Axes, images: npt.NDArray[np.uint8], lines: Sequence[Sequence[int]], labels: Sequence[str]
) -> None:
    """Draws the trees of one run."""
    descent = descent_of(lines)
    order = [place for tree in descent.trees for place in tree]
    ends: dict[tuple[int, ...], tuple[float, float]]
    ends = {(place,): (float(lines[place][0]), float(row)) for row, place in enumerate(order)}
    colours = {place: f"C{number % 10}" for number, tree in enumerate(descent.trees) for place in tree}
    for fork in descent.forks:
        pair = [ends[fork.first], ends[fork.second]]
        colour, heights = colours[fork.first[0]], [height for _, height in pair]
        for until, height in pair:
            axes.plot([fork.ancestor, until], [height, height], color=colour, lw=1.5)
        axes.plot([fork.ancestor] * 2, heights, color=colour, lw=1.5)
        ends[fork.first + fork.second] = float(fork.ancestor), sum(heights) / 2
    for tree in descent.trees:
        until, height = ends[tree]
        axes.plot([lines[tree[0]][-1], until], [height, height], color=colours[tree[0]], lw=1.5)
    for row, place in enumerate(order):
        axes.plot([lines[place][0]], [row], "o", color=colours[place], ms=4)
        pixels = images[place].repeat(3, axis=-1) if images.shape[-1] == 1 else images[place]
        picture = OffsetImage(pixels, zoom=0.9 * HEIGHT * 72 / pixels.shape[0])
        place_at = AnnotationBbox(
            picture,
            (1.0, row),
            xycoords=axes.get_yaxis_transform(),
            box_alignment=(-0.1, 0.5),
            bboxprops={"edgecolor": "#bbbbbb", "linewidth": 0.6},
            pad=0.0,
        )
        axes.add_artist(place_at)
    axes.yaxis.tick_right()
    axes.set_yticks(range(len(order)), [labels[place] for place in order], fontsize=8)
    axes.tick_params(axis="y", length=0, pad=0.9 * HEIGHT * 72 + 6)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlim(0, 1.04 * max(max(line) for line in lines))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("network passes of the run when the image was made", fontsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
