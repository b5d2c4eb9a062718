"""Windows that are taken out, kept alone or pasted change what they should and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.analysis.windows import isolate_windows, pasted, random_windows, remove_windows, shared_area
from fooljax.errors import InputError

SIZE = (3, 4)


def dotted(ground=40, channels=1):
    """Two bright windows of 3 x 4 on a ground of one colour."""
    image = np.full((12, 15, channels), ground, np.uint8)
    for top, left in ((1, 2), (7, 9)):
        image[top : top + 3, left : left + 4] = 200
    return image


def test_a_window_on_a_plain_ground_vanishes_without_a_trace():
    image = dotted()
    assert np.array_equal(remove_windows(image, [(1, 2), (7, 9)], SIZE), np.full_like(image, 40))
    once = remove_windows(image, [(1, 2)], SIZE)
    assert np.all(once[1:4, 2:6] == 40)
    assert np.array_equal(once[5:], image[5:])


def test_each_channel_has_its_own_ground():
    image = dotted(channels=3)
    image[..., 1][image[..., 1] == 40] = 90
    assert remove_windows(image, [(1, 2)], SIZE)[2, 3].tolist() == [40, 90, 40]


def test_windows_side_by_side_are_filled_from_outside_of_all():
    image = np.full((9, 12, 1), 10, np.uint8)
    image[3:6, 4:8] = 250
    image[3:6, 8:12] = 240
    assert np.all(remove_windows(image, [(3, 4), (3, 8)], SIZE) == 10)


def test_an_image_that_is_taken_out_whole_has_its_median():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    assert np.all(remove_windows(image, [(0, 0)], SIZE) == 6)  # 5.5, to the even neighbour


def test_windows_alone_stand_on_the_median():
    image = dotted()
    left = isolate_windows(image, [(7, 9)], SIZE)
    assert np.all(left[7:10, 9:13] == 200)
    assert np.all(left[:7] == 40)


def test_a_pasted_window_is_its_source():
    image = dotted()
    more = pasted(image, (1, 2), [(8, 0)], SIZE)
    assert np.array_equal(more[8:11, 0:4], image[1:4, 2:6])
    assert np.array_equal(more[:8], image[:8])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 6))
def test_scattered_windows_are_apart(count, seed, height, width):
    image = np.zeros((13, 11, 1), np.uint8)
    found = random_windows(np.random.default_rng(seed), image.shape, (height, width), count, [(5, 3)])
    assert len(found) <= count
    seen = np.zeros((13, 11), int)
    for top, left in [(5, 3), *found]:
        assert seen[top : top + height, left : left + width].shape == (height, width)
        seen[top : top + height, left : left + width] += 1
    assert seen.max() == 1


def test_the_area_that_windows_share():
    assert shared_area([(0, 0)], [(0, 0)], SIZE) == 1.0
    assert shared_area([(0, 0), (6, 0)], [(1, 2)], SIZE) == pytest.approx(4 / 24)
    assert shared_area([(0, 0)], [(3, 0)], SIZE) == 0.0


@pytest.mark.parametrize("place", [(-1, 0), (10, 0), (0, 12)])
def test_a_window_outside_is_one_line(place):
    for change in (remove_windows, isolate_windows):
        with pytest.raises(
            InputError, match=r"^places: expected windows of 3 x 4 inside an image of 12 x 15"
        ):
            change(dotted(), [place], SIZE)
    with pytest.raises(InputError, match=r"^places:"):
        pasted(dotted(), place, [(0, 0)], SIZE)
