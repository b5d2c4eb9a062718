"""The engine: determinism, chunking, resuming, counting, and what it refuses."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import ENCODING, STRATEGY, logits, target

from fooljax.encodings import direct, fixed_cppn
from fooljax.engine.compiled import _compile, compile_advance, compile_start
from fooljax.engine.log_odds import FOOLED, log_odds, to_log_odds
from fooljax.engine.loop import Search, advance
from fooljax.engine.types import Offspring, Problem
from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.storage.checkpoints import Checkpoints
from fooljax.storage.trees import load_arrays, save_tree
from fooljax.strategies import STRATEGIES, focused, map_elites, random_search

KEY = jax.random.key(7)
CHECKED = [*[name for name in STRATEGIES if not name.startswith("evosax.")], "evosax.Sep_CMA_ES"]


def run(**changes):
    settings = {"key": KEY, "generations": 30, "runs": 2, **changes}
    return search(
        target(),
        ENCODING,
        changes.pop("strategy", STRATEGY),
        **{k: v for k, v in settings.items() if k != "strategy"},
    )


def assert_same(first, second):
    for a, b in zip(jax.tree.leaves(first.archive), jax.tree.leaves(second.archive), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.metrics.keys() == second.metrics.keys()
    for name in first.metrics:
        np.testing.assert_array_equal(first.metrics[name], second.metrics[name])


@pytest.fixture(scope="module")
def whole():
    return run()


@pytest.mark.optimised
def test_same_key_same_archive_under_any_chunking(whole):
    assert_same(whole, run())
    assert_same(whole, run(chunk=7))
    assert_same(whole, run(chunk=100))
    other = run(key=jax.random.key(8))
    assert not np.array_equal(whole.log_odds, other.log_odds)


@pytest.mark.optimised
def test_a_run_among_others_equals_the_run_alone(whole):
    alone = run(runs=1)
    np.testing.assert_array_equal(whole.log_odds[:1], alone.log_odds)
    np.testing.assert_array_equal(whole.archive.genomes[:1], alone.archive.genomes)
    assert not np.array_equal(whole.log_odds[0], whole.log_odds[1])


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


@pytest.mark.optimised
@pytest.mark.parametrize("name", CHECKED)
def test_resuming_ends_bit_identical(tmp_path, name):
    strategy = STRATEGIES[name].build(ENCODING, batch_size=16)
    whole = run(strategy=strategy)
    calls = []

    def stop():
        calls.append(None)
        return len(calls) > 1

    part = run(strategy=strategy, checkpoints=tmp_path, stop=stop)
    assert not part.completed
    assert part.generations == 10
    rest = run(strategy=strategy, checkpoints=tmp_path, resume=True)
    assert rest.completed
    assert_same(whole, rest)
    again = run(strategy=strategy, checkpoints=tmp_path, resume=True)
    assert_same(whole, again)


@pytest.mark.optimised
def test_a_resumed_run_can_be_extended(tmp_path, whole):
    run(checkpoints=tmp_path, generations=13)
    assert_same(whole, run(checkpoints=tmp_path, resume=True))


def test_a_damaged_newest_checkpoint_falls_back_to_the_older(tmp_path, whole, caplog):
    run(checkpoints=tmp_path, checkpoint_seconds=0.0, generations=20)
    newest, _ = Checkpoints(tmp_path).paths()
    newest.write_bytes(newest.read_bytes()[:-200])
    assert_same(whole, run(checkpoints=tmp_path, resume=True))
    assert "falling back to an older checkpoint" in caplog.text
    assert newest.name in caplog.text


def test_a_checkpoint_of_another_search_is_refused(tmp_path):
    run(checkpoints=tmp_path, generations=10)
    with pytest.raises(InputError, match=r"generation-000000010.npz: expected a checkpoint with key"):
        run(checkpoints=tmp_path, resume=True, key=jax.random.key(1))
    with pytest.raises(InputError, match=r"expected a checkpoint with cells \[1, 2\], found \[0, 1, 2, 3\]"):
        run(checkpoints=tmp_path, resume=True, cells=[1, 2])


CHANGED_PROGRAM = "the program of a generation is not the one"
OTHERS = {
    "another network": ({"target": target(1)}, "the target's parameters are not"),
    "the same parameters in another network": (
        {"target": target().replace(apply=lambda params, images: logits(params, 0.5 * images))},
        CHANGED_PROGRAM,
    ),
    "another rate of mutation": ({"encoding": direct((6, 6, 1), mutation_rate=0.2)}, CHANGED_PROGRAM),
    "another schedule": ({"encoding": direct((6, 6, 1), halving_generations=10)}, CHANGED_PROGRAM),
    "a strategy of the same name": (
        {"strategy": STRATEGY._replace(ask=focused(ENCODING, batch_size=16).ask)},
        CHANGED_PROGRAM,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_network_or_other_settings_is_refused(tmp_path, name):
    changes, message = OTHERS[name]
    encoding = changes.get("encoding", ENCODING)
    settings = {"target": target(), "strategy": map_elites(encoding, batch_size=16), **changes}
    settings["encoding"] = encoding
    run(checkpoints=tmp_path, generations=10)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=message):
        search(**settings, key=KEY, runs=2, generations=20, checkpoints=tmp_path, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("coordinates", ["raw", "scaled"])
def test_coordinates_belong_to_what_is_resumed(tmp_path, coordinates):
    settings = {"target": target(), "key": KEY, "checkpoints": tmp_path, "strategy": "random_search"}
    search(encoding=fixed_cppn((6, 6, 1), coordinates="raw"), generations=1, **settings)
    encoding = fixed_cppn((6, 6, 1), coordinates=coordinates)
    if coordinates == "raw":
        assert search(encoding=encoding, generations=2, resume=True, **settings).generations == 2
    else:
        with pytest.raises(InputError, match="the encoding's coordinates are not"):
            search(encoding=encoding, generations=2, resume=True, **settings)


def rewritten(path, change):
    arrays, kinds, facts = load_arrays(path)
    tree = {name: array for name, array in arrays.items() if change(name, facts)}
    for name in tree:
        if kinds[name].startswith("key"):
            tree[name] = jax.random.wrap_key_data(tree[name])
    save_tree(path, tree, facts)


def test_what_decides_random_bits_belongs_to_what_is_resumed(tmp_path):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()

    def made_by_another_release(name, facts):
        facts["jax"] = "0.1.2"
        return True

    rewritten(path, made_by_another_release)
    with pytest.raises(InputError, match=r"expected a checkpoint with jax [0-9.]+, found 0.1.2"):
        run(checkpoints=tmp_path, resume=True)


def test_how_many_images_a_search_began_with_belongs_to_what_is_resumed(tmp_path):
    run(checkpoints=tmp_path / "few", init_size=5, generations=10)
    with pytest.raises(InputError, match="expected a checkpoint with init_size 16, found 5"):
        run(checkpoints=tmp_path / "few", resume=True)
    run(checkpoints=tmp_path / "plain", generations=10)
    with pytest.raises(InputError, match="expected a checkpoint with init_size 5, found 16"):
        run(checkpoints=tmp_path / "plain", resume=True, init_size=5)
    with pytest.raises(InputError, match="expected a checkpoint with init_"):
        run(checkpoints=tmp_path / "plain", resume=True, init_genomes=given_genomes(5))


def test_a_folder_of_another_search_is_not_written_into(tmp_path):
    run(checkpoints=tmp_path, generations=10)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="holds those of another search"):
        run(checkpoints=tmp_path, generations=5, key=jax.random.key(1))
    with pytest.raises(InputError, match=r"^generations: expected 10 or more, as many as are done, got 5"):
        run(checkpoints=tmp_path, generations=5, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_network_that_calls_python_cannot_be_compared_which_is_told(tmp_path, caplog):
    def calling(params, images):
        shape = jax.ShapeDtypeStruct(images.shape, jnp.float32)
        return logits(params, jax.pure_callback(lambda x: np.asarray(x), shape, images))

    settings = {"encoding": ENCODING, "target": target().replace(apply=calling), "strategy": STRATEGY}
    search(**settings, key=KEY, generations=1, checkpoints=tmp_path)
    assert "calls Python" not in caplog.text
    search(**settings, key=KEY, generations=2, checkpoints=tmp_path, resume=True)
    assert "calls Python, and what is called there cannot be compared" in caplog.text


def test_another_device_is_told(tmp_path, caplog, whole):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()

    def made_elsewhere(name, facts):
        facts["device"] = "abacus: wood"
        return True

    rewritten(path, made_elsewhere)
    assert_same(whole, run(checkpoints=tmp_path, resume=True))
    assert "begun with device abacus: wood, goes on with cpu" in caplog.text


def test_a_checkpoint_of_an_older_version_goes_on_and_says_what_it_lacks(tmp_path, caplog, whole):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()
    kept = ("key", "cells", "init_size", "encoding", "strategy", "batch_size", "seconds_search")

    def as_before(name, facts):
        for fact in set(facts) - {*kept, "seconds_compile"}:
            del facts[fact]
        return name != "metrics/nan" and not name.startswith("state/first/")

    rewritten(path, as_before)
    found = run(checkpoints=tmp_path, resume=True)
    assert_same(whole, found)
    assert "params_sha256" in caplog.text
    assert "program_sha256" in caplog.text


def numpy_log_odds(pixels):
    """`[n, 4]` of images `[n, 36]`, without compiling anything for each `n`."""
    params = jax.tree.map(np.asarray, target().params)
    found = np.tanh(pixels @ params["in"]) @ params["out"]
    others = np.where(np.eye(4, dtype=bool), -np.inf, found[:, None])
    return found - np.logaddexp.reduce(others, axis=-1)


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


def given_genomes(count, seed=3):
    return jax.vmap(ENCODING.init)(jax.random.split(jax.random.key(seed), count))


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


def test_resuming_wants_the_same_given_genomes_or_none(tmp_path):
    changes = {"init_genomes": given_genomes(5), "checkpoints": tmp_path}
    whole = run(init_genomes=given_genomes(5))
    run(**changes, generations=10)
    run(**changes, generations=20, resume=True)
    assert_same(whole, run(checkpoints=tmp_path, resume=True))
    with pytest.raises(InputError, match=r"expected a checkpoint with init_genomes [0-9a-f]{64}, found"):
        run(**{**changes, "init_genomes": given_genomes(5, seed=4)}, resume=True)


def test_cells_are_class_indices(whole):
    some = run(cells=[3, 1])
    assert some.log_odds.shape == (2, 2)
    images = jnp.asarray(some.images()[0] / np.float32(255))
    scored = np.asarray(log_odds(logits(target().params, images)))
    np.testing.assert_allclose([scored[0, 3], scored[1, 1]], some.log_odds[0], atol=1e-4)


@pytest.mark.optimised
def test_until_ends_where_chunking_does_not_matter():
    first = run(generations=2000, until=0.99)
    second = run(generations=2000, until=0.99, chunk=4)
    assert first.generations < 2000
    assert first.generations % 10 == 0
    assert np.all(first.log_odds >= to_log_odds(0.99))
    assert np.any(first.metrics["min_log_odds"][:, -11] < to_log_odds(0.99))
    assert_same(first, second)


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


def test_nan_never_enters(caplog):
    def sometimes_nan(params, images):
        found = logits(params, images)
        return jnp.where(images[:, 0, 0, :] > 0.55, jnp.nan, found)

    # No image of the first batch has a bright corner, later ones may.
    encoding = ENCODING._replace(init=lambda key: ENCODING.init(key) * 0.5)
    found = search(target().replace(apply=sometimes_nan), encoding, STRATEGY, key=KEY, generations=100)
    assert np.all(np.isfinite(found.log_odds))
    assert found.images()[..., 0, 0, 0].max() <= 0.55 * 255
    assert found.metrics["nan"][0, 0] == 0
    assert 0 < found.metrics["nan"][0, 1:].sum() < 100 * STRATEGY.batch_size
    assert f"logits were NaN for {found.metrics['nan'].sum()} images" in caplog.text


def test_some_nan_at_first_ends_nothing():
    def nan_for_bright_corners(params, images):
        return jnp.where(images[:, 0, 0, :] > 0.8, jnp.nan, logits(params, images))

    broken = target().replace(apply=nan_for_bright_corners)
    found = search(broken, ENCODING, STRATEGY, key=KEY, generations=5)
    assert 0 < found.metrics["nan"][0, 0] < STRATEGY.batch_size / 2
    assert np.all(np.isfinite(found.log_odds))


def test_nan_for_most_of_the_first_images_is_refused():
    def nan_for_most(params, images):
        return jnp.where(jnp.std(images, axis=(1, 2)) > 0.25, jnp.nan, logits(params, images))

    with pytest.raises(InputError, match=r"^target: its logits are NaN for \d+ of the first 32 images"):
        run_against(nan_for_most, check_target=False)


def run_against(apply, **settings):
    return search(
        target().replace(apply=apply), ENCODING, STRATEGY, key=KEY, generations=1, runs=2, **settings
    )


def test_a_target_is_probed_unless_that_is_switched_off():
    def by_batch(params, images):
        return logits(params, 5.0 * (images - jnp.mean(images, axis=0, keepdims=True)))

    with pytest.raises(InputError, match=r"^target: an image's log-odds for class \d are "):
        run_against(by_batch)
    assert run_against(by_batch, check_target=False).completed


def test_a_strategy_may_be_named_and_a_seed_given():
    named = search(target(), ENCODING, "map_elites", key=7, generations=1)
    built = search(target(), ENCODING, map_elites(ENCODING, batch_size=200), key=KEY, generations=1)
    assert_same(named, built)


def test_a_strategys_metrics_are_kept_and_blank_at_first():
    def tell(key, state, offspring, outcome):
        return state + 1, {"best": jnp.max(outcome.fitness)}

    found = run(strategy=STRATEGY._replace(tell=tell), generations=4)
    best = found.metrics["map_elites/best"]
    assert best.shape == (2, 5)
    assert np.isnan(best[:, 0]).all()
    assert np.isfinite(best[:, 1:]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generations": -1}, "^generations: expected a whole number, 0 or more, got -1"),
        ({"runs": 0}, "^runs: expected a whole number, 1 or more, got 0"),
        ({"init_size": 0}, "^init_size: expected a whole number, 1 or more"),
        ({"chunk": 0}, "^chunk: expected a whole number, 1 or more"),
        (
            {"init_genomes": np.zeros((3, 35), np.float32)},
            r"^init_genomes: expected float32\[N, 36\], got float32\[3, 35\]",
        ),
        (
            {"init_genomes": np.zeros((3, 36), np.int32)},
            r"^init_genomes: expected float32\[N, 36\], got int32",
        ),
        ({"init_genomes": np.zeros((0, 36), np.float32)}, r"^init_genomes: expected .* got float32\[0, 36\]"),
        ({"init_genomes": np.float32(1)}, r"^init_genomes: expected .* got float32\[\]"),
        ({"init_genomes": {"a": np.zeros((3, 36), np.float32)}}, "^init_genomes: expected PyTreeDef"),
        ({"init_genomes": np.zeros((3, 36), np.float32), "init_size": 3}, "^init_size: expected none where"),
        ({"until": "0.9"}, r"^until: expected a confidence inside \(0, 1\), got '0.9'"),
        ({"until": True}, r"^until: expected a confidence"),
        ({"checkpoint_seconds": None}, "^checkpoint_seconds: expected 0 or more, got None"),
        ({"checkpoints": 5}, "^checkpoints: expected a folder, got 5"),
        ({"checkpoints": ""}, "^checkpoints: expected a folder, got ''"),
        ({"checkpoints": "a\0b"}, "^checkpoints: expected a folder"),
        ({"resume": True}, "^checkpoints: expected a folder to resume from, got none"),
        ({"resume": "yes"}, "^resume: expected True or False, got 'yes'"),
        ({"on_chunk": 5}, "^on_chunk: expected a function, got 5"),
        ({"stop": 5}, "^stop: expected a function, got 5"),
        (
            {"strategy": map_elites(fixed_cppn((6, 6, 1)), batch_size=16)._replace(ask=lambda *_: 1 / 0)},
            "^strategy: map_elites and the encoding direct do not go together: ZeroDivisionError",
        ),
        ({"until": 1.0}, r"^until: expected a confidence inside \(0, 1\), got 1.0"),
        ({"cells": [0, 4]}, r"^cells: expected different class indices in \[0, 3\], got \[0, 4\]"),
        ({"cells": [1, 1]}, "^cells: expected different"),
        ({"cells": []}, "^cells: expected a list of class indices, got "),
        ({"cells": 3}, "^cells: expected a list of class indices, got 3"),
        ({"cells": [1.7]}, r"^cells: expected a list of class indices, got \[1.7\]"),
        ({"cells": [[0, 1]]}, "^cells: expected a list of class indices"),
        ({"generations": 2.5}, "^generations: expected a whole number, 0 or more, got 2.5"),
        ({"runs": True}, "^runs: expected a whole number"),
        ({"checkpoint_seconds": float("nan")}, "^checkpoint_seconds: expected 0 or more, got nan"),
        ({"strategy": "no_such"}, "^strategy: expected one of map_elites, "),
        ({"strategy": 3}, "^strategy: expected a Strategy or the name of one, got 3"),
        ({"generations": 2**30}, "^generations: expected at most"),
        ({"key": jax.random.PRNGKey(0)}, "^key: expected one typed PRNG key"),
        ({"key": jax.random.split(KEY)}, "^key: expected one typed PRNG key"),
        ({"key": -1}, "^key: expected a seed from 0 to"),
        ({"key": 0.5}, "^key: expected one typed PRNG key"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        run(**changes)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: x[:, 0, 0, 0], r"^target: expected logits \[2, C\] of 2 images, got \(2,\)"),
        (lambda x: x[:, :1, 0, 0], r"^target: expected logits \[2, C\]"),
        (
            lambda x: (x > 0).astype(jnp.int32)[:, :, 0, 0],
            "^target: expected floating-point logits, got int32",
        ),
        (lambda x: x @ jnp.ones((9, 9)), r"^target: refused images \[2, 6, 6, 1\]: "),
        (
            lambda x: x[:, :, 0, 0] * jnp.nan,
            "^target: its logits are NaN for 8 of 8 images that it was shown",
        ),
        (lambda x: "no", "^target: "),
    ],
)
def test_a_users_broken_model_is_told_in_a_line(model, message):
    with pytest.raises(InputError, match=message) as caught:
        search(model, ENCODING, STRATEGY, key=KEY, generations=1, runs=2)
    assert "\n" not in str(caught.value)


def test_one_compilation_serves_targets_of_the_same_shape():
    traced = []

    def spy(params, images):
        traced.append(images.shape)
        return logits(params, images)

    compiled = []
    for seed in (0, 1):
        search(target(seed).replace(apply=spy), ENCODING, STRATEGY, key=KEY, generations=20)
        compiled.append((_compile.cache_info().misses, len(traced)))
    (first, traced_first), (second, traced_second) = compiled
    assert first == second
    # Of the second target only shapes are asked.
    assert traced_second - traced_first < traced_first / 2


def test_the_program_has_no_scatter_no_constants_and_donates():
    problem = Problem(target().params, (), logits, (0, 1, 2, 3))
    plan = Search(ENCODING, STRATEGY)
    keys = jax.random.split(KEY, 3)
    state, _ = compile_start(plan, 16, problem, keys)(problem, keys)
    lowered = jax.jit(lambda p, s: jax.vmap(lambda run: advance(plan, p, run, 5))(s)).lower(problem, state)
    assert "scatter" not in lowered.as_text()
    weights = f"tensor<{'x'.join(map(str, problem.params['in'].shape))}xf32>"
    assert weights in lowered.as_text()
    assert not [line for line in lowered.as_text().splitlines() if "constant" in line and weights in line]
    program = compile_advance(plan, 5, problem, state)
    after, _ = program(problem, state)
    assert state.archive.genomes.is_deleted()
    assert int(after.generation[0]) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree, facts: tree["metrics"].update(generation=np.float32(7)), "expected metrics/generation"),
        (lambda tree, facts: tree["metrics"].update(queries=np.zeros((9, 9))), "expected metrics/queries"),
        (lambda tree, facts: tree["metrics"].pop("queries"), "expected metrics/queries, found no such entry"),
        (lambda tree, facts: facts.pop("seconds_search"), "expected the seconds spent"),
        (lambda tree, facts: facts.update(seconds_search="long"), "expected the seconds spent"),
        (
            lambda tree, facts: tree["state"]["archive"]["genomes"].__setitem__((0, 1), np.nan),
            "genome 1: expected finite numbers in",
        ),
        (lambda tree, facts: tree["state"].pop("queries"), "expected state/queries"),
    ],
)
def test_a_whole_checkpoint_that_is_none_of_a_search_is_one_line(tmp_path, change, message):
    run(checkpoints=tmp_path, generations=10)
    newest = Checkpoints(tmp_path).paths()[0]
    arrays, kinds, facts = load_arrays(newest)
    tree = {}
    for name, array in arrays.items():
        *path, last = name.split("/")
        branch = tree
        for part in path if path[0] == "state" else path[:1]:
            branch = branch.setdefault(part, {})
        if path[0] == "metrics":
            last = name.removeprefix("metrics/")
        branch[last] = jax.random.wrap_key_data(array) if kinds[name].startswith("key") else array
    change(tree, facts)
    save_tree(newest, tree, facts)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        run(checkpoints=tmp_path, resume=True)
    assert newest.name in str(caught.value)
    assert "\n" not in str(caught.value)
