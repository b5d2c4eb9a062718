"""What rules do to images: the blur is SciPy's, the percentile NumPy's, the variation has a gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads
from linear_network import SHAPE
from scipy.ndimage import gaussian_filter

from fooljax.gradient.filters import SOFT, below_percentile, blur, variation


@pytest.mark.parametrize("radius", [0.3, 0.4, 1.0, 2.5])
def test_blur_is_scipys(radius):
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    expected = np.stack([gaussian_filter(image[..., k].astype(float), radius) for k in range(3)], axis=-1)
    np.testing.assert_allclose(blur(jnp.asarray(image), radius), expected, atol=1e-6)


compiled_percentile = jax.jit(below_percentile, static_argnums=1)
floats = st.floats(-2, 2, width=32, allow_subnormal=False) | st.sampled_from([-1.0, -0.0, 0.0, 1.0])


@settings(deadline=None, max_examples=60)
@given(arrays(np.float32, (23,), elements=floats), st.sampled_from([6.25, 12.5, 25.0, 50.0, 93.75, 100.0]))
def test_percentile_is_numpys(values, percentile):
    expected = values < np.percentile(values.astype(np.float64), percentile)
    np.testing.assert_array_equal(compiled_percentile(jnp.asarray(values), percentile), expected)


@pytest.mark.parametrize("percentile", [0.0, 20.0, 37.0, 99.0])
def test_percentile_of_an_image(percentile):
    values = np.random.default_rng(0).normal(size=(28, 28, 1)).astype(np.float32)
    expected = values < np.percentile(values.astype(np.float64), percentile)
    found = jax.vmap(lambda v: below_percentile(v, percentile))(jnp.asarray(values)[None])[0]
    np.testing.assert_array_equal(found, expected)
    assert found.sum() == int(np.ceil(783 * percentile / 100))


def test_variation_counts_neighbours_and_has_a_gradient():
    image = np.zeros((4, 5, 1), np.float32)
    image[1, 1] = 1.0
    expected = 4 * (np.sqrt(1 + SOFT**2) - SOFT)
    assert variation(jnp.asarray(image)) == pytest.approx(expected, rel=1e-5)
    check_grads(
        jax.jit(variation), (jax.random.uniform(jax.random.key(0), (3, 4, 2)),), order=1, modes=["rev"]
    )
    assert np.all(np.isfinite(jax.grad(variation)(jnp.zeros((3, 4, 1)))))
