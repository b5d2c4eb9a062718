"""Small changes of images, on images whose change is known, and what a network says after them."""

import io

import numpy as np
import pytest
from PIL import Image

from fooljax.analysis.survival import SIGMA, blurred, compressed, grey_levels, shifted, survive


def noise(seed=0, shape=(3, 12, 10, 1)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_a_grey_level_is_added_or_taken_from_every_value_but_at_the_ends():
    images = noise(shape=(4, 40, 40, 3))
    change = grey_levels(images, np.random.default_rng(0)).astype(int) - images
    inside = (images > 0) & (images < 255)
    assert set(np.unique(change[inside])) == {-1, 1}
    assert set(np.unique(change[images == 0])) == {0, 1}
    assert set(np.unique(change[images == 255])) == {-1, 0}
    assert abs(change[inside].mean()) < 0.05  # 19,000 fair coins; five standard deviations are 0.036
    again = grey_levels(images, np.random.default_rng(1))
    assert np.any(again != images + change)


@pytest.mark.parametrize("step", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_shift_moves_every_pixel_and_repeats_the_edge(step):
    images = noise(shape=(2, 5, 7, 3))
    rows = np.clip(np.arange(5) - step[0], 0, 4)
    columns = np.clip(np.arange(7) - step[1], 0, 6)
    np.testing.assert_array_equal(shifted(images, *step), images[:, rows][:, :, columns])


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillow_s_at_quality_75(channels):
    images = noise(shape=(2, 16, 16, channels))
    found = compressed(images)
    stream = io.BytesIO()
    Image.fromarray(images[1].squeeze()).save(stream, "JPEG", quality=75)
    np.testing.assert_array_equal(found[1].squeeze(), np.asarray(Image.open(stream)))
    assert np.any(found != images)


def test_a_flat_image_is_the_same_after_every_change_but_the_first():
    images = np.full((1, 16, 16, 3), 77, np.uint8)
    for change in (blurred, compressed, lambda given: shifted(given, 1, 0)):
        np.testing.assert_array_equal(change(images), images)


def test_a_blurred_point_is_a_gaussian():
    images = np.zeros((1, 15, 15, 1), np.uint8)
    images[0, 7, 7] = 255
    found = blurred(images)[0, :, :, 0]
    apart = np.hypot(*np.mgrid[-7:8, -7:8])
    np.testing.assert_allclose(found, 255 * np.exp(-(apart**2) / 2 / SIGMA**2) / 2 / np.pi / SIGMA**2, atol=2)


def test_channels_do_not_mix():
    images = np.zeros((1, 9, 9, 3), np.uint8)
    images[0, 4, 4, 1] = 255
    assert not blurred(images)[..., [0, 2]].any()


def test_what_a_network_says_after_each_change():
    """A network that looks at the left column: class 0 where it is black, class 1 where it is white."""
    images = np.full((2, 6, 6, 1), 200, np.uint8)
    images[1, :, 0] = 0

    def score(given):
        left = given[:, :, 0, 0].mean(axis=1) / 25.5 - 5.0
        return np.stack([-left, left], axis=1)

    found = survive(score, images, np.asarray([1, 0]), np.random.default_rng(0))
    assert list(found) == ["grey_level", "shift", "jpeg", "blur"]
    np.testing.assert_array_equal(found["shift"].named, [True, False])  # a shift to the left takes it away
    assert found["shift"].log_odds[1] == pytest.approx(-(200 / 25.5 - 5.0))
    assert found["grey_level"].named.all()
    np.testing.assert_allclose(found["grey_level"].log_odds, [200 / 25.5 - 5.0, 5.0], atol=0.05)
