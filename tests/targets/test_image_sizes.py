"""Images for a network that takes another size."""

import numpy as np
import pytest
from PIL import Image

from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.targets.image_sizes import fitted


def taking(*shape):
    return Target((), lambda params, images: images, "network", shape)


def some(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_images_of_the_right_size_stay_as_they_are():
    images = some(2, 5, 7, 3)
    assert fitted(images, taking(5, 7, 3)) is images


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(9, 4), (20, 30)])
def test_they_are_scaled_as_pillow_scales_them(channels, size):
    images = some(2, 12, 11, channels)
    found = fitted(images, taking(*size, channels))
    assert (found.shape, found.dtype) == ((2, *size, channels), np.uint8)
    for image, scaled in zip(images, found, strict=True):
        whole = Image.fromarray(image if channels == 3 else image[..., 0])
        expected = np.asarray(whole.resize(size[::-1], Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(scaled, expected.reshape(scaled.shape))


def test_an_even_image_stays_even():
    assert np.all(fitted(np.full((1, 4, 4, 3), 77, np.uint8), taking(9, 9, 3)) == 77)


def test_grey_images_are_no_colour_images():
    with pytest.raises(InputError, match=r"^images: expected 3 channels for network, got 1$"):
        fitted(some(1, 4, 4, 1), taking(9, 9, 3))
