"""A generation on an accelerator has no loop, whose end the host would have to read back, and no scatter."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.encodings import cppn, direct
from fooljax.engine import archive as archives
from fooljax.engine.archive import first_at
from fooljax.engine.loop import Search, first_genomes, generation, start
from fooljax.engine.types import Problem
from fooljax.strategies import focused, map_elites, rank_ea

CHILDREN, CELLS, RUNS = 12, 5, 2


def exported(encoding, strategy, platform):
    """The text of one generation of two runs: draws, mutation, drawing, network, insertion, metrics."""
    search = Search(encoding, strategy)
    coordinates = jax.eval_shape(encoding.coordinates)
    problem = Problem(jnp.ones((36, CELLS)), coordinates, network, tuple(range(CELLS)))

    def begin(problem, key):
        genomes = first_genomes(encoding, key, CHILDREN)
        return start(search, problem, key, genomes, jnp.zeros((CHILDREN, CELLS)))[0]

    keys = jax.random.split(jax.random.key(0), RUNS)
    state = jax.eval_shape(jax.vmap(begin, (None, 0)), problem, keys)
    program = jax.jit(jax.vmap(lambda problem, run: generation(search, problem, run), (None, 0)))
    return program.trace(problem, state).lower(lowering_platforms=(platform,)).as_text()


def network(params, images):
    return images.reshape(images.shape[0], -1) @ params


@pytest.mark.parametrize("strategy", [map_elites, focused, rank_ea], ids=lambda built: built.__name__)
@pytest.mark.parametrize("encoding", [cppn((6, 6, 1)), direct((6, 6, 1))], ids=["cppn", "direct"])
def test_a_generation_has_no_loop_on_a_gpu(encoding, strategy):
    try:
        text = exported(encoding, strategy(encoding, batch_size=CHILDREN), "cuda")
    except RuntimeError as error:
        if "No supported GPU devices" not in str(error):
            raise
        pytest.skip("this JAX compiles kernels of Triton only where there is a GPU, as 0.12 does")
    assert "stablehlo.while" not in text
    assert "scatter" not in text


def test_a_cpu_is_given_loops():
    """So the test above can fail: the same generation has loops where they are cheap."""
    encoding = cppn((6, 6, 1))
    assert "stablehlo.while" in exported(encoding, map_elites(encoding, batch_size=CHILDREN), "cpu")


def archive_of(key, cells):
    blank = archives.empty(jax.ShapeDtypeStruct((3,), jnp.float32), cells, 1)
    fitness = jax.random.normal(key, (cells,))
    return blank.replace(
        genomes=jnp.arange(3.0 * cells).reshape(cells, 3), fitness=fitness, ids=jnp.arange(cells)
    )


def test_large_archives_are_not_selected_from_in_every_generation(monkeypatch):
    """There the wait for the host is shorter. On a CPU both ways give the first elites at the level."""
    shape = jax.eval_shape(lambda: archive_of(jax.random.key(0), 4))
    improved = jax.ShapeDtypeStruct((4,), bool)

    def text():
        program = jax.jit(functools.partial(first_at, 0.5))
        return jax.export.export(program, platforms=("cuda",))(shape, shape, improved).mlir_module()

    assert "stablehlo.while" not in text()
    monkeypatch.setattr(archives, "SELECTED_BYTES", 8)
    assert "stablehlo.while" in text()


def test_the_first_elite_at_a_level_is_kept():
    now = archive_of(jax.random.key(1), 6).replace(fitness=jnp.asarray([0.1, 0.5, 0.9, 2.0, 0.4, 0.7]))
    blank = archives.empty(jax.ShapeDtypeStruct((3,), jnp.float32), 6, 1)
    improved = jnp.asarray([True, True, False, True, True, True])
    first = jax.jit(functools.partial(first_at, 0.5))(blank, now, improved)
    assert first.ids.tolist() == [-1, 1, -1, 3, -1, 5]
    better = now.replace(fitness=now.fitness + 1.0, ids=now.ids + 10, genomes=now.genomes + 100.0)
    second = jax.jit(functools.partial(first_at, 0.5))(first, better, jnp.ones(6, bool))
    assert second.ids.tolist() == [10, 1, 12, 3, 14, 5]
    np.testing.assert_array_equal(second.genomes[1::2], now.genomes[1::2])
    np.testing.assert_array_equal(second.genomes[::2], better.genomes[::2])
