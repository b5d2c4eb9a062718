"""A strategy that keeps a population of its own learns the children's ids and their generation."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import ENCODING, target

from fooljax.engine.types import Offspring, Strategy
from fooljax.evolution import search
from fooljax.testing import check_strategy

SIZE, CHILDREN = 24, 8


@flax.struct.dataclass
class Members:
    genomes: jax.Array
    ids: jax.Array
    births: jax.Array
    fitness: jax.Array


def ageing(encoding, *, batch_size=CHILDREN):
    """Children of the best half of a population replace its oldest members."""

    def init(key, genomes, fitness):
        chosen = jnp.arange(SIZE) % len(genomes)
        return Members(
            genomes[chosen],
            chosen.astype(jnp.int32),
            jnp.zeros(SIZE, jnp.int32),
            jnp.max(fitness, axis=1)[chosen],
        )

    def ask(key, state, archive, problem):
        draw_key, vary_key = jax.random.split(key)
        best = jnp.argsort(-state.fitness)[: SIZE // 2]
        chosen = best[jax.random.randint(draw_key, (batch_size, encoding.num_parents), 0, SIZE // 2)]
        keys = jax.random.split(vary_key, batch_size)
        generation = jnp.max(state.births)
        children = jax.vmap(encoding.vary, (0, 0, None))(keys, state.genomes[chosen], generation)
        return Offspring(children, state.ids[chosen], jnp.int32(0)), state

    def tell(key, state, offspring, outcome):
        oldest = jnp.argsort(state.births)
        kept = oldest[batch_size:]

        def renewed(old, new):
            return jnp.concatenate([old[kept], new.astype(old.dtype)])

        after = Members(
            renewed(state.genomes, offspring.genomes),
            renewed(state.ids, outcome.ids),
            renewed(state.births, jnp.broadcast_to(outcome.generation, (batch_size,))),
            renewed(state.fitness, jnp.max(outcome.fitness, axis=1)),
        )
        return after, {"oldest": outcome.generation - jnp.min(after.births)}

    return Strategy("ageing", batch_size, init, ask, tell)


def run(**changes):
    settings = {"key": 2, "generations": 30, "runs": 2, "init_size": 10, **changes}
    return search(target(), ENCODING, ageing(ENCODING), **settings)


@pytest.fixture(scope="module")
def rows():
    return []


@pytest.fixture(scope="module")
def whole(rows):
    return run(on_replacements=rows.append)


def test_it_keeps_the_contract():
    check_strategy(ageing)


def test_its_members_have_the_archives_numbers(whole, rows):
    members = whole.strategy_state
    assert members.ids.shape == (2, SIZE)
    # The last generations fill it: 10 first genomes, and 8 children in each generation.
    for run_ids, births in zip(members.ids, members.births, strict=True):
        assert sorted(run_ids) == list(range(10 + 8 * 27, 10 + 8 * 30))
        np.testing.assert_array_equal(births, 1 + (run_ids - 10) // 8)
    np.testing.assert_array_equal(whole.metrics["ageing/oldest"][:, 1:4], [[1, 2, 2]] * 2)
    found = 0
    for part in rows:
        for run_index, number, genome in zip(part.run, part.id, part.genomes, strict=True):
            for place in np.flatnonzero(members.ids[run_index] == number):
                np.testing.assert_array_equal(members.genomes[run_index, place], genome)
                found += 1
    assert found > 0


def test_parents_are_found_among_the_replaced_or_the_members(whole):
    last = whole.archive
    assert np.all(last.parents < last.ids[..., None])
    born = 1 + (np.asarray(last.ids) - 10) // 8
    np.testing.assert_array_equal(np.where(last.ids < 10, 0, born), last.births)


def test_stopped_and_resumed_it_has_the_same_members(tmp_path, whole):
    run(checkpoints=tmp_path, generations=10)
    rest = run(checkpoints=tmp_path, resume=True)
    for a, b in zip(
        jax.tree.leaves((whole.archive, whole.strategy_state)),
        jax.tree.leaves((rest.archive, rest.strategy_state)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
