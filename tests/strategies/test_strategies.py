"""The contract of a strategy, over the registry; and what each strategy says of itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import ENCODING, logits, target, waves

from fooljax import strategies
from fooljax.encodings import cppn, fixed_cppn
from fooljax.engine.archive import empty, insert
from fooljax.engine.fitness import evaluate
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Outcome, Problem
from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.strategies import STRATEGIES, emitters, evosax_emitter, map_elites, rank_ea, refined
from fooljax.strategies._focused import draw_cells
from fooljax.strategies.evosax_algorithms import ALGORITHMS
from fooljax.strategies.from_evosax import _centred_ranks, _tie_safe_weights
from fooljax.testing import check_strategy

PLAIN = [name for name in STRATEGIES if not name.startswith("evosax.")]
FEW = ["evosax.Sep_CMA_ES", "evosax.Open_ES"]
"""One distribution with a covariance, and one without."""
REST = [name for name in STRATEGIES if name not in (*PLAIN, *FEW)]
CELLS = (0, 1, 2, 3)
PROBLEM = Problem(target().params, (), logits, CELLS)
FITNESS = jax.jit(functools.partial(evaluate, ENCODING))


def outcome(fitness):
    """Of children that took no cell."""
    ids = jnp.arange(100, 100 + len(fitness), dtype=jnp.int32)
    return Outcome(fitness, jnp.zeros(fitness.shape[1], bool), ids, jnp.int32(1))


def settings(name):
    pickled = name.startswith("evosax.") and ALGORITHMS[name.removeprefix("evosax.")].pickled
    return {"allow_pickle": True} if pickled else {}


@pytest.mark.parametrize("name", [*PLAIN, *FEW])
def test_the_contract(name):
    check_strategy(STRATEGIES[name].build(ENCODING, batch_size=8))


@pytest.mark.slow
@pytest.mark.parametrize("name", REST)
def test_the_contract_of_all_of_evosax(name):
    strategy = STRATEGIES[name].build(ENCODING, batch_size=8, **settings(name))
    # EvoTF_ES is a transformer: one uncompiled step of it takes more than ten minutes.
    check_strategy(strategy, uncompiled=name != "evosax.EvoTF_ES")


def test_the_contract_on_genomes_of_several_arrays():
    encoding = waves((6, 6, 1))
    check_strategy(STRATEGIES["focused"].build(encoding, batch_size=8), encoding, generations=2)


@pytest.mark.slow  # compiles for long
@pytest.mark.parametrize("name", ["focused", "refined"])
def test_the_contract_on_drawing_networks(name):
    encoding = cppn((6, 6, 1), coordinates="scaled", max_nodes=12, max_connections=16)
    check_strategy(STRATEGIES[name].build(encoding, batch_size=8), encoding, generations=2)


@pytest.mark.slow  # compiles for long
@pytest.mark.parametrize("name", ["evosax.Sep_CMA_ES", "refined"])
def test_the_contract_on_fixed_topology(name):
    encoding = fixed_cppn((6, 6, 1), hidden=(4,))
    check_strategy(STRATEGIES[name].build(encoding, batch_size=8), encoding, generations=2)


def archive_of(genomes, fitness):
    count = fitness.shape[0]
    blank = empty(jax.eval_shape(ENCODING.init, jax.random.key(0)), fitness.shape[1], 1)
    ids, parents = jnp.arange(count, dtype=jnp.int32), jnp.full((count, 1), -1, jnp.int32)
    return insert(blank, genomes, fitness, ids, parents, jnp.int32(0))[0]


@functools.cache
def first(count=6):
    genomes = jax.jit(jax.vmap(ENCODING.init))(jax.random.split(jax.random.key(0), count))
    fitness = FITNESS(PROBLEM, genomes)
    return genomes, fitness, jax.jit(archive_of)(genomes, fitness)


def compiled(strategy):
    """The same; operation by operation, its functions would be compiled in a hundred pieces."""
    return strategy._replace(
        init=jax.jit(strategy.init), ask=jax.jit(strategy.ask), tell=jax.jit(strategy.tell)
    )


def test_children_of_map_elites_are_near_their_parents():
    strategy = compiled(map_elites(ENCODING, batch_size=64))
    genomes, fitness, archive = first()
    state = strategy.init(jax.random.key(0), genomes, fitness)
    offspring, _ = strategy.ask(jax.random.key(1), state, archive, PROBLEM)
    genomes = {int(i): g for i, g in zip(archive.ids, np.asarray(archive.genomes), strict=True)}
    changed = [
        np.mean(c != genomes[int(p[0])]) for c, p in zip(offspring.genomes, offspring.parents, strict=True)
    ]
    assert np.max(changed) < 0.5
    assert np.mean(changed) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("name", [*PLAIN, "evosax.Sep_CMA_ES"])
def test_batch_size_is_checked(name):
    with pytest.raises(InputError, match=r"^batch_size: expected "):
        STRATEGIES[name].build(ENCODING, batch_size=0)


@pytest.mark.parametrize("focus", [0.0, 0.6, 1.0])
def test_parents_are_drawn_in_the_shares_that_focus_says(focus):
    """Four occupied cells of which one is below the goal, and an empty one, which is never drawn."""
    _, _, archive = first()
    fitness = jnp.asarray([12.0, 3.0, 11.0, 10.0, -jnp.inf])
    archive = archive.replace(fitness=fitness)
    cells = np.asarray(draw_cells(jax.random.key(3), archive, (40_000,), focus, 9.2))
    shares = np.bincount(cells, minlength=5) / cells.size
    rest = (1.0 - focus) / 4
    np.testing.assert_allclose(shares, [rest, rest + focus, rest, rest, 0.0], atol=0.01)


def test_without_open_classes_parents_are_drawn_evenly():
    _, _, archive = first()
    archive = archive.replace(fitness=jnp.full(4, 20.0))
    cells = np.asarray(draw_cells(jax.random.key(3), archive, (40_000,), 1.0, 9.2))
    np.testing.assert_allclose(np.bincount(cells, minlength=4) / cells.size, 0.25, atol=0.01)


def test_rank_ea_keeps_the_best_and_counts_its_children():
    """A slow, plain oracle of the pool: kept and children of its own class, in order."""
    strategy = compiled(rank_ea(ENCODING, batch_size=4, cell=2, keep_rate=0.6))
    genomes, fitness, archive = first(10)
    state = strategy.init(jax.random.key(0), genomes, fitness)
    assert state.fitness.shape == (1, 10)
    np.testing.assert_array_equal(state.fitness[0], np.sort(fitness[:, 2])[::-1])
    offspring, state_after = strategy.ask(jax.random.key(1), state, archive, PROBLEM)
    scores = FITNESS(PROBLEM, offspring.genomes)
    after, _ = strategy.tell(jax.random.key(2), state_after, offspring, outcome(scores))
    pool = [*zip(np.asarray(state.fitness[0])[:6], np.asarray(state.ids[0])[:6], strict=True)]
    pool += [*zip(np.asarray(scores[:, 2]), range(10, 14), strict=True)]
    pool.sort(key=lambda pair: -pair[0])
    np.testing.assert_allclose(after.fitness[0], [score for score, _ in pool])
    np.testing.assert_array_equal(after.ids[0], [number for _, number in pool])
    assert set(np.asarray(offspring.parents).ravel()) <= set(range(10))


def test_populations_of_rank_ea_take_turns():
    strategy = compiled(rank_ea(ENCODING, batch_size=4))
    genomes, fitness, archive = first(10)
    state = strategy.init(jax.random.key(0), genomes, fitness)
    offspring, asked = strategy.ask(jax.random.key(1), state, archive, PROBLEM)
    scores = jnp.full((4, 4), 50.0)
    after, _ = strategy.tell(jax.random.key(2), asked, offspring, outcome(scores))
    changed = np.any(np.asarray(after.fitness) != np.asarray(state.fitness), axis=1)
    np.testing.assert_array_equal(changed, [True, False, False, False])


@pytest.mark.parametrize("cell", [-1, 4])
def test_rank_ea_wants_a_cell_that_exists(cell):
    with pytest.raises(InputError, match=r"^cell: expected 0"):
        search(
            target(),
            ENCODING,
            rank_ea(ENCODING, batch_size=4, cell=cell),
            key=jax.random.key(0),
            generations=1,
        )


def test_refined_children_climb_and_their_passes_are_counted():
    strategy = refined(ENCODING, batch_size=8, share=0.5, steps=6, learning_rate=0.02, focus=0.0)
    genomes, fitness, archive = first()
    state = strategy.init(jax.random.key(0), genomes, fitness)
    offspring, _ = compiled(strategy).ask(jax.random.key(1), state, archive, PROBLEM)
    assert int(offspring.extra_passes) == 2 * 6 * 4
    scores = np.asarray(log_odds(logits(PROBLEM.params, offspring.genomes.reshape(8, 6, 6, 1))))
    before = np.asarray(archive.fitness)
    owned = np.asarray(archive.ids)[None] == np.asarray(offspring.parents)
    # An elite may own several cells, and the gradient is that of one of them.
    gains = np.max(np.where(owned, scores - before[None], -np.inf), axis=1)
    assert min(gains[:4]) > 1.0
    assert np.mean(gains[:4]) > np.mean(gains[4:]) + 1.0
    result = search(target(), ENCODING, strategy, key=jax.random.key(0), generations=3)
    np.testing.assert_array_equal(result.metrics["queries"][0], 8 + np.arange(4) * (8 + 2 * 6 * 4))


def test_refined_wants_a_gradient():
    with pytest.raises(
        InputError, match=r"^strategy: refined expected an encoding with a gradient, got direct"
    ):
        refined(ENCODING._replace(differentiable=None))


def ranks(fitness, weights):
    class Params:
        pass

    Params.weights = jnp.asarray(weights)
    return np.asarray(_tie_safe_weights(None, jnp.asarray(fitness), None, Params))


def test_tied_children_share_their_weights():
    weights = np.asarray([0.6, 0.3, 0.1, 0.0])
    np.testing.assert_allclose(ranks([4.0, 1.0, 3.0, 2.0], weights), [0.0, 0.6, 0.1, 0.3])
    np.testing.assert_allclose(ranks([1.0, 1.0, 3.0, 2.0], weights), [0.45, 0.45, 0.0, 0.1])
    np.testing.assert_allclose(ranks([1.0] * 4, weights), [0.25] * 4)


def test_centred_ranks_are_half_apart_and_zero_when_all_are_tied():
    centred = _centred_ranks(None, jnp.asarray([3.0, 1.0, 2.0]), None, None)
    np.testing.assert_allclose(centred, [0.5, -0.5, 0.0])
    np.testing.assert_allclose(_centred_ranks(None, jnp.ones(5), None, None), 0.0)


@pytest.mark.parametrize("bounds", ["clip", "squash"])
def test_evosax_improves_and_keeps_within_bounds(bounds):
    strategy = STRATEGIES["evosax.Sep_CMA_ES"].build(ENCODING, batch_size=16, bounds=bounds)
    result = search(target(), ENCODING, strategy, key=jax.random.key(1), generations=60)
    assert np.min(result.log_odds) > np.max(result.metrics["min_log_odds"][0, 0]) + 3.0
    genes = np.asarray(result.archive.genomes)
    assert genes.min() >= 0.0
    assert genes.max() <= 1.0


def test_an_emitter_that_breaks_down_begins_anew_at_an_elite():
    """An emitter that says after its second generation that it is not well."""
    healthy = evosax_emitter(ENCODING, "SNES", population=4)

    def tell(key, pending, fitness):
        state, _ = healthy.tell(key, pending, fitness)
        return state, state.inner.generation_counter < 2

    strategy = emitters(ENCODING, healthy._replace(tell=tell), batch_size=8)
    result = search(target(), ENCODING, strategy, key=jax.random.key(1), generations=9)
    np.testing.assert_array_equal(
        result.metrics[f"{strategy.name}/restarts"][0, 1:], [0, 0, 2, 0, 2, 0, 2, 0, 2]
    )


def test_the_scheduler_serves_open_classes():
    """With all classes but one beyond the goal, both emitters move to that one."""
    strategy = compiled(
        emitters(ENCODING, evosax_emitter(ENCODING, "SNES", population=4), batch_size=8, turn=1, patience=100)
    )
    genomes, fitness, archive = first()
    fitness = jnp.broadcast_to(jnp.where(jnp.arange(4) == 2, -5.0, 30.0), fitness.shape)
    archive = archive.replace(fitness=fitness[0])
    state = strategy.init(jax.random.key(0), genomes, fitness)
    for number in range(3):
        offspring, asked = strategy.ask(jax.random.key(number), state, archive, PROBLEM)
        state, metrics = strategy.tell(
            jax.random.key(number), asked, offspring, outcome(jnp.full((8, 4), -6.0))
        )
    np.testing.assert_array_equal(state.cells, [2, 2])
    assert int(metrics["classes_served"]) == 1
    np.testing.assert_array_equal(offspring.parents[:, 0], np.repeat(archive.ids[2], 8))


@pytest.mark.parametrize(
    ("name", "encoding", "changes", "message"),
    [
        ("evosax.SNES", cppn((6, 6, 1)), {}, r"^strategy: evosax.SNES searches bounded vectors, which cppn"),
        ("evosax.LES", ENCODING, {}, r"^allow_pickle: expected true"),
        ("evosax.SNES", ENCODING, {"population": 5}, r"^population: expected an even number"),
        ("evosax.SNES", ENCODING, {"step": 0.0}, r"^step: expected a number in \(0, 1\], got 0"),
        ("evosax.SNES", ENCODING, {"bounds": "wrap"}, r"^bounds: expected one of clip, squash, got wrap"),
        ("evosax.SNES", ENCODING, {"learning_rate": 0.1}, r"^learning_rate: expected none"),
        ("evosax.Open_ES", ENCODING, {"learning_rate": -1.0}, r"^learning_rate: expected a positive number"),
        (
            "evosax.SNES",
            ENCODING,
            {"scheduler": "luck"},
            r"^scheduler: expected one of gain, equal, got luck",
        ),
        ("focused", ENCODING, {"focus": 1.5}, r"^focus: expected a number in \[0, 1\], got 1.5"),
        ("focused", ENCODING, {"goal": 1.0}, r"^goal: expected a confidence inside \(0, 1\), got 1"),
        ("rank_ea", ENCODING, {"pressure": 3.0}, r"^pressure: expected a number in \[1, 2\], got 3"),
        ("refined", ENCODING, {"steps": 0}, r"^steps: expected 1 or more, got 0"),
    ],
)
def test_wrong_settings_are_refused(name, encoding, changes, message):
    with pytest.raises(InputError, match=message):
        STRATEGIES[name].build(encoding, batch_size=8, **changes)


def test_a_dense_algorithm_on_many_genes_is_called_slow(caplog):
    from fooljax.encodings import direct

    evosax_emitter(direct((28, 28, 1)), "CMA_ES", population=4)
    assert "784 x 784 matrices" in caplog.text
    assert "Sep_CMA_ES" in caplog.text


def test_settings_are_read_from_text():
    strategy = strategies.build(
        "evosax.SNES", ENCODING, 8, {"population": "4", "step": "0.1", "bounds": "squash"}
    )
    assert strategy.batch_size == 8
    assert strategies.build("evosax.LES", ENCODING, 8, {"allow_pickle": "true"}).name == "evosax.LES"
    for given, message in (
        ({"wings": "2"}, r"^set: focused knows focus, goal; got wings"),
        ({"focus": "half"}, r"^set: expected focus to be a number, got half"),
    ):
        with pytest.raises(InputError, match=message):
            strategies.build("focused", ENCODING, 8, given)
    with pytest.raises(
        InputError, match=r"^strategy: expected one of map_elites, .*MODULE:BUILDER, got luck"
    ):
        strategies.build("luck", ENCODING, 8, {})


def test_every_algorithm_of_evosax_is_in_the_table():
    from evosax.algorithms import algorithms

    assert set(ALGORITHMS) == set(algorithms)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_200_generations_on_mnist(name):
    """Every algorithm on MNIST's pixels: no NaN, and better than its beginning."""
    from fooljax import data as datasets
    from fooljax.encodings import direct
    from fooljax.targets import lenet

    lenet_target, _ = lenet(datasets.load("embedded"))
    encoding = direct((28, 28, 1))
    strategy = STRATEGIES[f"evosax.{name}"].build(encoding, batch_size=8, **settings(f"evosax.{name}"))
    result = search(lenet_target, encoding, strategy, key=jax.random.key(0), generations=200)
    assert np.all(np.isfinite(result.log_odds))
    assert np.all(np.isfinite(result.archive.genomes))
    assert np.median(result.log_odds) > result.metrics["median_log_odds"][0, 0]
