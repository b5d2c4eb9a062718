"""The direct encoding against plain NumPy and the paper's numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.encodings import direct
from fooljax.encodings._direct import MUTATION_RATE, RATE_FLOOR, sbx
from fooljax.encodings.colour import to_image
from fooljax.encodings.polynomial import polynomial, power
from fooljax.errors import InputError

SHAPE = (28, 28, 1)


def children(encoding, parents, generation, count=400):
    keys = jax.random.split(jax.random.key(3), count)
    return np.asarray(jax.vmap(encoding.vary, (0, None, None))(keys, parents, jnp.int32(generation)))


def test_images_truncate_to_8_bits_in_row_order():
    encoding = direct((2, 3, 1))
    genome = jnp.asarray([0.0, 0.999 / 255, 1.001 / 255, 0.5, 254.9 / 255, 1.0])
    image = encoding.render(genome, encoding.coordinates())
    assert image.shape == (2, 3, 1)
    np.testing.assert_allclose(image.ravel() * 255, [0, 0, 1, 127, 254, 255], atol=1e-4)


def test_start_is_uniform_noise():
    genome = np.asarray(direct(SHAPE).init(jax.random.key(0)))
    assert genome.shape == (784,)
    assert genome.dtype == np.float32
    assert abs(genome.mean() - 0.5) < 0.05
    assert abs(genome.std() - 12**-0.5) < 0.02


@pytest.mark.parametrize(
    ("generation", "rate"),
    [
        (0, 0.1),
        (999, 0.1),
        (1000, 0.05),
        (2500, 0.025),
        (5999, 0.1 / 32),
        (6000, RATE_FLOOR),
        (10**6, RATE_FLOOR),
    ],
)
def test_rate_halves_every_thousand_generations_down_to_the_floor(generation, rate):
    parent = jnp.full((1, 784), 0.5)
    changed = np.mean(children(direct(SHAPE), parent, generation, 2000) != 0.5)
    assert changed == pytest.approx(rate, rel=6 / np.sqrt(2000 * 784 * rate))


def test_constant_rate_as_in_the_authors_code():
    parent = jnp.full((1, 784), 0.5)
    changed = np.mean(children(direct(SHAPE, halving_generations=0), parent, 5000) != 0.5)
    assert changed == pytest.approx(MUTATION_RATE, rel=0.03)


def test_step_sizes_are_polynomial_with_eta_15():
    """Against Deb's formula drawn in NumPy, quantile by quantile."""
    steps = (
        np.asarray(
            polynomial(jax.random.uniform(jax.random.key(0), (400_000,)), jnp.full(400_000, 0.5), 1.0, 15.0)
        )
        - 0.5
    )
    u = (np.arange(400_000) + 0.5) / 400_000
    expected = np.where(u < 0.5, (2 * u) ** (1 / 16) - 1, 1 - (2 * (1 - u)) ** (1 / 16))
    inside = np.abs(expected) < 0.45
    quantiles = np.linspace(0.001, 0.999, 201)
    np.testing.assert_allclose(
        np.quantile(steps, quantiles), np.quantile(expected.clip(-0.5, 0.5), quantiles), atol=4e-3
    )
    assert np.mean(np.abs(expected[inside])) == pytest.approx(0.059, abs=0.001)
    assert np.mean(np.abs(steps)) == pytest.approx(0.059, abs=0.001)


def test_square_roots_equal_the_power():
    base = jnp.linspace(0.0, 1.0, 1001)
    np.testing.assert_allclose(power(base, 1 / 16), np.linspace(0, 1, 1001) ** (1 / 16), rtol=1e-5)
    np.testing.assert_allclose(power(base, 1 / 11), np.linspace(0, 1, 1001) ** (1 / 11), rtol=1e-5)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31 - 1), generation=st.integers(0, 20_000), cross=st.booleans())
def test_children_stay_in_bounds(seed, generation, cross):
    encoding = direct((4, 4, 3), crossover_rate=1.0 if cross else 0.0)
    keys = jax.random.split(jax.random.key(seed), 2)
    parents = jnp.round(jax.random.uniform(keys[0], (encoding.num_parents, 48)) * 3) / 3
    child = encoding.vary(keys[1], parents, jnp.int32(generation))
    assert child.shape == (48,)
    assert bool(jnp.all((child >= 0) & (child <= 1)))


