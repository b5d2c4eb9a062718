"""The course of evolution: log-odds over generations, replacements, and the sizes of the genomes.

Confidence is drawn as log-odds, ln p / (1 - p): in float32 p itself is 1.0 long before a search ends.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.report.canvas import DPI, INK
from fooljax.report.confidence_axis import fit_limits, mark_confidences
from fooljax.report.fonts import fit
from fooljax.report.style import own_style

MEDIAN_COLOUR, WORST_COLOUR = "#005b8f", "#b34700"
SIZE_COLOURS = ("#00704a", "#7b3294", "#8c510a", "#222222")


@own_style()
def curves(
    metrics: Mapping[str, npt.ArrayLike],
    *,
    sizes: Sequence[str] = (),
    title: str | None = None,
    objective: str = "",
) -> Figure:
    """Draws the course of evolution: log-odds of the median and the worst class, replacements, sizes.

    Thin lines are runs, thick ones the median over runs. Where a value is not finite (no elite yet), its
    line has a gap.

    Args:
      metrics: by name, `[R, T + 1]` (or `[T + 1]` for one run): `median_log_odds`, `min_log_odds` and
        `replacements`, for generations 0 to T; and `generation`, `[T + 1]` (or `[R, T + 1]`). Others are
        ignored.
      sizes: names of metrics that count something in the genomes, as "cppn/hidden_nodes"; if there are any,
        they are drawn together below the rest and named by what follows the slash.
      title: above the figure; none by default.
      objective: name of what was maximised, where that is no log-odds. Then `median_fitness` and
        `min_fitness` are drawn instead, and no axis of confidence.
    Returns:
      A figure of matplotlib.
    Raises:
      InputError: a metric is missing or its shape does not fit.
    """
    value = "fitness" if objective else "log_odds"
    needed = ("generation", f"median_{value}", f"min_{value}", "replacements", *sizes)
    if missing := [name for name in needed if name not in metrics]:
        raise InputError(f"metrics: expected {', '.join(needed)}; missing {', '.join(missing)}")
    table = {name: np.atleast_2d(np.asarray(metrics[name], np.float64)) for name in needed}
    generation = table["generation"][0]
    median, worst, replaced = (table[name] for name in needed[1:4])
    expected = (len(median), len(generation))
    if any(table[name].shape != expected for name in needed[1:]) or median.size == 0:
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in table.items())
        raise InputError(f"metrics: expected [R, T + 1] each, got {shapes}")

    panels = 3 if sizes else 2
    figure = Figure(figsize=(9, 3.8 + 1.3 * panels), dpi=DPI, layout="constrained")
    upper, lower, *more = figure.subplots(panels, 1, sharex=True, height_ratios=(3, 1, 1)[:panels])
    if title is not None:
        fit(figure.suptitle(title, color=INK, fontsize=11))
    _lines(upper, generation, median, MEDIAN_COLOUR, "-")
    _lines(upper, generation, worst, WORST_COLOUR, "--")
    fit_limits(upper, np.concatenate([median, worst]), [] if objective else [0.0, FOOLED])
    _label_line(upper, generation, median, "median class", MEDIAN_COLOUR, above=True)
    _label_line(upper, generation, worst, "worst class", WORST_COLOUR, above=False)
    if objective:
        upper.set_ylabel(objective)
        fit(upper.yaxis.label)
    else:
        upper.axhline(FOOLED, color=INK, lw=1, ls=":")
        upper.set_ylabel("log-odds of the class, ln p / (1 - p)")
        mark_confidences(upper)

    # Generation 0 fills the empty cells, which says nothing about the search and would set the scale.
    window = max(1, len(generation) // 50)
    smooth = np.stack([_running_mean(run, window) for run in replaced[:, 1:]])
    _lines(lower, generation[1:], smooth, INK, "-")
    lower.set_ylim(bottom=0)
    lower.set_ylabel("replacements\nper generation")
    for axes in more:
        _draw_sizes(axes, generation, {name: table[name] for name in sizes})
    lowest = (more or [lower])[0]
    lowest.set_xlabel(_generation_label(generation, window))
    for axes in (upper, lower, *more):
        axes.margins(x=0.01)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    return figure


def _generation_label(generation: npt.NDArray[np.float64], window: int) -> str:
    """What the axis of generations says: which there are, and how replacements are smoothed."""
    step = int(generation[1] - generation[0]) if len(generation) > 1 else 1
    parts = [f"one in {step} was kept"] * (step > 1) + [f"replacements: mean over {window}"] * (window > 1)
    return "generation" + (f" ({'; '.join(parts)})" if parts else "")


def _median(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.median(values, axis=0))


def _lines(
    axes: Axes, x: npt.NDArray[np.float64], values: npt.NDArray[np.float64], colour: str, style: str
) -> None:
    """Draws runs `[R, n]` thin and their median thick; one run is drawn thick alone."""
    for run in values if len(values) > 1 else []:
        axes.plot(x, np.where(np.isfinite(run), run, np.nan), color=colour, ls=style, lw=0.6, alpha=0.45)
    middle = _median(values)
    axes.plot(x, np.where(np.isfinite(middle), middle, np.nan), color=colour, ls=style, lw=2)


def _label_line(
    axes: Axes,
    x: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    text: str,
    colour: str,
    *,
    above: bool,
) -> None:
    """Names a line on the line itself, where rising lines leave room: its end above, its middle below."""
    place = len(x) - 1 if above else int(0.6 * (len(x) - 1))
    here = values[:, place][np.isfinite(values[:, place])]
    if not here.size:
        return
    axes.annotate(
        text,
        (x[place], here.max() if above else here.min()),
        xytext=(0, 4 if above else -4),
        textcoords="offset points",
        ha="right" if above else "left",
        va="bottom" if above else "top",
        color=colour,
        fontweight="bold",
        path_effects=[withStroke(linewidth=4, foreground="white")],
    )


def _draw_sizes(
    axes: Axes, generation: npt.NDArray[np.float64], sizes: Mapping[str, npt.NDArray[np.float64]]
) -> None:
    """Draws counts `[R, T + 1]` by metric name, on one axis from 0."""
    finite = np.concatenate([values[np.isfinite(values)] for values in sizes.values()])
    # Room for the legend above the highest line: lines of different sizes cross too often to be named.
    axes.set_ylim(0, max(1.0, 1.4 * float(finite.max(initial=0.0))))
    axes.set_ylabel("mean over\nthe elites")
    handles = []
    for index, (name, values) in enumerate(sizes.items()):
        colour, style = SIZE_COLOURS[index % len(SIZE_COLOURS)], "-" if index % 2 == 0 else "--"
        _lines(axes, generation, values, colour, style)
        handles.append(Line2D([], [], color=colour, ls=style, lw=2, label=size_label(name)))
    legend = axes.legend(handles=handles, loc="upper left", ncols=4, frameon=False, handlelength=3)
    for text in legend.get_texts():
        fit(text)


def size_label(metric: str) -> str:
    """What a metric counts: "hidden nodes" for "cppn/hidden_nodes"."""
    return metric.split("/", 1)[-1].replace("_", " ")


def _running_mean(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """The mean over `window` neighbours, fewer at both ends."""
    if not values.size:
        return values
    kernel = np.ones(min(window, len(values)))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")
