"""The same key gives the same archive, bit for bit: in any chunks, beside other runs, stopped and resumed."""

import jax
import numpy as np
import pytest
from searches import CHECKED, assert_same, given_genomes, run
from toys import ENCODING

from fooljax.engine.log_odds import to_log_odds
from fooljax.errors import InputError
from fooljax.evolution import CHUNK
from fooljax.storage.checkpoints import Checkpoints
from fooljax.strategies import STRATEGIES

QUICK = ("map_elites", "focused")
"""Strategies that fast tests resume with programs as users compile them; slow tests do so with all."""


@pytest.mark.optimised
@pytest.mark.parametrize("chunk", [CHUNK, 7, pytest.param(100, marks=pytest.mark.slow)])
def test_same_key_same_archive_under_any_chunking(whole, chunk):
    assert_same(whole, run(chunk=chunk))


@pytest.mark.optimised
def test_another_key_gives_another_archive(whole):
    other = run(key=jax.random.key(8))
    assert not np.array_equal(whole.log_odds, other.log_odds)


@pytest.mark.optimised
def test_a_run_among_others_equals_the_run_alone(whole):
    alone = run(runs=1)
    np.testing.assert_array_equal(whole.log_odds[:1], alone.log_odds)
    np.testing.assert_array_equal(whole.archive.genomes[:1], alone.archive.genomes)
    assert not np.array_equal(whole.log_odds[0], whole.log_odds[1])


def check_resuming(folder, name):
    strategy = STRATEGIES[name].build(ENCODING, batch_size=16)
    whole = run(strategy=strategy)
    calls = []

    def stop():
        calls.append(None)
        return len(calls) > 1

    part = run(strategy=strategy, checkpoints=folder, stop=stop)
    assert not part.completed
    assert part.generations == 10
    rest = run(strategy=strategy, checkpoints=folder, resume=True)
    assert rest.completed
    assert_same(whole, rest)
    again = run(strategy=strategy, checkpoints=folder, resume=True)
    assert_same(whole, again)


@pytest.mark.optimised
@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CHECKED],
)
def test_resuming_ends_bit_identical(tmp_path, name):
    check_resuming(tmp_path, name)


@pytest.mark.parametrize("name", [name for name in CHECKED if name not in QUICK])
def test_resuming_ends_bit_identical_with_programs_that_are_compiled_quickly(tmp_path, name):
    check_resuming(tmp_path, name)


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


@pytest.mark.optimised
def test_until_ends_where_chunking_does_not_matter():
    first = run(generations=2000, until=0.99)
    second = run(generations=2000, until=0.99, chunk=4)
    assert first.generations < 2000
    assert first.generations % 10 == 0
    assert np.all(first.log_odds >= to_log_odds(0.99))
    assert np.any(first.metrics["min_log_odds"][:, -11] < to_log_odds(0.99))
    assert_same(first, second)


def test_resuming_wants_the_same_given_genomes_or_none(tmp_path):
    changes = {"init_genomes": given_genomes(5), "checkpoints": tmp_path}
    whole = run(init_genomes=given_genomes(5))
    run(**changes, generations=10)
    run(**changes, generations=20, resume=True)
    assert_same(whole, run(checkpoints=tmp_path, resume=True))
    with pytest.raises(InputError, match=r"expected a checkpoint with init_genomes [0-9a-f]{64}, found"):
        run(**{**changes, "init_genomes": given_genomes(5, seed=4)}, resume=True)
