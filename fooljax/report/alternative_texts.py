"""What the figures show, in words, for readers who cannot see them."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from fooljax.analysis.statistics import Interval
from fooljax.engine.log_odds import NO_VALUE, format_confidence
from fooljax.report.content import RunPage
from fooljax.report.course import size_label
from fooljax.runs.words import listed


def of_gallery(log_odds: npt.NDArray[np.float64], objective: str = "") -> str:
    """What a gallery shows.

    Args:
      log_odds: `[R, C]`, of the images that are shown; -inf where there is none.
      objective: name of what the values are, where they are no log-odds.
    """
    filled = log_odds[log_odds > -np.inf]
    if not filled.size:
        return "Grid of evolved images; no class has an image yet."
    runs, classes = log_odds.shape
    shape = f"Grid of evolved images, {counted(runs, 'run')} by {counted(classes, 'class')}."
    lowest, middle = (written(objective)(float(value)) for value in (filled.min(), np.median(filled)))
    what = f"Their {objective}" if objective else "The network's confidence in them"
    return f"{shape} {what} is {lowest} at the lowest and {middle} in the median."


def of_curves(page: RunPage) -> str:
    """Which lines there are, and when they reached 99.99 %."""
    charts = [f"{page.objective or 'log-odds'} of the median and the worst class", "replacements"]
    charts += [listed([size_label(name) for name in page.sizes])] if page.sizes else []
    parts = [f"Line charts over generations, one below the other: {'; '.join(charts)}."]
    for name, generations in (
        ("median class", [row.median for row in page.fooled_at]),
        ("worst class", [row.every for row in page.fooled_at]),
    ):
        found = [generation for generation in generations if generation is not None]
        if found:
            when = (
                f"generation {min(found)}"
                if min(found) == max(found)
                else f"generations {min(found)} to {max(found)}"
            )
            parts.append(f"The {name} reached 99.99 % in {len(found)} of {len(generations)} runs, at {when}.")
        elif generations:
            parts.append(f"The {name} did not reach 99.99 % in any run.")
    return " ".join(parts)


def of_audit_image(class_name: str, made_by: str, log_odds: float) -> str:
    """An image on the page of an audit."""
    said = format_confidence(log_odds)
    return f"Image for class {class_name} ({made_by}); the confidence of the network is {said}."


def of_audit_figure(attacks: Mapping[str, Interval], levels: Mapping[str, float]) -> str:
    """What the figure of an audit shows: the median of each attack, and the levels of clean images."""
    medians = listed([f"{name} at {format_confidence(odds.estimate)}" for name, odds in attacks.items()])
    lines = listed([f"{name} at {level:.1f}" for name, level in levels.items()])
    return (
        f"Chart of the median log-odds of the images of each attack: {medians}. Lines mark log-odds: {lines}."
    )


def written(objective: str) -> Callable[[float], str]:
    """How values are written: as confidences, or as they are where the objective is no log-odds."""
    return _plain if objective else format_confidence


def _plain(value: float) -> str:
    return f"{value:.5g}" if value > -math.inf else NO_VALUE


def counted(count: int, word: str) -> str:
    """A count with its word: "1 run", "2 classes"."""
    plural = word + ("es" if word.endswith("s") else "s")
    return f"{count:,} {word if count == 1 else plural}"
