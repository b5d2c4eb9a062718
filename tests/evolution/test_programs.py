"""Programs are compiled once, and hold neither constants nor scatters."""

import logging

import jax
import jax.numpy as jnp
from searches import KEY
from toys import ENCODING, STRATEGY, logits, target

from fooljax.encodings import direct
from fooljax.engine.compiled import _compile, compile_advance, compile_start
from fooljax.engine.loop import Search, advance
from fooljax.engine.types import Problem, Target
from fooljax.evolution import search
from fooljax.strategies import map_elites


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


def test_a_search_compiles_little(caplog):
    """Two programs of its own, the second prepared while the first is compiled, and few small ones before."""
    known = _compile.cache_info().misses
    encoding = direct((5, 7, 1))  # no other test has met it

    def apply(params, images):
        return images.reshape(images.shape[0], -1) @ params

    network = Target(jnp.ones((35, 3)) * jnp.asarray([[0.1, 0.2, 0.3]]), apply)
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        search(network, encoding, map_elites(encoding, batch_size=4), key=0, generations=30)
    compiled = [each.message.split()[1] for each in caplog.records if each.message.startswith("Compiling")]
    assert {"jit(start_runs)", "jit(_advance_runs)"} <= set(compiled)
    assert _compile.cache_info().misses == known + 2
    assert len(compiled) <= 12, compiled


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
