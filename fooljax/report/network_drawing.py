"""A CPPN drawn as a network: its nodes from left to right, its connections by sign and weight."""

from collections import defaultdict

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.encodings.cppn.formulas import Node, nodes_of
from fooljax.encodings.cppn.genome import MAX_WEIGHT
from fooljax.report.canvas import INK
from fooljax.report.style import own_style

POSITIVE, NEGATIVE = "#0072b2", "#d55e00"
"""Colours that colour-blind readers tell apart. Negative connections are dashed too."""
WEIGHTS_SHOWN = 12
"""So many connections have their weights beside them; with more, these would lie on one another."""
_COLUMN, _ROW = 1.9, 0.8
"""Inches."""
_POINTS, _BEND = 49, 0.45
"""Points of a line, and the rows by which it bends where it passes one column."""


@own_style()
def draw_network(text: str | bytes) -> Figure:
    """Draws the network of a CPPN: inputs on the left, outputs on the right.

    Each node bears its name and its function. Wide lines are large weights; blue lines add, dashed orange
    ones subtract. Nodes that the picture does not depend on are left out.

    Args:
      text: a genome as JSON, as `Encoding.to_json` gives it and files hold it.
    Returns:
      A figure of matplotlib.
    Raises:
      InputError: the text is no genome.
    """
    nodes = nodes_of(text)
    places = _places(nodes)
    width, height = (max(place[axis] for place in places.values()) + 1.0 for axis in (0, 1))
    figure = Figure(figsize=(_COLUMN * width, _ROW * height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    labelled = sum(len(node.reads) for node in nodes) <= WEIGHTS_SHOWN
    for node in nodes:
        for number, (source, weight) in enumerate(node.reads):
            left, right = places[source][0], places[node.name][0]
            line = _curve(places[source], places[node.name])
            axes.plot(
                *line,
                color=NEGATIVE if weight < 0 else POSITIVE,
                linestyle="--" if weight < 0 else "-",
                linewidth=0.5 + 4.0 * abs(weight) / MAX_WEIGHT,
                zorder=1,
            )
            if labelled:
                # Those of one node stand at different places, so that lines that meet do not hide a weight,
                # and all lie in the gap after the first column, where no node is.
                along, across = line[:, round(_POINTS * (3 + number % 3) / 8 / (right - left))]
                axes.text(
                    along,
                    across,
                    f"{weight:.2f}",
                    ha="center",
                    va="center",
                    size=8,
                    bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
                    zorder=2,
                )
        axes.text(
            *places[node.name],
            f"{node.name}\n{node.function}".strip(),
            ha="center",
            va="center",
            size=9,
            color=INK,
            bbox={"boxstyle": "round", "facecolor": "#f2f2f2", "edgecolor": INK},
            zorder=3,
        )
    return figure


def _curve(start: tuple[float, float], end: tuple[float, float]) -> npt.NDArray[np.float64]:
    """`[2, n]`, a line between two nodes. It bends where it passes other columns, around their nodes."""
    along = np.linspace(0.0, 1.0, _POINTS)
    (left, above), (right, below) = start, end
    bend = _BEND * (right - left - 1.0) ** 0.5 * (1.0 if above > below else -1.0)
    line = above + (below - above) * along + bend * 4.0 * along * (1.0 - along)
    return np.stack([left + (right - left) * along, line])


def _places(nodes: list[Node]) -> dict[str, tuple[float, float]]:
    """Column and row of each node by its name: a column for each depth, centred; outputs in the last one."""
    last = max(node.depth for node in nodes)
    read = {name for node in nodes for name, _ in node.reads}
    columns: dict[int, list[str]] = defaultdict(list)
    for node in nodes:
        is_output = bool(node.function) and node.name not in read
        columns[max(last, 1) if is_output else node.depth].append(node.name)
    rows = max(len(names) for names in columns.values())
    return {
        name: (float(column), place + (rows - len(names)) / 2.0)
        for column, names in columns.items()
        for place, name in enumerate(names)
    }
