"""The log-odds of ImageNet's classes in a row: of groups against one another, and against what may decide.

A row's `log_odds` has an entry for each of the 1,000 classes, None for those that were not measured; they are
left out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fooljax.analysis.comparisons import Unpaired, mann_whitney
from fooljax.analysis.correlations import Correlation, spearman
from fooljax.data.imagenet import GROUPS, NUM_CLASSES, group_of
from fooljax.study import Row

NO_ANIMALS = ("things", "food", "landscapes", "people", "plants and fungi")
ANIMALS = tuple(group for group in GROUPS if group not in NO_ANIMALS)
FEWEST = 4
"""Classes of which a correlation is told."""
Clean = Mapping[str, Row]
"""The rows of clean images by network."""
Values = npt.NDArray[np.float64]


def odds_of(row: Row, *groups: str) -> Values:
    """The log-odds of the classes of some groups, as far as the row has them."""
    odds = _all(row)[members(*groups)]
    return odds[np.isfinite(odds)]


def members(*groups: str) -> npt.NDArray[np.int64]:
    """The indices of the classes of some groups."""
    ranges = [one for group in groups for one in GROUPS[group]]
    return np.concatenate([np.arange(first, last + 1) for first, last in ranges])


def other_animals(groups: Sequence[str]) -> tuple[str, ...]:
    """The groups of animals that are not among these."""
    return tuple(group for group in ANIMALS if group not in groups)


def against_other_animals(row: Row, groups: Sequence[str]) -> Unpaired | None:
    """The classes of some groups against all other animals; None where the row lacks one side."""
    ours, others = odds_of(row, *groups), odds_of(row, *other_animals(groups))
    return mann_whitney([ours.tolist()], [others.tolist()]) if ours.size and others.size else None


def correlation(row: Row, clean: Clean, factor: str, groups: Sequence[str]) -> Correlation | None:
    """The rank correlation of log-odds with a factor over the classes of some groups.

    Args:
      row: with `network` and `log_odds`.
      clean: the rows of clean images by network.
      factor: an entry of the rows of clean images, or `group_size`.
      groups: of classes.
    Returns:
      The correlation; None where the factor is not known of enough classes.
    """
    if factor_of(row, clean, factor) is None:
        return None
    first, second = pair(row, clean, factor, groups)
    return spearman(first, second) if first.size >= FEWEST else None


def pair(row: Row, clean: Clean, factor: str, groups: Sequence[str]) -> tuple[Values, Values]:
    """A factor and the log-odds of the classes of some groups of which both are known."""
    places, values = members(*groups), factor_of(row, clean, factor)
    assert values is not None
    first, second = values[places], _all(row)[places]
    known = np.isfinite(first) & np.isfinite(second)
    return first[known], second[known]


def factor_of(row: Row, clean: Clean, factor: str) -> Values | None:
    """What may decide the log-odds of each class; None where it was not measured."""
    if factor == "group_size":
        return np.asarray([members(group_of(index)).size for index in range(NUM_CLASSES)], np.float64)
    values = clean.get(row["network"], {}).get(factor)
    return None if values is None else np.asarray(values, np.float64)


def shares_of(row: Row, clean: Clean) -> dict[str, float] | None:
    """The share of the measured classes that reach each raw threshold of the network; None without any."""
    levels = clean.get(row["network"], {}).get("thresholds")
    odds = odds_of(row, *GROUPS)
    return levels and {name: float(np.mean(odds >= level)) for name, level in levels["raw"].items()}


def _all(row: Row) -> Values:
    """The log-odds of all classes; NaN for those that the row lacks."""
    return np.asarray(row["log_odds"], np.float64)
