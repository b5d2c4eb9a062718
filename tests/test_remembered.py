"""Equal settings give equal encodings and strategies, so that searches share their programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

import fooljax
from fooljax.encodings import cppn, direct, fixed_cppn
from fooljax.encodings.cppn.mutation import Rates
from fooljax.engine import compiled as programs
from fooljax.evolution import search
from fooljax.remembered import MOST, remembered
from fooljax.scoring import score
from fooljax.strategies import STRATEGIES, emitters, evosax_emitter
from fooljax.strategies.evosax_algorithms import ALGORITHMS
from fooljax.strategies.registry import build

VECTORS = fixed_cppn((6, 6, 1), hidden=(4,))


@pytest.fixture
def compiled():
    """Names of what JAX compiled while the test ran."""
    names = []

    def listen(event, duration, **facts):
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(facts.get("fun_name", event))

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize(
    ("builder", "settings", "others"),
    [
        (direct, {"eta": 15.0}, {"eta": 14.0}),
        (cppn, {"rates": Rates(), "functions": ("sine", "linear")}, {"max_nodes": 20}),
        (fixed_cppn, {"hidden": (4, 4)}, {"hidden": (4, 5)}),
    ],
)
def test_encodings_built_anew_are_equal(builder, settings, others):
    first, again = builder((6, 6, 1), **settings), builder(image_shape=(6, 6, 1), **settings)
    assert first == again
    assert hash(first) == hash(again)
    assert first != builder((6, 6, 1), **others)
    # Numbers as a file or a command line gives them.
    assert builder([6, 6, 1], **settings) == first


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_built_anew_are_equal(name):
    algorithm = ALGORITHMS.get(name.removeprefix("evosax."))
    settings = {"allow_pickle": "true"} if algorithm and algorithm.pickled else {}
    first = build(name, VECTORS, 20, settings)
    again = build(name, fixed_cppn((6, 6, 1), hidden=(4,)), 20, dict(settings))
    assert first == again
    assert hash(first) == hash(again)
    assert first != build(name, VECTORS, 40, settings)


def test_emitters_built_anew_are_equal():
    first, again = (
        emitters(VECTORS, evosax_emitter(VECTORS, "Sep_CMA_ES", population=4), batch_size=8) for _ in range(2)
    )
    assert first == again


def test_settings_that_are_equal_but_not_the_same_are_told_apart():
    calls = []

    @remembered
    def builder(setting, other=2):
        calls.append(setting)
        return object()

    assert builder(1) is builder(setting=1, other=2) is builder(1, other=2)
    assert len({id(builder(value)) for value in (1, 1.0, True, (1,), (1.0,))}) == 5
    assert builder([1]) is builder((1,))
    assert builder(np.ones(2)) is not builder(np.ones(2))  # Cannot be hashed.
    with pytest.raises(TypeError, match="unknown"):
        builder(1, unknown=3)


def test_what_is_kept_is_bounded():
    @remembered
    def builder(setting):
        return object()

    first = builder(0)
    for setting in range(1, MOST + 1):
        builder(setting)
    assert builder(0) is not first


def test_a_refusal_is_not_kept():
    for _ in range(2):
        with pytest.raises(ValueError, match="batch_size"):
            build("map_elites", VECTORS, 0, {})


def test_a_builder_called_in_a_traced_program_leaves_nothing_of_it_behind():
    settings = {"population": 4, "step": 0.043}

    @jax.jit
    def traced(key):
        emitter = evosax_emitter(VECTORS, "Sep_CMA_ES", **settings)
        return emitter.ask(key, emitter.init(key, VECTORS.init(key)))[0]

    inside = traced(jax.random.key(0))
    emitter, key = evosax_emitter(VECTORS, "Sep_CMA_ES", **settings), jax.random.key(0)
    outside = emitter.ask(key, emitter.init(key, VECTORS.init(key)))[0]
    np.testing.assert_allclose(inside, outside, rtol=1e-4, atol=1e-5)


def test_networks_of_one_apply_share_one_program(compiled):
    """With encodings and strategies built anew; what compiles nothing keeps nothing either."""

    def searched(seed):
        encoding = direct((6, 6, 1), eta=12.5)
        strategy = build("focused", encoding, 8, {}) if seed % 2 else None
        return search(toys.target(seed), encoding, strategy, key=jax.random.key(0), generations=2)

    found = [searched(seed) for seed in (0, 1)]
    before = programs._compile.cache_info()
    compiled.clear()
    found += [searched(seed) for seed in (2, 3, 4, 5)]
    after = programs._compile.cache_info()
    assert (after.misses, after.currsize) == (before.misses, before.currsize)
    assert compiled == []
    assert len({one.log_odds.tobytes() for one in found}) == len(found)


@pytest.mark.parametrize("rule", ["adam", "adam_smooth", "seed_169"])
def test_an_ascent_compiles_once_for_however_many_calls(compiled, rule):
    target = toys.target(0).replace(image_shape=(6, 6, 1), class_names=tuple("abcd"))
    found = [fooljax.ascend(target, key=0, rule=rule, iterations=3, check_target=False)]
    compiled.clear()
    found += [
        fooljax.ascend(target, key=seed, rule=rule, iterations=3, check_target=False) for seed in (0, 1, 2)
    ]
    assert compiled == []
    np.testing.assert_array_equal(found[0].images, found[1].images)


def test_scoring_compiles_once_for_however_many_images(compiled):
    def apply(params, images):
        return toys.logits(params, images)

    images = np.random.default_rng(0).integers(0, 256, (100, 6, 6, 1), dtype=np.uint8)
    targets = [toys.target(seed).replace(apply=apply) for seed in range(3)]
    whole = score(targets[0], images)
    assert len(compiled) >= 1
    compiled.clear()
    for count in (100, 32, 32, 33, 1, 64):
        np.testing.assert_array_equal(score(targets[0], images[:count]), whole[:count])
    assert not np.allclose(score(targets[1], images), whole)
    assert compiled == []
    plain = apply(targets[0].params, jnp.asarray(images, jnp.float32) / 255.0)
    np.testing.assert_array_equal(np.argmax(whole, axis=1), np.argmax(plain, axis=1))
