"""Results are float32 and the same whatever the user's setting of 64-bit types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from fooljax.engine.precision import as_float32
from fooljax.engine.types import Target
from fooljax.evolution import search
from fooljax.gradient import ascend_images
from fooljax.rendering import draw
from fooljax.scoring import score


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
