"""The loop's steps are public: taken one by one they are the search."""

import jax
import numpy as np
import pytest
from toys import ENCODING, STRATEGY, target

import fooljax
from fooljax.evolution import search

KEY = jax.random.key(7)
PROBLEM = fooljax.Problem(target().params, (), target().apply, (0, 1, 2, 3))
PLAN = fooljax.Search(ENCODING, STRATEGY)
EVALUATE = jax.jit(lambda genomes: fooljax.evaluate(ENCODING, PROBLEM, genomes))
START = jax.jit(lambda key, genomes, fitness: fooljax.start(PLAN, PROBLEM, key, genomes, fitness))
ASK = jax.jit(lambda state: fooljax.ask(PLAN, PROBLEM, state))
TELL = jax.jit(lambda state, offspring, fitness: fooljax.tell(PLAN, PROBLEM, state, offspring, fitness))


def begun(key):
    genomes = fooljax.first_genomes(ENCODING, key, 16)
    return START(key, genomes, EVALUATE(genomes))


def test_steps_by_hand_are_the_search():
    found = search(target(), ENCODING, STRATEGY, key=KEY, generations=6)
    state, metrics, _ = begun(jax.random.fold_in(KEY, 0))
    history = [metrics]
    for _ in range(6):
        offspring, state = ASK(state)
        state, metrics, improved = TELL(state, offspring, EVALUATE(offspring.genomes))
        assert int(metrics["replacements"]) == int(np.sum(improved))
        history.append(metrics)
    np.testing.assert_array_equal(state.archive.genomes, found.archive.genomes[0])
    np.testing.assert_array_equal(state.archive.ids, found.archive.ids[0])
    np.testing.assert_allclose(state.archive.fitness, found.log_odds[0], atol=1e-5)
    assert int(state.generation) == 6
    for name in ("queries", "replacements", "generation"):
        np.testing.assert_array_equal([one[name] for one in history], found.metrics[name][0])


def test_asking_twice_gives_the_same_children():
    state, _, _ = begun(KEY)
    first, after = ASK(state)
    again, _ = ASK(state)
    np.testing.assert_array_equal(first.genomes, again.genomes)
    state, _, _ = TELL(after, first, EVALUATE(first.genomes))
    later, _ = ASK(state)
    assert not np.array_equal(first.genomes, later.genomes)


def test_fitness_may_come_from_elsewhere_and_nan_never_enters():
    state, _, _ = begun(KEY)
    offspring, asked = ASK(state)
    fitness = np.full((16, 4), -50.0, np.float32)
    fitness[3, 2], fitness[5] = 77.0, np.nan
    after, metrics, improved = TELL(asked, offspring, fitness)
    np.testing.assert_array_equal(improved, [False, False, True, False])
    np.testing.assert_array_equal(after.archive.genomes[2], offspring.genomes[3])
    assert (int(after.archive.ids[2]), int(after.archive.births[2]), int(metrics["nan"])) == (16 + 3, 1, 1)
    assert int(after.first.ids[2]) == 19


def test_advance_is_the_steps():
    state, _, _ = begun(KEY)
    advanced, (metrics, recorded) = jax.jit(fooljax.advance, static_argnums=(0, 3))(PLAN, PROBLEM, state, 3)
    assert recorded is None
    assert metrics["queries"].tolist() == [32, 48, 64]
    for _ in range(3):
        offspring, state = ASK(state)
        state, _, _ = TELL(state, offspring, EVALUATE(offspring.genomes))
    np.testing.assert_array_equal(advanced.archive.genomes, state.archive.genomes)


def test_wrong_shapes_are_named():
    genomes = fooljax.first_genomes(ENCODING, KEY, 16)
    with pytest.raises(ValueError, match=r"^fitness: expected shape \[16, 4\], got \[16, 3\]"):
        fooljax.start(PLAN, PROBLEM, KEY, genomes, np.zeros((16, 3), np.float32))
