"""The legend below a figure, one for all of its panels."""

from matplotlib.figure import Figure

from fooljax.report.fonts import fit


def legend_below(figure: Figure, columns: int) -> None:
    """Puts a legend below a figure, with each label once, though several panels may have it.

    Args:
      figure: with a constrained layout, which makes room for the legend.
      columns: of the legend.
    """
    handles = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    legend = figure.legend(
        handles.values(), handles.keys(), fontsize=8, loc="outside lower center", ncols=columns
    )
    for text in legend.get_texts():
        fit(text)
