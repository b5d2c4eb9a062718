"""The 100 classes of ImageNet that experiments use: always the same, chosen by the stated rule."""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from fooljax.data.imagenet import GROUPS, NUM_CLASSES, class_names, group_of
from fooljax.data.imagenet_subset import NAMED, SHARES, SUBSET_100

PINNED = (
    *(2, 15, 21, 29, 38, 40, 41, 42, 44, 46, 48, 54, 64, 73, 79, 84, 87, 112, 123, 132, 145, 150, 153),
    *(159, 165, 171, 177, 183, 189, 195, 201, 207, 212, 218, 224, 230, 236, 242, 248, 254, 260, 266, 270),
    *(273, 276, 279, 281, 282, 283, 284, 285, 287, 289, 291, 293, 303, 313, 322, 327, 341, 359, 363, 378),
    *(387, 390, 395, 411, 429, 438, 464, 490, 516, 542, 546, 565, 570, 596, 622, 648, 674, 700, 726, 752),
    *(761, 779, 780, 806, 832, 858, 884, 897, 911, 931, 946, 955, 962, 971, 976, 982, 991),
)
"""As published results have it: other classes would be another subset, which needs another name."""


def test_it_never_changes():
    assert SUBSET_100 == PINNED


def test_there_are_100_different_classes_with_those_that_are_named():
    assert len(set(SUBSET_100)) == 100
    assert set(NAMED) <= set(SUBSET_100) <= set(range(NUM_CLASSES))
    names = {class_names()[index] for index in SUBSET_100}
    assert {"remote control", "school bus", "king penguin", "starfish", "baseball", "Komodo dragon"} <= names


def test_each_group_has_its_share():
    assert Counter(map(group_of, SUBSET_100)) == SHARES
    assert list(SHARES) == list(GROUPS)
    assert (SHARES["dogs"], SHARES["domestic cats"]) == (20, 5)


def test_the_guide_says_the_shares():
    guide = (Path(__file__).parents[2] / "docs/guide/data.md").read_text(encoding="utf-8")
    line = r"^\| (.+?)(?:, seven of them lizards)? \| ([0-9]+) \| ([0-9]+) \|$"
    rows = re.findall(line, guide, re.MULTILINE)
    assert {group: int(share) for group, share, _ in rows} == SHARES
    assert {group: int(all_of) for group, _, all_of in rows} == Counter(map(group_of, range(NUM_CLASSES)))
    assert sum(38 <= index <= 48 for index in SUBSET_100) == 7  # lizards


def test_those_without_a_name_are_spread_over_their_group():
    for group, ranges in GROUPS.items():
        rest = [index for first, last in ranges for index in range(first, last + 1) if index not in NAMED]
        places = [rest.index(index) for index in SUBSET_100 if group_of(index) == group and index in rest]
        assert np.all(np.abs(np.diff(places) - len(rest) / max(len(places), 1)) < 1.0), group
