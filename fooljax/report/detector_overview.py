"""One table of all detectors and data sets: what gets through static beside adaptive attacks."""

from collections.abc import Callable, Mapping, Sequence

from fooljax.report.detector_rows import (
    detector_title,
    detectors_of,
    first_budget,
    is_other_data,
    knowing_share,
    mean_share,
    of_kind,
    static_share,
    strength_of,
)
from fooljax.study import Row, markdown, numbers, values_by_network

HEAD = "What gets through each detector"
"""The head of the section that a study's tables begin with."""
NOBODY = "none"
"""Stands for a detector where images of a network alone are counted."""
ATTACKS = {"cppn": "CPPNs", "gradient": "gradient ascent", "direct": "pixels"}
"""What can know a detector, and what the heads of its columns begin with."""
SHOWN: Mapping[str, Callable[[str], bool]] = {
    "other data": is_other_data,
    "random CPPNs": lambda generator: generator == "random_cppn",
    "noise": lambda generator: generator in ("uniform_noise", "gaussian_noise"),
}
"""Images that nobody makes to fool: the head of their column, and which they are."""
OVERVIEW = """\
The share of images, in percent, that get through: the network gives them a class with a confidence of 99.99 %
or more, and the detector passes them at the threshold that rejects 5 % of clean images. **Static** images
were made to fool the network without knowledge of the detector. **Adaptive** attacks have as many network
passes, those on ODIN up to four times as many, and know the detector. CPPNs and pixels are evolved. Nobody
made the images of the columns after them to fool. The lines of the detector "none" say how many images fool
the network alone. A dash stands for what was not measured. Every number is a mean over networks and runs, and
is cut, not rounded.

The last column says whether the detector is **overcome**: whether the median run of some attack that knows it
brings the median class to 99.99 % and past the threshold. If no attack does, the cell says why the detector
may hold only because the attack was weak. After "not tested" it names what these attacks could not show:
**plateau** and **budget**, whether a larger budget would do better or worse, which takes several budgets, and
**masking**, whether gradients are hidden, which takes attacks with and without gradients."""
"""Explains the table of `overview` to a stranger."""


def overview(networks: Mapping[str, Sequence[Row]]) -> str:
    """The table of what gets through, in Markdown, with its explanation above it.

    Args:
      networks: the rows of `experiments.detectors` by what the reader calls the networks and their data.
    """
    lines = [line for title, rows in networks.items() for line in _lines(title, rows)]
    return f"{OVERVIEW}\n\n{markdown(lines)}" if lines else ""


def _lines(title: str, rows: Sequence[Row]) -> list[dict[str, str]]:
    """The lines of the networks of one data set, the first of which has no detector."""
    static, knowing = of_kind(rows, "static"), of_kind(rows, "knowing")
    names = detectors_of(static)
    return [_line(title, name, static, knowing) for name in (NOBODY, *names)] if static else []


def _line(title: str, detector: str, static: Sequence[Row], knowing: Sequence[Row]) -> dict[str, str]:
    line = {"network": title, "detector": detector_title(detector)}
    met = [row for row in knowing if row["detector"] == detector]
    for kind, head in ATTACKS.items():
        line[f"{head}, static"] = _through([row for row in static if row["generator"] == kind], detector)
        known = [row for row in first_budget(met) if row["generator"] == kind]
        line[f"{head}, adaptive"] = _percent(mean_share(knowing_share(known, "through")))
    for head, belongs in SHOWN.items():
        line[head] = _through([row for row in static if belongs(row["generator"])], detector)
    return {**line, "attacks that know it": strength_of(met).words() if met else numbers.NONE}


def _through(static: Sequence[Row], detector: str) -> str:
    """What of these images gets through a detector, or fools the network where there is none."""
    if detector == NOBODY:
        return _percent(mean_share(values_by_network(static, "fooled")))
    return _percent(mean_share(static_share(static, detector, "through")))


def _percent(share: float | None) -> str:
    if share is not None and 0.0 < share < 0.01:
        return "< 1"
    return numbers.percent(share, 0).removesuffix(" %")
