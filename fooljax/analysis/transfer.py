"""Whether images made for one network fool another: what a network says of a set, and rates of that.

An image *transfers* at a threshold if the other network, too, gives the class that the image is for at least
so much log-odds. It *fools under any name* if some class reaches the threshold. Among images that fool under
any name, *agreement* is the share of which the name is the same.

Source: Nguyen et al. 2015, section 3.5; Szegedy et al. 2014 and Liu et al. 2017 for the matrix.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.thresholds import Thresholds
from fooljax.engine.log_odds import FOOLED, rounded

DIGITS = 4
"""Decimals of a log-odds in a row."""
SAME, SEED, OTHER = "the same network", "the same architecture, another seed", "another architecture"
RELATIONS = (SAME, SEED, OTHER)

Seen = Mapping[str, Any]
"""What `network_answers` gives."""


def network_answers(
    odds: npt.NDArray[np.floating], classes: npt.NDArray[np.integer], thresholds: Thresholds
) -> dict[str, Any]:
    """What a network says of a set of images, JSON-ready.

    Args:
      odds: `[N, C]`, its log-odds of every class.
      classes: `[N]`, the classes that the images are for.
      thresholds: of this network.
    Returns:
      `own`: the log-odds of each image's own class; `named` and `named_odds`: the class it names, and that
      one's log-odds; `same` and `any`: the shares of images whose own class, or any class, reaches each
      threshold, raw and after temperature scaling.
    """
    own = odds[np.arange(len(odds)), classes]
    named = np.argmax(odds, axis=1)
    return {
        "own": rounded(own, DIGITS),
        "named": named.tolist(),
        "named_odds": rounded(odds.max(axis=1), DIGITS),
        "same": thresholds.shares(odds, classes),
        "any": thresholds.shares(odds),
    }


def relation(source: str, target: str) -> str:
    """How two networks are related, by names that end in the seed of the training, as `lenet-3`.

    Returns:
      One of `RELATIONS`.
    """
    if source == target:
        return SAME
    return SEED if architecture(source) == architecture(target) != source else OTHER


def architecture(network: str) -> str:
    """The name of a network without the seed of its training; one that has none is returned as it is."""
    return re.sub(r"-[0-9]+$", "", network)


def agreement(seen: Seen, classes: Sequence[int], level: float = FOOLED) -> float | None:
    """The share of images with the same name among those to which the network gives some name surely.

    Args:
      seen: as `network_answers` gives it.
      classes: the classes that the images are for.
      level: the log-odds that count as sure.
    Returns:
      A share; None where no image fools under any name.
    """
    sure = np.asarray(seen["named_odds"]) >= level
    if not sure.any():
        return None
    return float(np.mean((np.asarray(seen["named"]) == np.asarray(classes))[sure]))


def named_first(seen: Seen, classes: Sequence[int]) -> float:
    """The share of images to which a network gives the class that they are for before all others.

    Args:
      seen: as `network_answers` gives it.
      classes: the classes that the images are for.
    """
    return float(np.mean(np.asarray(seen["named"]) == np.asarray(classes)))


def transfer_rate(source: Sequence[float], target: Sequence[float], level: float = FOOLED) -> float | None:
    """The share of images that fool a network, among those that fool the one they were made for.

    Args:
      source: `[N]`, log-odds of each image's own class under the network it was made for.
      target: `[N]`, the same under the other.
      level: the log-odds that count as fooling, in both.
    Returns:
      A share; None where no image fools the network it was made for.
    """
    fooling = np.asarray(source) >= level
    return float(np.mean(np.asarray(target)[fooling] >= level)) if fooling.any() else None


def curve(
    source: npt.ArrayLike, target: npt.ArrayLike, edges: Sequence[float], level: float = FOOLED
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The share of images that transfer, by how sure the network is that they were made for.

    Args:
      source: `[N]`, log-odds of each image's own class under the network it was made for.
      target: `[N]`, the same under the other.
      edges: `[E]`, rising; bin i holds images from edge i up to, not including, edge i + 1.
      level: the log-odds that count as fooling the other.
    Returns:
      `[E - 1]` shares, NaN where a bin is empty; `[E - 1]` images in each bin.
    """
    place = np.digitize(np.asarray(source, np.float64), edges) - 1
    counts = np.zeros(len(edges) - 1, np.int64)
    done = np.zeros(len(edges) - 1)
    inside = (place >= 0) & (place < len(counts))
    np.add.at(counts, place[inside], 1)
    np.add.at(done, place[inside], np.asarray(target, np.float64)[inside] >= level)
    with np.errstate(invalid="ignore"):
        return done / counts, counts


def matched_rate_difference(
    first: tuple[npt.ArrayLike, npt.ArrayLike],
    second: tuple[npt.ArrayLike, npt.ArrayLike],
    edges: Sequence[float],
    level: float = FOOLED,
) -> float | None:
    """How much more often the first kind of images transfers where both fool their own network as surely.

    In every bin of the log-odds under their own network the two shares that transfer are compared; the
    differences are averaged with the weights of Mantel and Haenszel, which count bins that both kinds fill.

    Args:
      first: of one kind of images `[N]` log-odds of their own classes under the network they were made for,
        and `[N]` under the other.
      second: the same of another kind.
      edges: of the bins, see `curve`.
      level: the log-odds that count as fooling the other network.
    Returns:
      First less second, from -1 to 1; None where no bin has images of both.

    Source: Greenland and Robins 1985, Biometrics 41 (risk difference over strata).
    """
    (one, count), (other, others) = curve(*first, edges, level), curve(*second, edges, level)
    both = (count > 0) & (others > 0)
    if not both.any():
        return None
    weights = count[both] * others[both] / (count[both] + others[both])
    return float(np.sum(weights * (one[both] - other[both])) / np.sum(weights))


def paired(
    first: Mapping[tuple[str, int], float], second: Mapping[tuple[str, int], float]
) -> list[list[float]]:
    """Differences between two kinds of images of the same network and run, first less second.

    Args:
      first: by network and run.
      second: the same of the other kind; what only one of the two has is left out.
    Returns:
      For each network those of its runs, as `fooljax.analysis.statistics` takes them.
    """
    groups: dict[str, list[float]] = {}
    for network, run in sorted(first.keys() & second.keys()):
        difference = first[network, run] - second[network, run]
        groups.setdefault(network, []).append(difference)
    return list(groups.values())


def mean_known(values: Iterable[float | None]) -> float | None:
    """The mean of the values that there are; None where there is none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def mean_shares(several: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean over networks or sets of the shares at every threshold, raw and scaled.

    Args:
      several: one or more, each as `Thresholds.shares` gives it.
    """
    return {
        part: {level: float(np.mean([one[part][level] for one in several])) for level in levels}
        for part, levels in several[0].items()
    }
