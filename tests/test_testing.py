"""The public checks catch what they are there to catch: faults put in on purpose."""

import jax
import jax.numpy as jnp
import pytest

from fooljax.encodings import cppn, direct, fixed_cppn
from fooljax.strategies import map_elites
from fooljax.testing import TOY, ContractError, check_encoding, check_strategy

GOOD = map_elites(TOY, batch_size=8)


def asks(change):
    """The good strategy, its offspring changed."""

    def ask(key, state, archive, problem):
        offspring, state = GOOD.ask(key, state, archive, problem)
        return change(key, state, archive, offspring), state

    return GOOD._replace(ask=ask)


def told(change):
    def tell(*args):
        return change(*GOOD.tell(*args))

    return GOOD._replace(tell=tell)


def genomes(change):
    return asks(lambda key, state, archive, offspring: offspring.replace(genomes=change(offspring.genomes)))


def only_when_lone(array):
    """Differs under vmap: the rule of a custom_vmap that adds something."""

    @jax.custom_batching.custom_vmap
    def same(x):
        return x

    @same.def_vmap
    def rule(size, batched, x):
        return x * 0.5, batched[0]

    return same(array)


def strong(key, state, offspring, outcome):
    return jnp.asarray(1.0, jnp.float32), {}


STRATEGY_FAULTS = {
    "a genome too few": (genomes(lambda g: g[1:]), "genomes: expected float32"),
    "another dtype": (genomes(lambda g: g.astype(jnp.float16)), "genomes: expected float32"),
    "parents of another type": (
        asks(lambda k, s, a, o: o.replace(parents=o.parents.astype(jnp.float32))),
        "parents: expected int32",
    ),
    "passes as a vector": (
        asks(lambda k, s, a, o: o.replace(extra_passes=jnp.zeros(3, jnp.int32))),
        "extra_passes",
    ),
    "no offspring": (
        asks(lambda k, s, a, o: (o.genomes, o.parents)),
        "ask: expected an Offspring, got tuple",
    ),
    "a state that changes type": (told(lambda s, m: (s.astype(jnp.float32), m)), "state: expected int32"),
    "a weak state": (
        GOOD._replace(init=lambda k, g, f: jnp.asarray(0.0), tell=strong),
        r"state: expected float32 \[\] weakly typed, got float32 \[\]; give it a type where it is made",
    ),
    "a metric that is an array": (
        told(lambda s, m: (s, {"all": jnp.zeros(3)})),
        "metrics: expected a scalar all",
    ),
    "NaN": (genomes(lambda g: g.at[0, 0].set(jnp.nan)), "genomes: expected finite"),
    "out of bounds": (genomes(lambda g: g + 1.0), r"bounds: expected genes in \[0, 1\]"),
    "a key that is not used": (
        GOOD._replace(ask=lambda k, s, a, p: GOOD.ask(jax.random.key(0), s, a, p)),
        "another key",
    ),
    "another result uncompiled": (
        genomes(lambda g: g * (0.5 if isinstance(g, jax.core.Tracer) else 1.0)),
        "jit: expected the ",
    ),
    "another result under vmap": (genomes(only_when_lone), "vmap: expected"),
    "NaN where no fitness is finite": (
        GOOD._replace(
            init=lambda k, g, f: jnp.float32(0),
            ask=lambda k, s, a, p: (
                GOOD.ask(k, jnp.int32(0), a, p)[0].replace(
                    genomes=GOOD.ask(k, jnp.int32(0), a, p)[0].genomes + s
                ),
                s,
            ),
            tell=lambda k, s, o, outcome: (s + 0.0 * jnp.sum(outcome.fitness), {}),
        ),
        "no finite fitness: genomes: expected finite",
    ),
}


@pytest.mark.parametrize("fault", STRATEGY_FAULTS)
def test_a_broken_strategy_is_caught(fault):
    strategy, message = STRATEGY_FAULTS[fault]
    with pytest.raises(ContractError, match=message):
        check_strategy(strategy)


def test_a_builder_is_checked_as_what_it_builds():
    check_strategy(map_elites)
    with pytest.raises(ContractError, match="expected a Strategy, got int"):
        check_strategy(lambda encoding, batch_size: 3)


@pytest.mark.parametrize(
    "encoding",
    [
        direct((6, 6, 1)),
        direct((5, 4, 3), crossover_rate=0.5),
        direct((5, 4, 3), storage="uint8", colour="hsv"),
        pytest.param(cppn((6, 7, 1), max_nodes=12, max_connections=16), marks=pytest.mark.slow),
        cppn((6, 7, 3), coordinates="scaled", max_nodes=12, max_connections=20),
        fixed_cppn((6, 7, 1), hidden=(5,)),
        fixed_cppn((6, 7, 3), functions="wide", coordinates="raw", hidden=(6, 3)),
    ],
    ids=lambda encoding: f"{encoding.name} {encoding.image_shape[2]}",
)
def test_the_encodings_keep_their_contract(encoding):
    check_encoding(encoding)


def varies(change):
    return TOY._replace(vary=lambda key, parents, generation: change(key, TOY.vary(key, parents, generation)))


def renders(change):
    return TOY._replace(render=lambda genome, coordinates: change(TOY.render(genome, coordinates)))


ENCODING_FAULTS = {
    "a child of another shape": (varies(lambda k, g: g[:-1]), "vary: expected float32"),
    "out of bounds": (varies(lambda k, g: g + 0.5), "bounds"),
    "NaN": (varies(lambda k, g: g.at[0].set(jnp.nan)), "expected finite"),
    "an image of another shape": (renders(lambda i: i[1:]), "render: expected float32"),
    "levels up to 255": (renders(lambda i: i * 255.0), r"render: expected levels in \[0, 1\]"),
    "another image under vmap": (renders(only_when_lone), "render: vmapped"),
    "a first genome that is always the same": (
        TOY._replace(init=lambda key: jnp.zeros(36)),
        "init: another key",
    ),
    "a measure that is an array": (
        TOY._replace(measure=lambda g: {"all": g}),
        "measure: expected a scalar all",
    ),
    "no gradient": (TOY._replace(differentiable=TOY.render), "differentiable: its gradient is zero"),
    "another image with a gradient": (
        TOY._replace(differentiable=lambda g, c: 1.0 - g.reshape(6, 6, 1)),
        "differentiable: expected render's images",
    ),
    "another image at its own size": (
        TOY._replace(
            coordinates=lambda: jnp.float32(1.0),
            coordinates_at=lambda h, w, band: jnp.float32(0.5),
            render=lambda g, c: TOY.render(g, ()) * c,
            differentiable=None,
        ),
        "coordinates_at",
    ),
    "JSON that is no text": (TOY._replace(to_json=lambda g: {"genes": 1}), "to_json: expected text"),
}


@pytest.mark.parametrize("fault", ENCODING_FAULTS)
def test_a_broken_encoding_is_caught(fault):
    encoding, message = ENCODING_FAULTS[fault]
    with pytest.raises(ContractError, match=message):
        check_encoding(encoding)
