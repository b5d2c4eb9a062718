"""Tables, figures and findings of `experiments.hidden`, from its rows alone."""

import base64
import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooljax.analysis.statistics import mean_interval, median_interval
from fooljax.analysis.transfer import architecture
from fooljax.engine.log_odds import FOOLED, format_confidence
from fooljax.perturbation import NOISES
from fooljax.report.data_titles import data_title
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, share
from fooljax.study.images import images_of
from fooljax.study.tables import values_by_network

KINDS = {
    "l2": "PGD, smallest Euclidean length",
    "l2_9999": "PGD, Euclidean length, for 99.99 %",
    "linf": "PGD, smallest largest change",
    "lbfgs": "L-BFGS, smallest Euclidean length",
}
UNSEEN = 40.0
"""Decibels of peak signal-to-noise ratio from which on a change is commonly said not to be seen."""
AMPLIFIED = 10
"""How many times as strong a figure shows a change; one that is plain to see is shown as it is."""
PLAIN = 100
"""Grey levels from which on a change is plain to see."""
HOW = """\
**How.** For each class, a clean image that the network names correctly is changed towards another class,
drawn at random. Of all images that the network saw during the search and named as this class, the one with
the smallest change is kept. The limit of the change is found by bisection. *Found* means that the 8-bit
image, scored once more, is named as the class, with at least 99.99 % where the line says so. Lengths are in
units of the range of values. *Before rounding* is the same search among images that are not rounded to 8
bits, where it was made. *Undone by rounding* is the share of its images that lose the class when they are
rounded. The lengths are the smallest that were found. Smaller ones may exist, so a network is at most as
robust as they suggest."""
SEEN = """\
Networks are shown the changed images, the clean images, and clean images with noise of the same length. After
rounding to 8 bits, the noise is at least as long as the change. *As intended* is the share that gets the
intended class. *Wrong* is the share that does not get the class of the clean image. The search asked only the
first network."""
UNITS = """\
A unit is a set of images of all classes on an independently trained network. Brackets are 95 % intervals for
further networks that are trained alike: t-intervals for medians, and Clopper-Pearson intervals for shares,
with at most as many trials as there are sets. With one network, shares have no interval, and the interval of
a median is for further images.{guide}"""
GUIDE = """\
 The networks of {data} are a fixed set of different architectures, so there the intervals are only a
guide."""
"""Ends the words on intervals where a line has networks that are not trained alike."""


