"""A function that is traced only where it is in the program, and is itself in every other way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.operations import text_for
from fooljax.engine.later import later
from fooljax.engine.placement import by_platform

X, Y = jnp.arange(3.0), {"y": jnp.asarray([2.0, 0.5, -1.0])}


@pytest.fixture
def traced():
    return []


@pytest.fixture
def scaled(traced):
    def scale(x, tree):
        traced.append(x.shape)
        return {"z": x * jnp.sin(tree["y"])}

    return scale


def like(x, tree):
    return {"z": x + tree["y"]}


def test_it_is_traced_only_for_platforms_that_take_it(scaled, traced):
    @jax.jit
    def program(x, tree):
        return by_platform(like, later(scaled, like), x, tree)

    program(X, Y)
    assert "sine" not in text_for("cpu", program, X, Y)
    assert traced == []
    assert "sine" in text_for("tpu", program, X, Y)
    assert traced


def test_it_gives_what_the_function_gives(scaled):
    function = later(scaled, like)
    wanted = np.asarray(scaled(X, Y)["z"])
    np.testing.assert_allclose(function(X, Y)["z"], wanted)
    np.testing.assert_allclose(jax.jit(function)(X, Y)["z"], wanted)
    many = jax.jit(jax.vmap(function, (0, None)))(jnp.stack([X, 2.0 * X]), Y)
    np.testing.assert_allclose(many["z"], [wanted, 2.0 * wanted], rtol=1e-6)
    slope = jax.jit(jax.grad(lambda x: function(x, Y)["z"].sum()))(X)
    np.testing.assert_allclose(slope, jnp.sin(Y["y"]), rtol=1e-6)
