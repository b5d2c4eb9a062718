"""Data in one piece is split by a rule that everybody can repeat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooljax.data.splitting import held_out, split
from fooljax.errors import InputError


@given(st.lists(st.integers(0, 3), max_size=60))
def test_every_fifth_of_each_class_is_held_out(labels):
    seen, expected = dict.fromkeys(range(4), 0), []
    for label in labels:  # the rule, slowly
        seen[label] += 1
        expected.append(seen[label] % 5 == 0)
    assert held_out(np.array(labels, int)).tolist() == expected


def test_both_parts_keep_their_order_and_their_labels():
    labels = np.arange(40) % 4
    parts = split(np.arange(40), labels)
    np.testing.assert_array_equal(parts.test_images, [16, 17, 18, 19, 36, 37, 38, 39])
    np.testing.assert_array_equal(parts.train_images % 4, parts.train_labels)
    np.testing.assert_array_equal(parts.test_images % 4, parts.test_labels)


def test_classes_too_small_to_hold_any_out():
    with pytest.raises(InputError, match=r"^labels: expected a class with 5 images or more, .* got none"):
        split(np.arange(8), np.arange(8) % 2)