def test_sbx_keeps_equal_genes_and_spreads_about_the_parents():
    first, second = jnp.full(20_000, 0.4), jnp.full(20_000, 0.6)
    child = np.asarray(sbx(jax.random.key(0), jax.random.key(1), first, second, 10.0))
    assert child.mean() == pytest.approx(0.5, abs=0.003)
    # Deb and Agrawal: half of the spread factors are below 1, so half of the children are between parents.
    assert np.mean((child > 0.4) & (child < 0.6)) == pytest.approx(0.5, abs=0.02)
    # Large eta: children close to a parent.
    assert np.median(np.minimum(abs(child - 0.4), abs(child - 0.6))) < 0.015
    same = sbx(jax.random.key(0), jax.random.key(1), first, first, 10.0)
    np.testing.assert_array_equal(same, first)


def test_mid_grey_reset_is_off_unless_asked_for():
    parents = jnp.full((2, 784), 0.25)
    plain = direct(SHAPE, mutation_rate=0.0, rate_floor=0.0, crossover_rate=1.0)
    reset = direct(SHAPE, mutation_rate=0.0, rate_floor=0.0, crossover_rate=1.0, reset_equal_genes=True)
    assert np.all(children(plain, parents, 0, 3) == 0.25)
    assert np.all(children(reset, parents, 0, 3) == 0.5)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"mutation_rate": 1.5}, r"^mutation_rate: expected a number in \[0, 1\], got 1.5"),
        ({"mutation_rate": float("nan")}, "^mutation_rate: expected"),
        ({"rate_floor": 0.2}, r"^rate_floor: expected a number in \[0, 0.1\], got 0.2"),
        ({"crossover_rate": -0.1}, "^crossover_rate: expected"),
        ({"eta": 0.0}, "^eta: expected a positive number, got 0.0"),
        ({"crossover_eta": float("inf")}, "^crossover_eta: expected a positive number"),
        ({"halving_generations": -1}, "^halving_generations: expected a whole number, 0 or more, got -1"),
        ({"image_shape": (28, 28)}, r"^image_shape: expected \(H, W, K\)"),
    ],
)
def test_wrong_settings_are_named(settings_, message):
    with pytest.raises(ValueError, match=message):
        direct(**{"image_shape": SHAPE, **settings_})


def test_levels_are_stored_as_bytes():
    """What uint8 stores is what it draws; mutation moves genes as with float32, but for rounding."""
    encoding, exact = direct(SHAPE, storage="uint8"), direct(SHAPE)
    genome = encoding.init(jax.random.key(0))
    assert genome.dtype == np.uint8
    np.testing.assert_array_equal(
        np.round(np.asarray(encoding.render(genome, ())).reshape(-1) * 255), np.asarray(genome)
    )
    parents = genome[None]
    child = np.asarray(encoding.vary(jax.random.key(1), parents, jnp.int32(0))).astype(float)
    twin = np.asarray(exact.vary(jax.random.key(1), parents.astype(jnp.float32) / 255.0, jnp.int32(0)))
    np.testing.assert_allclose(child, twin * 255.0, atol=0.5 + 1e-3)
    assert encoding.bounds is None
    assert encoding.differentiable is None


@pytest.mark.parametrize("colour", ["hls", "hsv", "rgb"])
def test_colours_are_those_of_drawings(colour):
    encoding = direct((4, 5, 3), colour=colour)
    genome = encoding.init(jax.random.key(0))
    levels = np.moveaxis(np.asarray(genome).reshape(4, 5, 3), -1, 0)
    np.testing.assert_allclose(encoding.render(genome, ()), to_image(jnp.asarray(levels), colour), atol=1e-6)


def test_storage_is_checked():
    with pytest.raises(InputError, match=r"^storage: expected one of float32, uint8, got float16"):
        direct(SHAPE, storage="float16")