def data_sets(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of changes by what was changed: "digits", "cifar10", "photographs" or another data set."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["network"], row.get("run", 0))):
        if row["kind"] != "example":
            name = row["data"]
            name = "digits" if name.startswith(("mnist", "idx")) else name.removeprefix("npz-")
            found.setdefault(name, []).append(row)
    return found


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each data set DATA, of changes with 99.99 %: `DATA_hidden`, the share of images that have such a
      change of 40 decibels or more; `DATA_noise`, the share of images with Gaussian noise of the same length
      that their own network gives the class aimed at; `DATA_misnamed_elsewhere`, the share of changed images
      that other networks name wrongly, and `DATA_misnamed_beyond`, how much larger that is than for noise;
      `DATA_aimed_elsewhere`, the share that they give the class aimed at. `DATA_undone`: of the smallest
      changes at all, the share that rounding to 8 bits undoes. Where images of a single network were changed,
      the interval of `DATA_misnamed_beyond` is over the other networks.
    """
    found = {}
    for name, some in data_sets(rows).items():
        sure = [row for row in some if row["kind"] == "l2_9999"]
        first = [row for row in some if row["kind"] == "l2" and row.get("exact_found")]
        if first:
            found[f"{name}_undone"] = share(values_by_network(first, _undone), _of(first))
        if not sure:
            continue
        found[f"{name}_hidden"] = share(values_by_network(sure, _hidden), _of(sure))
        noisy = values_by_network(sure, lambda row: _seen(row, "gaussian", 0, "itself"))
        found[f"{name}_noise"] = share(noisy, _of(sure))
        wrong = values_by_network(sure, lambda row: _elsewhere(row, "changed", 1))
        if len(wrong) < len(group_by(sure, "network")):
            continue
        found[f"{name}_misnamed_elsewhere"] = share(wrong, _of(sure))
        aimed = values_by_network(sure, lambda row: _elsewhere(row, "changed", 0))
        found[f"{name}_aimed_elsewhere"] = share(aimed, _of(sure))
        apart, units = values_by_network(sure, _beyond_noise), _of(sure)
        if len(apart) == 1:
            others = _others(sure)
            apart = [[float(np.mean([_beyond_noise(row, [one]) for row in sure]))] for one in others]
            units = f"{units}, shown to {len(others)} other{'s' if len(others) > 1 else ''}"
        value = mean_interval(apart)
        found[f"{name}_misnamed_beyond"] = Finding(value, numbers.signed(value), units)
    return found


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: how small the changes are, and what other networks say of them."""
    parts = ["### The smallest changes\n", markdown(list(_sizes(rows))), "", HOW]
    parts += ["\n### Shown to networks\n", markdown(list(_shown(rows))), "", SEEN, "", _units(rows), ""]
    return "\n".join(parts)


def _units(rows: Sequence[Row]) -> str:
    """For whom the intervals speak, which differs where networks of several architectures share a line."""
    mixed = [
        data_title(name)
        for name, some in data_sets(rows).items()
        if len({architecture(row["network"]) for row in some}) > 1
    ]
    return UNITS.format(guide=GUIDE.format(data=" and ".join(mixed)) if mixed else "")


def _sizes(rows: Sequence[Row]) -> Iterator[dict[str, str]]:
    for name, some in data_sets(rows).items():
        for kind, words in KINDS.items():
            group = [row for row in some if row["kind"] == kind]
            if not group:
                continue
            networks = len(group_by(group, "network"))
            exact = [row for row in group if row.get("exact_found")]
            levels = [one for row in group for one in row["grey_levels"]]
            yield {
                "images": data_title(name),
                "looked for": words,
                "networks x sets": f"{networks} x {len(group) / networks:g}",
                "found": f"{sum(row['found'] for row in group)} of {sum(row['images'] for row in group)}",
                "length": _length(group, "length"),
                "before rounding": _length(exact, "exact_length") if exact else numbers.NONE,
                "undone by rounding": numbers.percent(float(np.mean(list(map(_undone, exact)))))
                if exact
                else numbers.NONE,
                "grey levels (median)": numbers.plain(float(np.median(levels))),
                "decibels (median)": _median(group, "decibels"),
                "confidence (median)": numbers.confidence(
                    float(np.median([one for row in group for one in row["log_odds"]]))
                ),
                "passes of an image": numbers.plain(group[0]["passes"] / group[0]["images"]),
            }


def _length(rows: Sequence[Row], figure: str) -> str:
    """The median length with its interval over networks, or over images of one; never found is infinite."""
    networks = list(group_by(rows, "network").values())
    values = [[np.inf if one is None else one for row in group for one in row[figure]] for group in networks]
    return numbers.ratio(median_interval(values), 3)


def _median(rows: Sequence[Row], figure: str) -> str:
    known = [one for row in rows for one in row[figure] if one is not None]
    return numbers.plain(float(np.median(known))) if known else numbers.NONE


def _shown(rows: Sequence[Row]) -> Iterator[dict[str, str]]:
    for name, some in data_sets(rows).items():
        for kind, words in KINDS.items():
            group = [row for row in some if row["kind"] == kind]
            for label in dict.fromkeys(_label(row, target) for row in group for target in row["seen"]):
                yield {
                    "images": data_title(name),
                    "changed for": words,
                    "shown to": label,
                    **_cells(group, label),
                }


def _cells(rows: Sequence[Row], label: str) -> dict[str, str]:
    """The shares of one line, by the head of their column."""

    def cell(which: str, place: int) -> str:
        return share(values_by_network(rows, lambda row: _seen(row, which, place, label)), "").written

    return {
        "as intended": cell("changed", 0),
        "noise as intended": cell("gaussian", 0),
        "wrong": cell("changed", 1),
        "clean wrong": cell("clean", 1),
        **{f"{noise} noise wrong": cell(noise, 1) for noise in NOISES},
    }


def _label(row: Row, target: str) -> str:
    """What a table calls a network that images are shown to."""
    family, own = re.sub(r"-\d+$", "", target), re.sub(r"-\d+$", "", row["network"])
    if target == row["network"]:
        return "itself"
    return f"another {family}" if family == own else family


def _seen(row: Row, which: str, place: int, label: str) -> float | None:
    """The share of images under the networks of a label: 0, as aimed at; 1, named wrongly."""
    counted = [
        (seen[which][0] if place == 0 else row["images"] - seen[which][1]) / row["images"]
        for target, seen in row["seen"].items()
        if label == _label(row, target)
    ]
    return float(np.mean(counted)) if counted else None


def _others(rows: Sequence[Row]) -> list[str]:
    """The labels of all networks that images are shown to, but for their own and for nearest images."""
    labels = dict.fromkeys(_label(row, target) for row in rows for target in row["seen"])
    return [label for label in labels if label not in ("itself", "knn")]


def _elsewhere(row: Row, which: str, place: int, labels: Sequence[str] | None = None) -> float | None:
    """The mean share over the networks of some labels, which are all others if none are given."""
    shares = [_seen(row, which, place, label) for label in labels or _others([row])]
    return float(np.mean([one for one in shares if one is not None])) if shares else None


def _beyond_noise(row: Row, labels: Sequence[str] | None = None) -> float | None:
    changed, noisy = (_elsewhere(row, which, 1, labels) for which in ("changed", "gaussian"))
    return None if changed is None or noisy is None else changed - noisy


def _undone(row: Row) -> float:
    return 1.0 - float(row["survive_rounding"]) / float(row["exact_found"])


def _hidden(row: Row) -> float:
    there = [
        length is not None and odds >= FOOLED and (decibels is None or decibels >= UNSEEN)
        for length, odds, decibels in zip(row["length"], row["log_odds"], row["decibels"], strict=True)
    ]
    return float(np.mean(there))


def _of(rows: Sequence[Row]) -> str:
    networks = len(group_by(rows, "network"))
    return f"{sum(row['images'] for row in rows)} images, {networks} network{'s' if networks > 1 else ''}"


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Original, change and result of the examples, a figure for each network that has any."""
    return {f"examples-{row['network']}.png": _examples(row) for row in rows if row["kind"] == "example"}


@own_style()
def _examples(row: Row) -> bytes:
    shape = tuple(row["shape"])
    originals, changed = (images_of(base64.b64decode(row[name]), shape) for name in ("originals", "changed"))
    figure = Figure(figsize=(7.5, 2.75 * len(originals)), layout="constrained")
    axes = figure.subplots(len(originals), 3, squeeze=False)
    times = 1 if np.median(row["grey_levels"]) >= PLAIN else AMPLIFIED
    change = np.clip(127.5 + times * (changed.astype(float) - originals), 0, 255).astype(np.uint8)
    for line, (one, apart, other, before, after) in enumerate(
        zip(originals, change, changed, row["before"], row["after"], strict=True)
    ):
        levels, decibels = row["grey_levels"][line], row["decibels"][line]
        _show(axes[line][0], one, _named(before))
        title = "change" if times == 1 else f"change x {times}"
        _show(axes[line][1], apart, f"{title}: at most {levels} grey levels, {decibels:.0f} dB")
        _show(axes[line][2], other, _named(after))
    return png_bytes(figure)


def _named(said: Sequence[str | float]) -> str:
    return f"{said[0]}, {format_confidence(float(said[1]))}"


def _show(axes: Axes, image: npt.NDArray[np.uint8], title: str) -> None:
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(title, fontsize=8)
    axes.set_axis_off()
