"""Objectives: what is maximised is a value of the search."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import ENCODING, STRATEGY, logits, target

import fooljax
from fooljax.engine import compiled
from fooljax.engine.log_odds import FOOLED, log_odds
from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.objectives import FOOL_ALL, FOOL_FIRST_ONLY, FOOL_ON_AVERAGE, fool_and_pass
from fooljax.scoring import score
from fooljax.strategies import focused, refined

BOTH = fooljax.joint_target(target(0), target(1))
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 6, 6, 1), dtype=np.uint8)


def run(fooled=BOTH, objective=FOOL_FIRST_ONLY, **changes):
    settings = {"key": 5, "generations": 20, "runs": 1, **changes}
    strategy = settings.pop("strategy", focused(ENCODING, batch_size=16))
    return search(fooled, ENCODING, strategy, objective=objective, **settings)


def test_images_fool_one_network_and_not_the_other():
    found = run(generations=600, until=0.99)
    images = found.images()[0]
    first, second = score(target(0), images), score(target(1), images)
    assert np.all(np.argmax(first, axis=1) == range(4))
    assert np.all(np.argmax(second, axis=1) != range(4))
    expected = np.minimum(np.diagonal(first), -np.diagonal(second))
    np.testing.assert_allclose(found.log_odds[0], expected, atol=1e-4)
    np.testing.assert_allclose(
        np.diagonal(score(BOTH, images, objective=FOOL_FIRST_ONLY)), found.log_odds[0], atol=1e-4
    )


def test_images_fool_both_networks():
    found = run(objective=FOOL_ALL, generations=600, until=0.9)
    for seed in (0, 1):
        odds = score(target(seed), found.images()[0])
        assert np.all(np.argmax(odds, axis=1) == range(4))
        assert np.all(np.diagonal(odds) >= found.log_odds[0] - 1e-4)


def test_the_mean_of_the_log_odds_is_that_of_each_network():
    expected = (score(target(0), PIXELS) + score(target(1), PIXELS)) / 2.0
    np.testing.assert_allclose(score(BOTH, PIXELS, objective=FOOL_ON_AVERAGE), expected, rtol=1e-5)


def test_a_detector_has_a_veto():
    def detector(params, images):  # of dark images it says that they are as they should be
        brightness = jnp.mean(images, axis=(1, 2, 3))
        return jnp.stack([10.0 * (brightness - 0.4), jnp.zeros_like(brightness)], axis=1)

    both = fooljax.joint_target(target(), fooljax.as_target(detector, ()))
    found = run(both, fool_and_pass(1), generations=300)
    free = search(target(), ENCODING, focused(ENCODING, batch_size=16), key=5, generations=300)
    images = found.images()[0]
    assert np.all(score(target(), images).argmax(axis=1) == range(4))
    assert np.all(images.mean(axis=(1, 2, 3)) < 0.4 * 255)
    assert np.any(free.images()[0].mean(axis=(1, 2, 3)) > 0.4 * 255)


def pairs(logits):
    """Two cells: the first two classes against the last two, and the reverse."""
    odds = logits[:, :2].max(axis=1) - logits[:, 2:].max(axis=1)
    return jnp.stack([odds, -odds], axis=1)


PAIRS = Objective("pairs", pairs)


def test_there_are_as_many_cells_as_the_objective_has_columns():
    found = run(target(), PAIRS)
    assert found.cells == (0, 1)
    scored = score(target(), found.images()[0], objective=PAIRS)
    np.testing.assert_allclose(np.diagonal(scored), found.log_odds[0], atol=1e-4)
    some = run(target(), PAIRS, cells=[1])
    scored = score(target(), some.images()[0], objective=PAIRS)
    np.testing.assert_allclose(scored[0, 1], some.log_odds[0, 0], atol=1e-4)
    with pytest.raises(InputError, match=r"^cells: expected different class indices in \[0, 1\], got \[2\]"):
        run(target(), PAIRS, cells=[2])


MARGIN = Objective("margin", lambda logits: logits - jnp.mean(logits, axis=1, keepdims=True))


def test_levels_of_confidence_mean_nothing_where_values_are_no_log_odds():
    found = run(target(), MARGIN, generations=200)
    assert not np.any(np.isfinite(found.first.fitness))
    assert "median_fitness" in found.metrics
    assert not {"median_confidence", "median_log_odds", "share_9999"} & set(found.metrics)
    assert np.any(found.log_odds > FOOLED + 0.1)
    with pytest.raises(InputError, match=r"^until: expected none, since the objective margin gives no log"):
        run(target(), MARGIN, until=0.9)


def test_an_objective_belongs_to_what_is_resumed(tmp_path):
    whole = run()
    run(checkpoints=tmp_path, generations=10)
    rest = run(checkpoints=tmp_path, resume=True)
    np.testing.assert_array_equal(whole.archive.genomes, rest.archive.genomes)
    with pytest.raises(InputError, match="expected a checkpoint with objective fool_all, found fool_first"):
        run(objective=FOOL_ALL, checkpoints=tmp_path, resume=True)
    same_name = Objective(FOOL_FIRST_ONLY.name, lambda both: 2.0 * FOOL_FIRST_ONLY.fitness(both), True)
    with pytest.raises(InputError, match="the program of a generation is not the one"):
        run(objective=same_name, checkpoints=tmp_path, resume=True)


def test_equal_objectives_share_programs():
    assert fool_and_pass(1) is fool_and_pass(1)
    assert fool_and_pass(1) != fool_and_pass(2)
    run(BOTH, fool_and_pass(1), strategy=STRATEGY)
    before = compiled._compile.cache_info().misses
    again = fooljax.joint_target(target(2), target(3))
    assert again.apply == BOTH.apply
    run(again, fool_and_pass(1), strategy=STRATEGY)
    assert compiled._compile.cache_info().misses == before


def test_gradients_follow_the_objective():
    strategy = refined(ENCODING, batch_size=4, share=1.0, steps=10, learning_rate=0.05)
    problem = fooljax.Problem(BOTH.params, (), BOTH.apply, tuple(range(4)), FOOL_FIRST_ONLY)
    plan = fooljax.Search(ENCODING, strategy)
    key = jax.random.key(0)
    genomes = fooljax.first_genomes(ENCODING, key, 20)
    evaluate = jax.jit(functools.partial(fooljax.evaluate, ENCODING))
    start, ask = (jax.jit(functools.partial(step, plan)) for step in (fooljax.start, fooljax.ask))
    state, _, _ = start(problem, key, genomes, evaluate(problem, genomes))
    offspring, _ = ask(problem, state)
    fitness = evaluate(problem, offspring.genomes)
    owned = np.asarray(state.archive.ids)[None] == np.asarray(offspring.parents)
    gains = np.max(np.where(owned, np.asarray(fitness - state.archive.fitness[None]), -np.inf), axis=1)
    assert np.all(gains > 0.5)


def test_the_default_is_log_odds():
    np.testing.assert_array_equal(score(target(), PIXELS), score(target(), PIXELS, objective=LOG_ODDS))
    assert log_odds is LOG_ODDS.fitness


@pytest.mark.parametrize(
    ("fooled", "objective", "message"),
    [
        (target(), FOOL_ALL, "^objective: expected the logits of several networks"),
        (BOTH, LOG_ODDS, "^objective: log_odds is of one network, and the target has 2; choose one of"),
        (
            fooljax.joint_target(target(), lambda images: images[:, 0, :3, 0]),
            FOOL_ALL,
            r"^objective: expected networks with the same classes, got \[4, 3\] classes",
        ),
        (BOTH, fool_and_pass(4), "^accepted: expected a class below 4, got 4"),
        (target(), fool_and_pass(0), "^objective: expected the logits of a network and of a detector"),
        (
            target(),
            Objective("sum", jnp.sum),
            r"^objective: expected sum to give values \[2, N\] of 2",
        ),
        (
            target(),
            Objective("bad", lambda logits: logits @ logits),
            "^objective: bad failed on the",
        ),
        (
            target(),
            Objective("half", lambda x: x.astype(jnp.bfloat16)),
            "^objective: expected half to ",
        ),
        (target(), logits, r"^objective: expected a fooljax.Objective, as .*\), got a function$"),
    ],
)
def test_what_does_not_go_together_is_one_line(fooled, objective, message):
    with pytest.raises(InputError, match=message) as caught:
        run(fooled, objective)
    assert "\n" not in str(caught.value)


def test_joint_targets_want_networks_for_the_same_images():
    with pytest.raises(InputError, match=r"^targets: expected two or more, got 1"):
        fooljax.joint_target(target())
    small = fooljax.as_target(logits, (), image_shape=(6, 6, 1), class_names=("a", "b"))
    large = fooljax.as_target(logits, (), image_shape=(7, 6, 1))
    with pytest.raises(InputError, match=r"^targets: .* images of one shape, got \(6, 6, 1\) and \(7"):
        fooljax.joint_target(small, large)
    assert fooljax.joint_target(small, target()).class_names == ("a", "b")
