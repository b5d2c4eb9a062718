"""The contract of a strategy, over the registry."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import ENCODING, logits, target

from fooljax.archive import empty, insert
from fooljax.base import Offspring, Problem
from fooljax.errors import InputError
from fooljax.evaluation import make_fitness
from fooljax.strategies import STRATEGIES, map_elites

BATCH = 6
PROBLEM = Problem(target().params, ())
FITNESS = make_fitness(ENCODING, logits, (0, 1, 2, 3))


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return STRATEGIES[request.param](ENCODING, batch_size=BATCH)


def begin(strategy, key):
    """An archive with elites and a state."""
    genomes = jax.vmap(ENCODING.init)(jax.random.split(key, BATCH))
    fitness = FITNESS(PROBLEM, genomes)
    blank = empty(jax.eval_shape(ENCODING.init, key), 4, ENCODING.num_parents)
    ids, parents = jnp.arange(BATCH, dtype=jnp.int32), jnp.full((BATCH, 1), -1, jnp.int32)
    archive, _ = insert(blank, genomes, fitness, ids, parents, jnp.int32(0))
    return archive, strategy.init(key, genomes, fitness)


def cycle(strategy, key, state, archive):
    ask_key, tell_key = jax.random.split(key)
    offspring, state = strategy.ask(ask_key, state, archive, PROBLEM)
    fitness = FITNESS(PROBLEM, offspring.genomes)
    state, metrics = strategy.tell(tell_key, state, offspring, fitness, jnp.zeros(4, bool))
    return offspring, state, metrics


def shapes(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)


def test_shapes_and_dtypes_are_stable(strategy):
    archive, state = begin(strategy, jax.random.key(0))
    offspring, after, metrics = cycle(strategy, jax.random.key(1), state, archive)
    assert isinstance(offspring, Offspring)
    assert shapes(after) == shapes(state)
    one = jax.eval_shape(ENCODING.init, jax.random.key(0))
    assert shapes(offspring.genomes) == jax.tree.map(lambda leaf: ((BATCH, *leaf.shape), leaf.dtype), one)
    assert shapes(offspring.parents) == ((BATCH, 1), jnp.int32)
    assert shapes(offspring.extra_passes) == ((), jnp.int32)
    assert all(jnp.shape(value) == () for value in metrics.values())


def test_same_key_same_result_and_another_key_another(strategy):
    archive, state = begin(strategy, jax.random.key(0))
    first, second, other = (
        cycle(strategy, jax.random.key(seed), state, archive)[0].genomes for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert len(np.unique(np.asarray(first), axis=0)) == BATCH


def test_jit_equals_eager_and_vmap_equals_a_loop(strategy):
    archive, state = begin(strategy, jax.random.key(0))
    keys = jax.random.split(jax.random.key(3), 3)
    together, _, _ = jax.jit(jax.vmap(lambda key: cycle(strategy, key, state, archive)))(keys)
    for number, key in enumerate(keys):
        eager, _, _ = cycle(strategy, key, state, archive)
        np.testing.assert_allclose(together.genomes[number], eager.genomes, atol=1e-6)
        np.testing.assert_array_equal(together.parents[number], eager.parents)


def test_nan_fitness_is_survived(strategy):
    archive, state = begin(strategy, jax.random.key(0))
    offspring, state = strategy.ask(jax.random.key(1), state, archive, PROBLEM)
    bad = jnp.full((BATCH, 4), -jnp.inf)
    state, _ = strategy.tell(jax.random.key(2), state, offspring, bad, jnp.zeros(4, bool))
    offspring, _ = strategy.ask(jax.random.key(3), state, archive, PROBLEM)
    assert bool(jnp.all(jnp.isfinite(offspring.genomes)))
    assert bool(jnp.all((offspring.genomes >= 0) & (offspring.genomes <= 1)))


def test_children_of_map_elites_are_near_their_parents():
    strategy = map_elites(ENCODING, batch_size=64)
    archive, state = begin(strategy, jax.random.key(0))
    offspring, _ = strategy.ask(jax.random.key(1), state, archive, PROBLEM)
    genomes = {int(i): g for i, g in zip(archive.ids, np.asarray(archive.genomes), strict=True)}
    for child, (parent,) in zip(np.asarray(offspring.genomes), np.asarray(offspring.parents), strict=True):
        assert np.mean(child != genomes[int(parent)]) < 0.5
    changed = [
        np.mean(c != genomes[int(p[0])]) for c, p in zip(offspring.genomes, offspring.parents, strict=True)
    ]
    assert np.mean(changed) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("name", STRATEGIES)
def test_batch_size_is_checked(name):
    with pytest.raises(InputError, match=r"^batch_size: expected 1 or more, got 0"):
        STRATEGIES[name](ENCODING, batch_size=0)
