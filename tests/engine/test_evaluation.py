"""Fitness against float64, and evaluation that does not depend on what surrounds a genome."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from fooljax.encodings import cppn, direct, fixed_cppn
from fooljax.engine import fitness as evaluation
from fooljax.engine.batching import TILE_VALUES, tile_size
from fooljax.engine.fitness import quantise
from fooljax.engine.log_odds import confidence, log_odds, to_log_odds
from fooljax.engine.types import Problem, Target
from fooljax.errors import InputError
from fooljax.rendering import draw
from fooljax.scoring import score


def oracle(logits):
    """Leave-one-out in float64, class by class."""
    logits = np.asarray(logits, np.float64)
    result = np.empty_like(logits)
    for c in range(logits.shape[-1]):
        result[..., c] = logits[..., c] - logsumexp(np.delete(logits, c, axis=-1), axis=-1)
    return result


@pytest.mark.parametrize("margin", [0.0, 1.0, 9.21, 17.0, 40.0, 100.0, -100.0])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_log_odds_equal_float64_to_large_margins(margin, offset):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(64, 10)).astype(np.float32)
    logits[:, 3] += np.float32(margin)
    logits += np.float32(offset)
    np.testing.assert_allclose(log_odds(jnp.asarray(logits)), oracle(logits), rtol=2e-6, atol=2e-5)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=12))
def test_log_odds_equal_float64_for_any_logits(logits):
    found = np.asarray(jax.jit(log_odds)(jnp.asarray([logits], jnp.float32)))[0]
    np.testing.assert_allclose(found, oracle(np.asarray(logits, np.float32)), rtol=5e-6, atol=5e-5)


@pytest.mark.parametrize("size", [1e4, -1e4, 1e30, -1e30])
def test_large_logits_keep_their_log_odds(size):
    constant = np.asarray(log_odds(jnp.full((2, 10), size)))
    np.testing.assert_allclose(confidence(constant), 0.1, rtol=1e-6)
    steps = np.asarray([[0.0, 1.0, 2.0, 3.0]], np.float32) * np.float32(max(1.0, abs(size) * 2.0**-20))
    logits = np.float32(size) + steps
    np.testing.assert_allclose(log_odds(jnp.asarray(logits)), oracle(logits), rtol=1e-6)


def test_ranking_goes_on_where_softmax_is_saturated():
    logits = jnp.asarray([[m, 0.0, 0.0] for m in (20.0, 20.5, 30.0, 90.0)])
    assert len(set(np.asarray(jax.nn.softmax(logits)[:, 0]).tolist())) == 1
    assert np.all(np.diff(log_odds(logits)[:, 0]) > 0.4)


def test_nan_logits_give_nan_for_every_class_and_one_class_is_refused():
    assert np.isnan(log_odds(jnp.asarray([[0.0, jnp.nan, 1.0]]))).all()
    with pytest.raises(ValueError, match="at least 2 classes"):
        log_odds(jnp.zeros((3, 1)))


def test_threshold_is_ln_9999():
    assert to_log_odds(0.9999) == pytest.approx(np.log(9999), rel=1e-12)
    assert confidence(np.log(9999.0)) == pytest.approx(0.9999, abs=1e-12)
    assert confidence(-1e4) == 0.0
    with pytest.raises(ValueError, match=r"^probability: expected a number inside \(0, 1\), got 1"):
        to_log_odds(1.0)


def test_quantised_images_are_what_8_bit_files_hold():
    values = jnp.asarray([-0.2, 0.0, 0.49 / 255, 0.51 / 255, 0.999, 1.7])
    np.testing.assert_array_equal(np.round(quantise(values) * 255), [0, 0, 0, 1, 255, 255])
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(quantise(jnp.asarray(every / np.float32(255))), every / 255.0, atol=6e-8)


@pytest.mark.parametrize(
    ("batch", "tile"), [(1, 1), (30, 30), (200, 200), (1024, 1024), (1025, 513), (4096, 1024)]
)
def test_tile_sizes(batch, tile):
    assert tile_size(batch) == tile


def network(params, images):
    hidden = jnp.tanh(images.reshape(images.shape[0], -1) @ params["in"])
    return hidden @ params["out"]


def params(seed):
    first, second = jax.random.split(jax.random.key(seed))
    return {"in": jax.random.normal(first, (64, 32)), "out": jax.random.normal(second, (32, 5))}


def problem_of(weights, cells=(0, 1, 2, 3, 4)):
    return Problem(weights, (), network, cells)


@pytest.mark.optimised
@pytest.mark.parametrize("tile", [16, 100, 300])
def test_fitness_does_not_depend_on_tiles_or_vmap(monkeypatch, tile):
    """Lone run, runs under vmap, small tiles: the same log-odds for the same genomes."""
    encoding = direct((8, 8, 1))
    fitness = functools.partial(evaluation.evaluate, encoding)
    problem = problem_of(params(0), (4, 0, 2))
    genomes = jax.random.uniform(jax.random.key(1), (3, 50, 64))
    plain = np.stack(
        [oracle(network(params(0), quantise(jnp.floor(g * 255) / 255).reshape(50, 8, 8, 1))) for g in genomes]
    )
    monkeypatch.setattr(evaluation, "MAX_TILE", tile)
    alone = np.stack([jax.jit(fitness)(problem, g) for g in genomes])
    together = jax.jit(jax.vmap(fitness, (None, 0)))(problem, genomes)
    np.testing.assert_allclose(alone, plain[..., [4, 0, 2]], atol=1e-4)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_large_images_meet_the_network_in_bounded_tiles():
    """On a CPU; so a thousand images of ImageNet's size are never in memory together."""
    seen = []

    def spying(weights, images):
        seen.append(images.shape[0])
        return jnp.zeros((images.shape[0], 2))

    encoding = direct((256, 256, 3), storage="uint8")
    fitness = functools.partial(evaluation.evaluate, encoding)
    genomes = jax.ShapeDtypeStruct((1000, 256 * 256 * 3), jnp.uint8)
    found = jax.eval_shape(fitness, Problem({}, (), spying, (0, 1)), genomes)
    assert found.shape == (1000, 2)
    assert min(seen) == 167
    assert TILE_VALUES >= 167 * 256 * 256 * 3


