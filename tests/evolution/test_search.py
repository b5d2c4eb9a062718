"""What a search returns: archives, images, metrics, replacements, the first fooled elites."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from searches import assert_same, given_genomes, numpy_log_odds, run
from toys import ENCODING, STRATEGY, logits, target

from fooljax.engine.log_odds import FOOLED, log_odds, to_log_odds
from fooljax.engine.types import Offspring
from fooljax.strategies import focused, random_search


def test_metrics_tell_the_archive(whole):
    metrics = whole.metrics
    assert metrics["generation"].shape == (2, 31)
    np.testing.assert_array_equal(metrics["generation"][1], np.arange(31))
    np.testing.assert_array_equal(metrics["queries"][0], 16 * (1 + np.arange(31)))
    odds = np.asarray(whole.log_odds, np.float64)
    np.testing.assert_allclose(metrics["median_log_odds"][:, -1], np.median(odds, axis=1), rtol=1e-6)
    np.testing.assert_allclose(metrics["mean_log_odds"][:, -1], odds.mean(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(metrics["min_log_odds"][:, -1], whole.log_odds.min(axis=1))
    for name, confidence in (("share_90", 0.9), ("share_99", 0.99), ("share_9999", 0.9999)):
        shares = np.mean(odds >= to_log_odds(confidence), axis=1)
        np.testing.assert_allclose(metrics[name][:, -1], shares, rtol=1e-6)
    np.testing.assert_array_equal(metrics["max_log_odds"][:, -1], whole.log_odds.max(axis=1))
    np.testing.assert_allclose(
        metrics["median_confidence"][:, -1], np.median(1 / (1 + np.exp(-odds)), axis=1), rtol=1e-5
    )
    assert np.all(np.diff(metrics["min_log_odds"]) >= 0)
    assert np.all(metrics["min_log_odds"][:, -1] > metrics["min_log_odds"][:, 0] + 1)


@pytest.mark.optimised
def test_elites_are_what_their_images_score(whole):
    images = whole.images()
    assert images.shape == (2, 4, 6, 6, 1)
    scored = log_odds(logits(target().params, jnp.asarray(images.reshape(8, 6, 6, 1) / np.float32(255))))
    found = np.asarray(scored).reshape(2, 4, 4)[:, range(4), range(4)]
    np.testing.assert_allclose(found, whole.log_odds, atol=1e-4)


def test_evolution_beats_random_search_at_equal_budget():
    evolved = run(generations=150)
    control = run(generations=150, strategy=random_search(ENCODING, batch_size=16))
    np.testing.assert_array_equal(control.metrics["queries"], evolved.metrics["queries"])
    assert np.all(evolved.log_odds > control.log_odds + 1.0)


def test_the_first_elites_that_were_fooled_are_kept(tmp_path):
    rows = []
    settings = {"generations": 1500, "strategy": focused(ENCODING, batch_size=16)}
    found = run(**settings, on_replacements=rows.append)
    odds, born = {}, {}
    fooled = np.isfinite(found.first.fitness)
    assert fooled.sum() >= 4
    assert np.all(found.first.fitness[fooled] >= FOOLED)
    assert np.any(found.archive.fitness[fooled] > found.first.fitness[fooled])
    for part in rows:
        scored = numpy_log_odds(np.floor(part.genomes * np.float32(255)) / np.float32(255))
        for i, (r, cell) in enumerate(zip(part.run, part.cell, strict=True)):
            if scored[i, cell] >= FOOLED and (r, cell) not in odds:
                odds[r, cell], born[r, cell] = scored[i, cell], (part.id[i], part.generation[i])
    assert set(odds) == set(zip(*np.nonzero(fooled), strict=True))
    for place, (number, generation) in born.items():
        np.testing.assert_allclose(found.first.fitness[place], odds[place], atol=1e-3)
        assert (found.first.ids[place], found.first.births[place]) == (number, generation)
    scored = numpy_log_odds(found.first_images().reshape(8, 36) / np.float32(255)).reshape(2, 4, 4)
    own = np.diagonal(scored, axis1=1, axis2=2)
    np.testing.assert_allclose(own[fooled], found.first.fitness[fooled], atol=1e-3)
    run(**{**settings, "generations": 200}, checkpoints=tmp_path)
    again = run(**settings, checkpoints=tmp_path, resume=True)
    for a, b in zip(jax.tree.leaves(found.first), jax.tree.leaves(again.first), strict=True):
        np.testing.assert_array_equal(a, b)


def test_given_genomes_are_evaluated_first_and_in_every_run():
    genomes = given_genomes(5)
    found = run(init_genomes=genomes, generations=0)
    odds = log_odds(target().apply(target().params, jax.vmap(lambda g: ENCODING.render(g, ()))(genomes)))
    for archive_odds, archive_genomes in zip(found.log_odds, found.archive.genomes, strict=True):
        np.testing.assert_allclose(archive_odds, np.max(odds, axis=0), atol=1e-5)
        np.testing.assert_array_equal(archive_genomes, np.asarray(genomes)[np.argmax(odds, axis=0)])
    np.testing.assert_array_equal(found.metrics["queries"], [[5], [5]])
    assert np.all(np.isin(found.archive.ids, range(5)))


def test_a_search_goes_on_from_the_elites_of_another(whole, tmp_path):
    genomes = np.asarray(whole.archive.genomes).reshape(8, -1)
    further = run(init_genomes=genomes, key=jax.random.key(9), checkpoints=tmp_path)
    np.testing.assert_allclose(
        further.metrics["min_log_odds"][:, 0], np.min(whole.log_odds.max(0)), atol=1e-5
    )
    assert np.all(further.log_odds > whole.log_odds.max(0) - 1e-5)
    assert np.sum(further.log_odds > whole.log_odds.max(0) + 0.1) >= 4
    assert not np.array_equal(further.log_odds[0], further.log_odds[1])
    assert further.metrics["queries"][0, -1] == 8 + 30 * STRATEGY.batch_size


def test_cells_are_class_indices(whole):
    some = run(cells=[3, 1])
    assert some.log_odds.shape == (2, 2)
    images = jnp.asarray(some.images()[0] / np.float32(255))
    scored = np.asarray(log_odds(logits(target().params, images)))
    np.testing.assert_allclose([scored[0, 3], scored[1, 1]], some.log_odds[0], atol=1e-4)


@pytest.mark.optimised
def test_replacements_retell_the_archive(whole):
    rows = []
    found = run(on_replacements=rows.append)
    assert_same(whole, found)
    held = {}
    for part in rows:
        for i in range(len(part.run)):
            held[int(part.run[i]), int(part.cell[i])] = part, i
    assert sum(len(part.run) for part in rows) == int(whole.metrics["replacements"].sum())
    for (r, c), (part, i) in held.items():
        assert part.id[i] == whole.archive.ids[r, c]
        assert part.generation[i] == whole.archive.births[r, c]
        np.testing.assert_array_equal(part.parents[i], whole.archive.parents[r, c])
        np.testing.assert_array_equal(part.genomes[i], whole.archive.genomes[r, c])
    known = {(int(r), int(n)) for part in rows for r, n in zip(part.run, part.id, strict=True)}
    for part in rows:
        for r, parents in zip(part.run, part.parents, strict=True):
            assert all(parent == -1 or (int(r), int(parent)) in known for parent in parents)


def test_recording_is_bounded(monkeypatch):
    monkeypatch.setattr("fooljax.evolution.arguments.RECORD_ROWS", 2 * 4 * 3)
    lengths = []
    run(
        on_replacements=lambda rows: None, on_chunk=lambda p: lengths.append(p.metrics["generation"].shape[1])
    )
    assert max(lengths) == 3


def test_extra_passes_are_counted_before_the_children():
    def ask(key, state, archive, problem):
        offspring, state = STRATEGY.ask(key, state, archive, problem)
        return Offspring(offspring.genomes, offspring.parents, jnp.int32(5)), state

    found = run(strategy=STRATEGY._replace(ask=ask), generations=3)
    np.testing.assert_array_equal(found.metrics["queries"][0], [16, 37, 58, 79])
    assert set(found.archive.ids.ravel()) <= {*range(16), *range(21, 37), *range(42, 58), *range(63, 79)}


def test_a_strategys_metrics_are_kept_and_blank_at_first():
    def tell(key, state, offspring, outcome):
        return state + 1, {"best": jnp.max(outcome.fitness)}

    found = run(strategy=STRATEGY._replace(tell=tell), generations=4)
    best = found.metrics["map_elites/best"]
    assert best.shape == (2, 5)
    assert np.isnan(best[:, 0]).all()
    assert np.isfinite(best[:, 1:]).all()
