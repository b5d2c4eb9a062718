"""Start images: noise around the mean image, as in the authors' code."""

import jax
import numpy as np
import pytest
from linear_network import SHAPE, near_grey

from fooljax.gradient import (
    start_images,
)


def test_start_modes():
    key, mean = jax.random.key(0), near_grey(0, 1)[0]
    noise = start_images(key, 200, SHAPE, mean=mean)
    np.testing.assert_allclose(np.mean(noise, axis=0), mean, atol=0.002)
    assert np.std(noise - mean[None]) == pytest.approx(1 / 255, rel=0.02)
    np.testing.assert_array_equal(start_images(key, 2, SHAPE, mode="zero", mean=mean), np.stack([mean, mean]))
    uniform = start_images(key, 200, SHAPE, mode="randu")
    assert np.mean(uniform) == pytest.approx(0.5, abs=0.01)
    assert np.std(uniform) == pytest.approx(12**-0.5, abs=0.01)
    black = start_images(key, 200, SHAPE)
    assert np.min(black) == 0.0
    assert np.mean(black == 0.0) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(noise, start_images(key, 200, SHAPE, mean=mean))
    np.testing.assert_allclose(
        start_images(key, 1, SHAPE, mean=[0.1, 0.2, 0.3], mode="zero")[0, 3, 3], [0.1, 0.2, 0.3]
    )
