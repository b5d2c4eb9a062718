"""CPPN genomes under mutation: always valid, with the authors' rates and meaning."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.encodings.cppn import mutation
from fooljax.encodings.cppn.genome import CPPN, Layout, first_genome, pad, validate
from fooljax.encodings.cppn.mutation import Rates, mutate
from fooljax.errors import InputError

LAYOUT = Layout(4, 1, 24, 6)
USUAL = Rates()
STILL = Rates(*([0.0, 15.0] + [0.0] * 5))


def many(count, layout=LAYOUT, seed=0):
    return jax.vmap(lambda key: first_genome(key, layout, 4))(jax.random.split(jax.random.key(seed), count))


def one(genomes, index):
    return jax.tree.map(lambda leaf: leaf[index], genomes)


def step(rates=USUAL, layout=LAYOUT):
    return jax.jit(jax.vmap(lambda key, genome: mutate(key, genome, layout, 4, rates)))


@pytest.fixture(scope="module")
def grown():
    """Populations after 0, 5, 40 and 120 mutations without selection: the last ones are full."""
    genomes, advance, seen = many(64), step(), {}
    for generation in range(121):
        if generation in (0, 5, 40, 120):
            seen[generation] = jax.device_get(genomes)
        genomes = advance(jax.random.split(jax.random.key(100 + generation), 64), genomes)
    return seen


@pytest.mark.parametrize("generation", [0, 5, 40, 120])
def test_any_chain_of_mutations_is_valid(grown, generation):
    for index in range(64):
        validate(one(grown[generation], index), LAYOUT, 4)


def test_chains_grow_and_fill_up(grown):
    assert grown[0].num_hidden.max() == 0
    assert 0.5 < grown[5].num_hidden.mean() < 3
    assert grown[120].num_hidden.max() == LAYOUT.max_hidden
    assert grown[120].fan_in.max() == LAYOUT.fan_in


LAYOUTS = [Layout(4, 1, 5, 4), Layout(1, 1, 9, 1), Layout(4, 3, 40, 5), Layout(2, 2, 70, 4)]
"""No room for hidden nodes; one slot a node; colour; more rows than two words of bits."""


@functools.cache
def chain(layout):
    """Mutates eight genomes a dozen times; compiled once for a layout."""

    def run(key):
        start, *keys = jax.random.split(key, 13)
        genomes = jax.vmap(lambda k: first_genome(k, layout, 4))(jax.random.split(start, 8))
        advance = jax.vmap(lambda k, genome: mutate(k, genome, layout, 4, USUAL))
        scanned = jax.lax.scan(
            lambda g, k: (advance(jax.random.split(k, 8), g), None), genomes, jnp.stack(keys)
        )
        return scanned[0]

    return jax.jit(run)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**31 - 1), layout=st.sampled_from(LAYOUTS))
def test_any_layout_is_kept_valid(seed, layout):
    genomes = jax.device_get(chain(layout)(jax.random.key(seed)))
    for index in range(8):
        validate(one(genomes, index), layout, 4)


def differs(first, second):
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return np.any([np.any((a != b).reshape(len(a), -1), axis=1) for a, b in leaves], axis=0)


@pytest.mark.parametrize("name", ["add_connection", "delete_connection", "add_node", "delete_node"])
def test_each_step_happens_at_its_rate(grown, name):
    genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 40, axis=0), grown[40])
    room = np.flatnonzero((genomes.num_hidden < LAYOUT.max_hidden) & (genomes.fan_in.max(1) < LAYOUT.fan_in))
    genomes = jax.tree.map(lambda leaf: leaf[room], genomes)
    genomes = jax.tree.map(lambda leaf: leaf[genomes.num_hidden > 0], genomes)
    count = len(genomes.num_hidden)
    assert count > 500
    after = step(STILL._replace(**{name: 0.4}))(jax.random.split(jax.random.key(5), count), genomes)
    changed = differs(genomes, jax.device_get(after)).mean()
    assert changed == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / count) + 0.01)


def test_weights_and_functions_change_at_their_rates(grown):
    genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 20, axis=0), grown[40])
    keys = jax.random.split(jax.random.key(6), len(genomes.num_hidden))
    after = jax.device_get(step(STILL._replace(weight=0.1))(keys, genomes))
    used = np.arange(LAYOUT.fan_in) < genomes.fan_in[..., None]
    moves = (after.weights - genomes.weights)[used]
    assert np.mean(moves != 0) == pytest.approx(0.1, abs=0.01)
    # The paper's protocol: a mean step of 1.18 in weight units (a little less where weights are clipped).
    assert np.abs(moves[moves != 0]).mean() == pytest.approx(1.15, abs=0.1)
    after = jax.device_get(step(STILL._replace(function=0.1))(keys, genomes))
    row = np.arange(LAYOUT.num_nodes)
    has = ((row >= 4) & (row < 4 + genomes.num_hidden[:, None])) | (row == LAYOUT.num_nodes - 1)
    # Of the functions drawn again, one in four stays what it was.
    assert np.mean((after.functions != genomes.functions)[has]) == pytest.approx(0.075, abs=0.01)


def test_nothing_changes_at_rate_zero(grown):
    after = step(STILL)(jax.random.split(jax.random.key(7), 64), grown[40])
    assert not differs(grown[40], jax.device_get(after)).any()


def edges(genome, layout=LAYOUT):
    """Connections as (source, target, weight), sorted."""
    return sorted(
        (int(genome.sources[row, slot]), row, float(genome.weights[row, slot]))
        for row in range(layout.num_nodes)
        for slot in range(int(genome.fan_in[row]))
    )


def test_a_split_connection_gives_its_weight_to_both_halves():
    genome = first_genome(jax.random.key(0), LAYOUT, 4)
    alone = jax.tree.map(lambda leaf: leaf[None], genome)
    after = one(
        jax.device_get(step(STILL._replace(add_node=1.0))(jax.random.split(jax.random.key(1), 1), alone)), 0
    )
    before, now, output = edges(genome), edges(after), LAYOUT.num_nodes - 1
    assert after.num_hidden == 1
    (gone,) = set(before) - set(now)
    assert gone[1] == output
    assert set(now) - set(before) == {(gone[0], 4, gone[2]), (4, output, gone[2])}


def test_delete_after_add_restores_the_connections():
    """A new node and connection taken away again leave the network that was there."""
    genome = mutation.opened(first_genome(jax.random.key(0), LAYOUT, 4))
    with_edge = mutation.add_connection(jnp.asarray([0.0, 0.3, 0.0, 0.7]), genome, LAYOUT, 1.0)
    assert int(with_edge.used.sum()) == 5
    last = mutation.delete_connection(jnp.asarray([0.0, 0.99]), with_edge, 1.0)
    assert edges(mutation.closed(last)) == edges(mutation.closed(genome))
    with_node = mutation.add_node(jnp.asarray([0.0, 0.6, 0.2]), genome, LAYOUT, 4, 1.0)
    without = mutation.delete_node(jnp.asarray([0.0, 0.0]), with_node, LAYOUT, 1.0)
    assert int(without.num_hidden) == 0
    # The node's two connections go with it, so the split one is gone; the others are as they were.
    assert set(edges(mutation.closed(without))) < set(edges(mutation.closed(genome)))
    assert int(without.used.sum()) == 3


def reachable(genome, start):
    """Rows from which `start` can be reached (its ancestors), by plain search."""
    found, frontier = set(), [start]
    while frontier:
        row = frontier.pop()
        for slot in range(int(genome.fan_in[row])):
            source = int(genome.sources[row, slot])
            if source not in found:
                found.add(source)
                frontier.append(source)
    return found


def test_ancestors_equal_plain_search(grown):
    ancestors = jax.jit(jax.vmap(lambda g, row: mutation._ancestors(mutation.opened(g), LAYOUT, row)))
    for row in (0, 4, 7, 12):
        found = np.asarray(ancestors(grown[40], jnp.full(64, row)))
        for index in range(0, 64, 5):
            if row < 4 + grown[40].num_hidden[index]:
                expected = reachable(one(grown[40], index), row)
                assert set(np.flatnonzero(found[index])) == expected


def test_new_connections_reach_every_target_that_keeps_the_graph_acyclic():
    """Targets standing before the source are reached too: the order gives way, not the choice."""
    chain = CPPN(
        num_hidden=np.int32(3),
        functions=np.zeros(10, np.int32),
        sources=np.zeros((10, 4), np.int32),
        weights=np.zeros((10, 4), np.float32),
        fan_in=np.zeros(10, np.int32),
    )
    layout = Layout(1, 1, 10, 4)
    for row, weight in ((1, 1.0), (2, 2.0), (3, 3.0)):  # Three hidden nodes, each reading only the input.
        chain.fan_in[row], chain.weights[row, 0] = 1, weight
    validate(chain, layout, 4)
    count = 4000
    genomes = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *np.shape(leaf))), chain)
    add = step(STILL._replace(add_connection=1.0), layout)
    after = jax.device_get(add(jax.random.split(jax.random.key(0), count), genomes))
    seen = {}
    for index in range(count):
        genome = one(after, index)
        validate(genome, layout, 4)
        # The first slot's weight tells which node a row is, wherever it now stands.
        name = {0: "in", 9: "out", **{row: int(genome.weights[row, 0]) for row in (1, 2, 3)}}
        new = [(r, s) for r in range(10) for s in range(int(genome.fan_in[r])) if genome.weights[r, s] % 1]
        assert len(new) == 1
        pair = (name[int(genome.sources[new[0]])], name[new[0][0]])
        seen[pair] = seen.get(pair, 0) + 1
    nodes = [1, 2, 3]
    expected = {("in", n): 1 / 16 for n in [*nodes, "out"]}
    expected |= {(a, b): 1 / 12 for a in nodes for b in [*nodes, "out"] if a != b}
    assert set(seen) == set(expected)
    for pair, share in expected.items():
        assert seen[pair] / count == pytest.approx(share, abs=5 * np.sqrt(share / count))


def test_padding_keeps_a_genome_valid(grown):
    wide = Layout(4, 1, 60, 9)
    for index in range(0, 64, 9):
        genome = one(grown[40], index)
        padded = pad(genome, LAYOUT, wide)
        validate(padded, wide, 4)
        renamed = [(s, 59 if t == LAYOUT.num_nodes - 1 else t, w) for s, t, w in edges(genome)]
        assert edges(padded, wide) == sorted(renamed)
    with pytest.raises(InputError, match=r"^new: expected a layout with at least the room"):
        pad(genome, LAYOUT, Layout(4, 1, 20, 6))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden": np.int32(20)}, r"^num_hidden: expected 0 to 19, got 20"),
        ({"num_hidden": np.float32(0)}, r"^num_hidden: expected integers"),
        ({"weights": (23, 0, 10.5)}, r"^weights: expected numbers in \[-10, 10\]"),
        ({"weights": (23, 0, np.nan)}, r"^weights: expected numbers"),
        ({"weights": (23, 5, 1.0)}, r"^row 23: expected source 0 and weight 0 in the slots beyond 4"),
        ({"sources": (23, 0, 4)}, r"^sources\[23\]: expected rows below 4, got \[4, 1, 2, 3\]"),
        ({"sources": (23, 0, -1)}, r"^sources\[23\]: expected rows below 4"),
        ({"functions": (23, 4)}, r"^functions\[23\]: expected 0 to 3, got 4"),
        ({"functions": (2, 1)}, r"^row 2: expected no connections and function 0"),
        ({"fan_in": (8, 1)}, r"^row 8: expected no connections"),
        ({"fan_in": (23, 7)}, r"^fan_in\[23\]: expected 0 to 6, got 7"),
    ],
)
def test_broken_genomes_are_named(change, message):
    genome = jax.device_get(first_genome(jax.random.key(0), LAYOUT, 4))
    ((name, value),) = change.items()
    if isinstance(value, tuple):
        *place, number = value
        array = np.array(getattr(genome, name))
        array[tuple(place)] = number
        value = array
    with pytest.raises(InputError, match=message):
        validate(genome.replace(**{name: value}), LAYOUT, 4)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(4, 1, 4, 8), r"^num_nodes: expected at least 5 \(inputs and outputs\), got 4"),
        (Layout(4, 1, 20, 3), r"^fan_in: expected at least 4 \(inputs\), got 3"),
        (Layout(0, 1, 20, 3), r"^num_inputs: expected 1 or more, got 0"),
    ],
)
def test_layouts_that_hold_nothing_are_named(layout, message):
    with pytest.raises(InputError, match=message):
        validate(None, layout, 4)
