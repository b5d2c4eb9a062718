import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooljax.analysis.spread import spread
from fooljax.errors import InputError


def images(*levels):
    return np.asarray(levels, np.uint8).reshape(-1, 1, 1, 1)


def test_the_first_is_taken_then_what_is_farthest_from_all_that_were_taken():
    assert spread(images(10, 12, 200, 90, 11), 3) == [0, 2, 3]


def test_equal_images_come_last_and_none_twice():
    assert spread(images(7, 7, 9), 5) == [0, 2, 1]


def test_nothing_wanted_is_refused():
    with pytest.raises(InputError, match=r"^count: expected 1 or more, got 0"):
        spread(images(1), 0)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=12), st.integers(1, 12))
def test_no_later_image_is_farther_from_the_rest_than_an_earlier_one(levels, count):
    taken = spread(images(*levels), count)
    assert len(set(taken)) == len(taken) == min(count, len(levels))
    gaps = [
        min(abs(levels[one] - levels[other]) for other in taken[:place])
        for place, one in enumerate(taken)
        if place
    ]
    assert gaps == sorted(gaps, reverse=True)
