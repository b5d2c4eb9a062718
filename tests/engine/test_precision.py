"""Results are float32 whatever the user's setting of 64-bit types; what is published has exact products."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from tolerances import by_platform

from fooljax.engine.compiled import compile_start
from fooljax.engine.loop import Search
from fooljax.engine.objective import LOG_ODDS
from fooljax.engine.precision import as_float32
from fooljax.engine.types import Problem, Target
from fooljax.evolution import search
from fooljax.gradient import Program, ascend_images, optimiser
from fooljax.gradient.driver import _named
from fooljax.rendering import draw
from fooljax.scoring import _scoring, score
from fooljax.targets import imagenet
from fooljax.targets.crops import cropped
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.trainable import apply_of


def results(target):
    found = search(target, toys.ENCODING, toys.STRATEGY, key=jax.random.key(7), generations=3)
    ascent = ascend_images(target, np.full((2, 6, 6, 1), 0.5), [0, 1], iterations=3)
    images = draw(toys.ENCODING, jax.tree.map(lambda leaf: leaf[0], found.archive.genomes))
    return found.archive, found.first, found.metrics, ascent, images, score(target, images)


@pytest.mark.optimised
def test_64_bit_types_change_nothing():
    target = toys.target()
    narrow = results(target)
    jax.config.update("jax_enable_x64", True)
    try:
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), target.params)
        assert params["in"].dtype == jnp.float64
        wide = results(Target(params, toys.logits))
    finally:
        jax.config.update("jax_enable_x64", False)
    for a, b in zip(jax.tree.leaves(narrow), jax.tree.leaves(wide), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_only_float64_leaves_are_changed():
    tree = {"a": np.ones(2), "b": jnp.ones(2), "c": np.int32(3), "d": "text"}
    found = as_float32(tree)
    assert found["a"].dtype == np.float32
    assert found["b"] is tree["b"]
    assert found["c"] is tree["c"]
    assert found["d"] == "text"


def products(program, *arguments):
    """Whether each product and convolution of a program for a GPU is of the highest precision."""
    text = jax.export.export(jax.jit(program), platforms=["cuda"])(*arguments).mlir_module()
    found = [line for line in text.splitlines() if re.search(r"stablehlo\.(dot_general|convolution)\b", line)]
    return [line.count("HIGHEST") == 2 for line in found]


def lenet():
    return LeNet(10).init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))


@pytest.mark.parametrize("full", [True, False])
def test_saved_images_are_scored_with_exact_products_on_a_gpu(full):
    scoring = _scoring(apply_of("lenet", 10), LOG_ODDS, full, False)
    with jax.default_matmul_precision("default"):
        found = products(scoring, lenet(), jnp.zeros((4, 28, 28, 1), jnp.uint8))
    assert found == [full] * 4


def test_the_options_for_a_gpu_are_known_to_xla_and_leave_scores_as_they_are():
    params, pixels = lenet(), np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), np.uint8)
    plain, quick = (_scoring(apply_of("lenet", 10), LOG_ODDS, True, on_gpu) for on_gpu in (False, True))
    assert np.array_equal(quick(params, pixels), plain(params, pixels))
    assert not np.array_equal(quick(params, pixels), quick(params, 255 - pixels))


def test_the_scores_of_photograph_networks_have_exact_products_on_a_gpu():
    how = imagenet.crops_of("efficientnet-lite0")
    network = imagenet.network("efficientnet-lite0")
    images = jax.ShapeDtypeStruct((2, how.input_size, how.input_size, 3), jnp.float32)
    params = {
        "network": jax.eval_shape(network.init, jax.random.key(0), images),
        "mean": jax.ShapeDtypeStruct((3,), jnp.float32),
    }
    pixels = jax.ShapeDtypeStruct((2, how.size, how.size, 3), jnp.uint8)
    found = products(_scoring(cropped(network.apply, how), LOG_ODDS, True, False), params, pixels)
    assert len(found) > 40
    assert all(found)


def test_ascents_have_exact_products_on_a_gpu():
    climb = _named(Program(apply_of("lenet", 10), optimiser(), 3), on_cpu=False)
    found = products(
        climb, lenet(), jnp.zeros((4, 28, 28, 1)), jnp.zeros(4, jnp.int32), jnp.zeros((28, 28, 1))
    )
    assert len(found) >= 4 + 7  # forward alone, and both passes
    assert all(found)


@pytest.mark.optimised
def test_full_precision_changes_nothing_on_a_cpu():
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), np.uint8)
    target = Target(lenet(), apply_of("lenet", 10))
    with jax.default_matmul_precision("default"):
        searched = score(target, images, full_precision=False)
    np.testing.assert_allclose(score(target, images), searched, rtol=0, atol=by_platform(0.0, 0.05))


def test_a_search_asks_for_the_precision_that_jax_was_told():
    def program():
        key, problem = jax.random.split(jax.random.key(0), 1), problem_of(toys.target())
        return compile_start(Search(toys.ENCODING, toys.STRATEGY), 4, problem, key)

    plain = program()
    with jax.default_matmul_precision("high"):
        assert program() is not plain
    assert program() is plain


def problem_of(target):
    return Problem(target.params, toys.ENCODING.coordinates(), target.apply, tuple(range(4)))
