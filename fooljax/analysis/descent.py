"""Which elites of one run have ancestors in common, and where their lines of ancestors parted.

Source: Nguyen et al. 2015, figures 7 and 8, which put images with common ancestors beside each other.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple


class Fork(NamedTuple):
    """Where the lines of ancestors of two groups of elites parted.

    Attributes:
      ancestor: id of the youngest ancestor that both groups have.
      first, second: the elites of each group, by their places.
    """

    ancestor: int
    first: tuple[int, ...]
    second: tuple[int, ...]


class Descent(NamedTuple):
    """How the elites of one run descend from each other's ancestors.

    Attributes:
      forks: the youngest first, so that a group is named after those that it is made of.
      trees: groups of elites, by their places, without a common ancestor; in each, relatives are neighbours.
    """

    forks: tuple[Fork, ...]
    trees: tuple[tuple[int, ...], ...]


def descent_of(lines: Sequence[Sequence[int]]) -> Descent:
    """Finds the forks of lines of ancestors.

    Args:
      lines: of each elite its own id, that of its parent and so on, as `shared_ancestry` takes them. An image
        has a greater id than its ancestors, and one parent.
    """
    ancestors = [set(line) for line in lines]
    pairs = [
        (max(common), first, second)
        for first, second in combinations(range(len(lines)), 2)
        if (common := ancestors[first] & ancestors[second])
    ]
    groups: dict[int, tuple[int, ...]] = {place: (place,) for place in range(len(lines))}
    forks = []
    for ancestor, first, second in sorted(pairs, key=lambda pair: -pair[0]):
        if groups[first] != groups[second]:
            forks.append(Fork(ancestor, groups[first], groups[second]))
            joined = groups[first] + groups[second]
            groups |= dict.fromkeys(joined, joined)
    return Descent(tuple(forks), tuple(dict.fromkeys(groups.values())))