def test_stacked_targets_are_taken_one_after_another():
    encoding = direct((8, 8, 1))
    fitness = functools.partial(evaluation.evaluate, encoding)
    genomes = jax.random.uniform(jax.random.key(1), (2, 20, 64))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), params(0), params(1))
    found = jax.vmap(fitness)(problem_of(stacked), genomes)
    for seed in (0, 1):
        np.testing.assert_allclose(found[seed], fitness(problem_of(params(seed)), genomes[seed]), atol=1e-5)


@pytest.mark.optimised
def test_saved_images_score_as_in_the_search():
    encoding = direct((8, 8, 1))
    genomes = jax.random.uniform(jax.random.key(2), (9, 64))
    target = Target(params(0), network)
    scored = score(target, draw(encoding, genomes))
    np.testing.assert_allclose(
        scored,
        evaluation.evaluate(encoding, problem_of(params(0)), genomes),
        atol=1e-5,
    )
    with pytest.raises(ValueError, match=r"^images: expected \[B, H, W, K\] uint8, got \[3, 8, 8\] float64"):
        score(target, np.zeros((3, 8, 8)))


def test_a_network_without_logits_for_every_image_is_refused():
    target = Target(params(0), lambda params, images: network(params, images)[0])
    with pytest.raises(InputError, match=r"^target: expected logits \[2, C\] of 2 images, got "):
        score(target, np.zeros((3, 8, 8, 1), np.uint8), tile=2)


def test_the_network_is_not_vmapped():
    """Under vmap over runs the network still sees one flat [B, H, W, K] batch."""
    seen = []

    def spy(weights, images):
        seen.append(images.shape)
        return network(weights, images)

    fitness = functools.partial(evaluation.evaluate, direct((8, 8, 1)))
    problem = Problem(params(0), (), spy, tuple(range(5)))
    jax.jit(jax.vmap(fitness, (None, 0))).lower(problem, jnp.zeros((5, 200, 64)))
    assert (200, 8, 8, 1) in seen
    assert all(len(shape) == 4 for shape in seen)


BLACK = np.zeros((1, 2, 2, 1), np.uint8)


@pytest.mark.parametrize(
    ("target", "images", "tile", "message"),
    [
        (
            None,
            np.zeros((1, 2, 2, 1), np.uint8),
            None,
            "^target: expected a JAX callable or a Target, got None",
        ),
        (
            lambda x: {}["no"],
            np.zeros((1, 2, 2, 1), np.uint8),
            None,
            "^target: refused images .*: KeyError: ",
        ),
        (lambda x: x, [[1], [1, 2]], None, "^images: expected "),
        (
            lambda x: x,
            np.zeros((1, 2, 2, 1), np.uint8),
            2.5,
            "^tile: expected a whole number, 1 or more, got 2.5",
        ),
    ],
)
def test_what_cannot_be_scored_is_one_line(target, images, tile, message):
    with pytest.raises(InputError, match=message):
        score(target, images, tile=tile)


@pytest.mark.parametrize("build", [direct, cppn, fixed_cppn])
@pytest.mark.parametrize(
    "shape", [(0, 5, 1), (-1, 5, 1), (8.0, 5, 1), (True, 5, 1), (8, 5), ("8", 5, 1), 8, None]
)
def test_image_shapes_are_three_positive_whole_numbers(build, shape):
    with pytest.raises(
        InputError, match=r"^image_shape: expected \(H, W, K\), all positive whole numbers, got "
    ):
        build(shape)
    assert build([8, 5, 1]).image_shape == (8, 5, 1)
