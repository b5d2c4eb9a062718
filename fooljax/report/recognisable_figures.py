"""The figure of `experiments.recognisable`: the images that fool, and those that no judge recognises."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fooljax.report.canvas import DPI
from fooljax.report.png import png_bytes
from fooljax.report.recognisable import by_generator, findings
from fooljax.report.style import own_style
from fooljax.study import Row
from fooljax.study.measured_sets import CLEAN

SHARES = {
    "fools": ("fool the network (99.99 % or more)", "#9a9a9a"),
    "without_relatives": ("and no judge of another architecture agrees", "#0b6fb8"),
    "counts": ("and no judge agrees at all", "#c8501e"),
}
"""Shares of `findings`, with their words and colours."""
SHORT = {
    "direct": "evolved, pixels",
    "cppn": "evolved, CPPNs",
    "gradient": "gradient ascent",
    "random_search_direct": "best of random pixels",
    "random_search_cppn": "best of random CPPNs",
    "random_cppn": "random CPPNs",
    "uniform_noise": "uniform noise",
    "gaussian_noise": "Gaussian noise",
    CLEAN: "clean images",
}


@own_style()
def figures(rows: Sequence[Row]) -> Mapping[str, bytes]:
    """`shares.png`: the shares with their intervals of 95 %, for each kind of images."""
    kinds = list(by_generator(rows))
    if not kinds:
        return {}
    found = findings(rows)
    figure = Figure(figsize=(8.5, 1.9 + 0.52 * len(kinds)), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    for number, (name, (words, colour)) in enumerate(SHARES.items()):
        if any(f"{kind}_{name}" not in found for kind in kinds):
            continue  # no judge of another architecture was counted
        values = [found[f"{kind}_{name}"].value for kind in kinds]
        places = [place + 0.24 * (number - 1) for place in range(len(kinds))]
        ends = [[one.estimate - one.low for one in values], [one.high - one.estimate for one in values]]
        middle = [one.estimate for one in values]
        has_ends = all(low == low for low in ends[0])  # NaN of one network alone
        axes.errorbar(
            middle, places, xerr=ends if has_ends else None, fmt="o", color=colour, label=words, capsize=3
        )
    axes.set_yticks(range(len(kinds)), [SHORT.get(kind, kind) for kind in kinds])
    axes.invert_yaxis()
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of the images")
    axes.grid(axis="x", alpha=0.3)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside lower center", frameon=False, ncols=1)
    return {"shares.png": png_bytes(figure)}
