"""Images in rows: small ones are kept as they are, large ones become means of blocks."""

import numpy as np
import pytest

from fooljax.study.images import SHOWN_SIDE, images_of, sheet_of, small


def test_small_images_stay_and_large_ones_become_means_of_blocks():
    digits = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), np.uint8)
    assert np.array_equal(small(digits), digits)
    large = np.zeros((1, 227, 224, 3), np.uint8)
    large[0, 0, 0] = 30  # one pixel of the first block of 3 x 3
    found = small(large)
    assert found.shape == (1, 75, 74, 3)
    assert max(found.shape[1:3]) <= SHOWN_SIDE
    assert found[0, 0, 0].tolist() == [3, 3, 3]
    assert found.sum() == 9


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_sheet_gives_its_images_back(channels):
    images = np.random.default_rng(1).integers(0, 256, (40, 5, 4, channels), np.uint8)
    assert np.array_equal(images_of(sheet_of(images), images.shape), images)
