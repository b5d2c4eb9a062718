"""Figures of `experiments.retraining`, from its rows alone."""

import base64
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.analysis.statistics import mean_interval
from fooljax.report.confidence_axis import fit_limits, mark_confidences
from fooljax.report.grid import gallery
from fooljax.report.legends import legend_below
from fooljax.report.png import png_bytes
from fooljax.report.retraining import by_start, median_log_odds, sort_rows
from fooljax.report.style import own_style
from fooljax.study import Row, group_by
from fooljax.study.images import images_of

SHOWN = (1, 2, 5, 10, 15)
"""Numbers of the networks whose images are drawn."""
ATTACKS = {"cppn": "CPPNs", "direct": "pixels", "gradient": "gradient"}
"""Attacks whose images are drawn, and what the figure calls them."""


def figures(rows: Sequence[Row]) -> Mapping[str, bytes]:
    """The confidence of evolution anew round by round, and what its images and those of attacks look like."""
    rounds = sort_rows(row for row in rows if row["kind"] == "round")
    if not rounds:
        return {}
    attacks = sort_rows(row for row in rows if row["kind"] == "attack" and "rejects" not in row)
    met = [row for row in attacks if row["generator"] == "cppn"]
    found = {"rounds.png": _rounds(rounds, met), "images.png": _images(rounds)}
    if drawn := [row for row in attacks if "sheet" in row and row["network"] == attacks[0]["network"]]:
        found["attacks.png"] = _attacks(drawn)
    return found


@own_style()
def _rounds(rounds: Sequence[Row], met: Sequence[Row]) -> bytes:
    figure = Figure(figsize=(8.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    shown: list[float] = []
    kinds = [("the search that images are learnt from", rounds, rounds[0]["how"]["passes"], "C0", "-")]
    if met:  # against some of the networks: a line would tell of those between
        kinds.append(("a longer search", met, met[0]["budget"], "C1", "none"))
    for name, group, passes, colour, line in kinds:
        for chain in group_by(group, "network", "seed").values():
            values = [median_log_odds(row) for row in chain]
            shown += values
            along = [row["number"] for row in chain]
            marker = "." if line == "none" else ""
            axes.plot(along, values, ls=line, marker=marker, color=colour, lw=0.6, alpha=0.5)
        by_number = group_by(group, "number")
        places = sorted(number for (number,) in by_number)
        intervals = [mean_interval(by_start(by_number[place,], median_log_odds)) for place in places]
        middle, low, high = np.asarray(intervals, float).reshape(-1, 3).T
        label = f"{name}, {passes:,} passes"
        axes.plot(places, middle, ls=line, marker="o", color=colour, ms=5, lw=1.8, label=label)
        finite = np.isfinite(low) & np.isfinite(high)
        if line == "none":
            axes.vlines(np.asarray(places)[finite], low[finite], high[finite], color=colour, lw=1.2)
        else:
            axes.fill_between(places, low, high, where=finite, color=colour, alpha=0.13, linewidth=0)
    fit_limits(axes, np.asarray(shown))
    mark_confidences(axes)
    axes.set_xlabel("network of the chain; DNN 1 has not learnt from fooling images")
    axes.set_ylabel("median log-odds of evolved images")
    numbers = sorted({row["number"] for row in rounds})
    axes.set_xticks(numbers, [str(number) for number in numbers])
    legend_below(figure, columns=2)
    return png_bytes(figure)


def _images(rounds: Sequence[Row]) -> bytes:
    """The last elites of the first run of the first chain, a row for each network."""
    first = [row for row in rounds if "sheet" in row and row["network"] == rounds[0]["network"]]
    chosen = [row for row in first if row["number"] in SHOWN]
    odds = [row["log_odds"][0] for row in chosen]
    names = [f"DNN {row['number']}" for row in chosen]
    note = f"Evolved against the networks of one chain, which begins with {first[0]['network']}."
    return png_bytes(gallery(_sheets(chosen), odds, row_names=names, notes=[note]))


def _attacks(drawn: Sequence[Row]) -> bytes:
    """The images of each attack on the last network of the first chain, a row for each."""
    last = max(row["number"] for row in drawn)
    chosen = sorted(
        (row for row in drawn if row["number"] == last), key=lambda row: list(ATTACKS).index(row["generator"])
    )
    odds = [row["log_odds"] for row in chosen]
    names = [ATTACKS[row["generator"]] for row in chosen]
    note = (
        f"Made against DNN {last} of one chain, which begins with {chosen[0]['network']}, with "
        f"{chosen[0]['budget']:,} passes each."
    )
    return png_bytes(gallery(_sheets(chosen), odds, row_names=names, notes=[note]))


def _sheets(rows: Sequence[Row]) -> npt.NDArray[np.uint8]:
    """The images of some rows, `[R, C, H, W, K]`."""
    return np.stack([images_of(base64.b64decode(row["sheet"]), tuple(row["sheet_shape"])) for row in rows])
